"""What the pages of a Parquet column unpack to, read from their headers before a library unpacks any.

A header is a structure in Thrift's compact protocol, whose first three fields are the kind of the page and its sizes
unpacked and packed (parquet-format, PageHeader).
"""

from collections.abc import Iterator
from typing import NamedTuple

DICTIONARY = 2
_BOOLS, _BYTE, _WHOLE, _DOUBLE, _BINARY, _LISTS, _MAP, _STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, (9, 10), 11, 12
_DEPTH = 8


class Page(NamedTuple):
    """A page of a column.

    Attributes:
        kind: 0 data, 1 index, 2 dictionary, 3 data of version 2.
        size: Its bytes unpacked.
    """

    kind: int
    size: int


def pages_of(data: memoryview) -> Iterator[Page]:
    """Yield the pages of a column chunk; raises ValueError where it is damaged."""
    place = 0
    while place < len(data):
        reader = _Reader(data, place)
        kind, size, packed = reader.header()
        if min(kind, size, packed) < 0 or packed > len(data) - reader.place:
            raise ValueError("a page is larger than its column")
        yield Page(kind, size)
        place = reader.place + packed


class _Reader:
    def __init__(self, data: memoryview, place: int) -> None:
        self._data, self.place = data, place

    def header(self) -> tuple[int, int, int]:
        values = {}
        for number, kind in self._fields():
            if number in (1, 2, 3) and kind == 5:
                values[number] = self._signed()
            else:
                self._skip(kind, 0)
        return values.get(1, -1), values.get(2, -1), values.get(3, -1)

    def _fields(self) -> Iterator[tuple[int, int]]:
        number = 0
        while start := self._byte():
            number = number + (start >> 4) if start >> 4 else self._signed()
            yield number, start & 15

    def _skip(self, kind: int, depth: int) -> None:
        if depth > _DEPTH:
            raise ValueError("too deep")
        if kind == _BYTE:
            self.place += 1
        elif kind in _WHOLE:
            self._varint()
        elif kind == _DOUBLE:
            self.place += 8
        elif kind == _BINARY:
            length = self._varint()
            self.place += length
        elif kind in _LISTS:
            start = self._byte()
            count = start >> 4 if start >> 4 < 15 else self._varint()
            for _ in range(count):
                self._skip(_BYTE if start & 15 in _BOOLS else start & 15, depth + 1)
        elif kind == _STRUCT:
            for _, inner in self._fields():
                self._skip(inner, depth + 1)
        elif kind not in _BOOLS:
            raise ValueError("no header of a page")

    def _byte(self) -> int:
        if self.place >= len(self._data):
            raise ValueError("cut short")
        self.place += 1
        return self._data[self.place - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a number without an end")

    def _signed(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
