"""IDX, the format of MNIST: a magic number with type and number of axes, their lengths, then the values, big-endian."""

import math
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.data.importing.array_sets import NamedArray, join
from core.data.importing.dataset_formats.emnist import CHARACTERS, character_names, is_emnist, orientation_fact
from core.data.importing.labelled_images import BLOCK, MAX_IMAGES, Block, LabelledImages, check_shape
from core.data.importing.picture_archive import Skipped
from core.data.importing.source_files import SourceFile, exactly, reading, short
from core.errors import DataError

KIND = "IDX"
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class _Header(NamedTuple):
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]

    @property
    def begin(self) -> int:
        return 4 + 4 * len(self.shape)


def _header(source: SourceFile) -> _Header | None:
    """Return what a file says of its array; None where it is no such file, as far as its length is known."""
    head = source.head
    if len(head) < 8 or head[:2] != b"\0\0" or head[2] not in _TYPES or not 1 <= head[3] <= 4:
        return None
    axes = head[3]
    if len(head) < 4 + 4 * axes:
        return None
    header = _Header(np.dtype(_TYPES[head[2]]), struct.unpack_from(f">{axes}I", head, 4))
    least = header.begin + min(1, math.prod(header.shape))
    return header if source.size is None or source.size >= least else None


def claims(sources: Sequence[SourceFile]) -> bool:
    """Say whether one of the files is an IDX array of images."""
    return any((header := _header(source)) is not None and len(header.shape) in (3, 4) for source in sources)


def read(sources: Sequence[SourceFile]) -> LabelledImages:
    """Read images and labels of IDX files."""
    arrays, skipped = [], list[Skipped]()
    for source in sources:
        header = _header(source)
        if header is None:
            skipped.append(Skipped(source.name, "no IDX file"))
        elif len(header.shape) in (3, 4):
            arrays.append(_images(source, header))
        elif len(header.shape) == 1 and header.dtype.kind in "iu":
            _check_length(source, header, MAX_IMAGES)
            arrays.append(NamedArray(source.name, header.shape, labels=lambda s=source, h=header: _labels(s, h)))  # type: ignore[misc]
        else:
            raise DataError(
                f"{short(source.name)} has {len(header.shape)} axes of {header.dtype.name} values: labels are one "
                "whole number for each image."
            )
    turned = is_emnist(sources)
    names = character_names(sources)
    return join(
        KIND,
        arrays,
        names=names,
        facts=[orientation_fact(turned)],
        skipped=skipped,
        transposed=turned,
        named=CHARACTERS,
    )


def _check_length(source: SourceFile, header: _Header, most: int) -> None:
    if header.shape[0] > most:
        raise DataError(f"{short(source.name)} says that it holds {header.shape[0]:,} labels: {most:,} are the most.")
    wanted = header.begin + math.prod(header.shape) * header.dtype.itemsize
    if source.size is not None and source.size != wanted:
        raise DataError(
            f"{short(source.name)} has {source.size:,} bytes, and its beginning says {wanted:,}: it is incomplete or "
            "damaged, so fetch it again."
        )


def _images(source: SourceFile, header: _Header) -> NamedArray:
    if header.dtype != np.uint8:
        raise DataError(f"{short(source.name)} holds {header.dtype.name} values: images are bytes from 0 to 255.")
    count, *inner = header.shape
    height, width, channels = (*inner, 1) if len(inner) == 2 else inner
    if len(inner) == 3 and channels not in (1, 3) and inner[0] in (1, 3):  # planes first
        channels, height, width = inner
        shape = last = (channels, height, width)
        planes = True
    else:
        shape, last, planes = (channels, height, width), (height, width, channels), False
    check_shape(short(source.name), count, shape)
    _check_length(source, header, MAX_IMAGES)

    def blocks() -> Iterator[Block]:
        each = math.prod(shape)
        with source.opener() as stream:
            exactly(stream, header.begin)
            for first in range(0, count, max(1, BLOCK // each)):
                number = min(max(1, BLOCK // each), count - first)
                block = np.frombuffer(exactly(stream, number * each), np.uint8).reshape(number, *last)
                yield block if planes else block.transpose(0, 3, 1, 2)
            if stream.read(1):
                raise EOFError  # more than it says

    return NamedArray(source.name, (count, *shape), blocks)


def _labels(source: SourceFile, header: _Header) -> NDArray[np.generic]:
    with reading(source.name), source.opener() as stream:
        exactly(stream, header.begin)
        return np.frombuffer(exactly(stream, header.shape[0] * header.dtype.itemsize), header.dtype)
