"""Files from outside as streams, whatever they are packed in: loose, gzipped, in a zip or a tar archive."""

import gzip
import io
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import IO, cast

from core.data.importing import safezip
from core.data.importing.folder_layout import PICTURES
from core.data.importing.picture_archive import MAX_DIRECTORY, MAX_FILES, Skipped, zip_refusal
from core.data.importing.safezip import MB, Limits, Member, ZipFault, read_directory
from core.errors import DataError
from core.settings import cannot_write, settings

MAX_UNPACKED = 4 * 1024 * MB  # of a compressed tar archive, which is unpacked to the disk
MAX_WHOLE = 1024 * MB  # of a file that has to be in memory as a whole
ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
_HEAD = 4096
_NESTED = 256 * MB  # a zip inside a zip
_DAMAGES = (OSError, EOFError, ValueError, zlib.error, tarfile.TarError, MemoryError, OverflowError, RuntimeError)

Content = bytes | Path


@dataclass(frozen=True, eq=False)
class SourceFile:
    """A file from outside.

    Attributes:
        name: What it is called, with the folders around it in its archive.
        opener: Returns a new stream of its content from the beginning.
        size: Its bytes; None where that shows only at its end.
    """

    name: str
    opener: Callable[[], IO[bytes]]
    size: int | None = None

    @cached_property
    def head(self) -> bytes:
        """The first few thousand bytes."""
        with reading(self.name), self.opener() as stream:
            return exactly(stream, _HEAD, short=True)

    def read(self, limit: int = MAX_WHOLE) -> bytes:
        """Return all of it; raises `DataError` where it is damaged or has more than `limit` bytes."""
        with reading(self.name), self.opener() as stream:
            content = exactly(stream, limit + 1, short=True)
        if len(content) > limit:
            raise DataError(f"{short(self.name)} has more than {limit // MB:,} MB: take a smaller file.")
        return content


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn whatever a damaged file leads to into one sentence."""
    try:
        yield
    except _DAMAGES as error:
        raise DataError(f"{short(name)} is damaged or incomplete: fetch it again and choose that file.") from error


def short(name: str) -> str:
    """Return the name of a file without folders, fit to be shown."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in last)[-60:] or "The file"


def exactly(stream: IO[bytes], count: int, *, short: bool = False) -> bytes:
    """Return so many bytes; raises EOFError where there are fewer, unless `short` is allowed."""
    parts, missing = [], count
    while missing and (part := stream.read(min(missing, 4 * MB))):
        parts.append(part)
        missing -= len(part)
    if missing and not short:
        raise EOFError
    return parts[0] if len(parts) == 1 else b"".join(parts)


def unpacked(files: Sequence[tuple[str, Content]]) -> tuple[list[SourceFile], list[Skipped]]:
    """Return the files that were chosen, those in zip and tar archives one by one and unzipped, and what is left out.

    Raises:
        DataError: One cannot be read, or an archive is too large or made to overflow whoever unpacks it.
    """
    sources: list[SourceFile] = []
    skipped: list[Skipped] = []
    for name, content in files:
        for source in _opened(_loose(name, content), content, skipped):
            if source.size == 0:
                skipped.append(Skipped(source.name, "empty"))
            else:
                sources.append(source)
    return sources, skipped


def _loose(name: str, content: Content) -> SourceFile:
    if isinstance(content, bytes):
        return SourceFile(name, partial(io.BytesIO, content), len(content))
    try:
        return SourceFile(name, lambda: content.open("rb"), content.stat().st_size)
    except OSError as error:
        raise DataError(f"The file {content.name} cannot be read ({error.strerror}): choose another one.") from error


def _opened(source: SourceFile, content: Content | None, skipped: list[Skipped]) -> Iterator[SourceFile]:
    """Yield what is in a file that holds others, else the file itself."""
    if source.head.startswith(ZIP):
        if content is None:
            content = source.read(_NESTED)
        members = list(_zip_members(content, skipped))
        with_pictures = any(member.name.lower().endswith(PICTURES) for member in members)
        for member in members:
            inside = SourceFile(f"{source.name}/{member.name}", partial(_member_stream, content, member), member.size)
            if with_pictures or not member.size:
                yield inside  # not looked into: such archives hold very many files
            else:
                yield from _opened_member(inside, skipped)
    else:
        yield from _gunzipped(source)


def _opened_member(inside: SourceFile, skipped: list[Skipped]) -> Iterator[SourceFile]:
    try:
        nested = inside.head.startswith(ZIP) and inside.name.count(".zip/") < 3
        yield from _opened(inside, None, skipped) if nested else _gunzipped(inside)
    except DataError:
        skipped.append(Skipped(inside.name, "damaged inside the archive"))


def _zip_members(content: Content, skipped: list[Skipped]) -> Iterator[Member]:
    limits = Limits(settings().max_archive_mb * MB, MAX_DIRECTORY, MAX_FILES, file=MAX_UNPACKED)
    with safezip.opened(content) as stream:
        try:
            listed, _ = read_directory(stream, limits)
        except ZipFault as fault:
            stream.seek(0)
            raise zip_refusal(fault, limits, stream.read(1024)) from fault
    for member, violation in listed:
        if violation is None:
            yield member
        else:
            skipped.append(Skipped(member.name, "packed in a way that is not read here, or made to overflow"))


def _gunzipped(source: SourceFile) -> Iterator[SourceFile]:
    if source.head.startswith(GZIP):
        name = source.name[:-3] if source.name.lower().endswith(".gz") else source.name
        source = SourceFile(name, partial(_gzip_stream, source.opener))
        if _is_tar(source.head):
            yield from _tar_members(source, _spooled(source))
            return
    if _is_tar(source.head):
        yield from _tar_members(source, source.opener)
    else:
        yield source


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _gzip_stream(opener: Callable[[], IO[bytes]]) -> IO[bytes]:
    return cast(IO[bytes], _Gunzipped(opener()))


class _Gunzipped(gzip.GzipFile):
    """The content of a gzipped stream, which is closed with it."""

    def __init__(self, packed: IO[bytes]) -> None:
        super().__init__(fileobj=packed, mode="rb")
        self._packed = packed

    def close(self) -> None:
        super().close()
        self._packed.close()


def _spooled(source: SourceFile) -> Callable[[], IO[bytes]]:
    """Unpack a compressed archive into a file without a name, which is gone with the last that reads it."""
    try:
        file = tempfile.TemporaryFile(dir=settings().folder("data"))  # noqa: SIM115
        spool = _Spool(cast(IO[bytes], file))  # which closes it, also where what follows is refused
    except OSError as error:
        raise cannot_write(error) from error
    size = 0
    with source.opener() as stream:
        while True:
            with reading(source.name):
                block = stream.read(MB)
            if not block:
                break
            size += len(block)
            if size > MAX_UNPACKED:
                raise DataError(
                    f"{short(source.name)} unpacks to more than {MAX_UNPACKED // MB:,} MB: take a smaller one."
                )
            try:
                file.write(block)
                file.flush()
            except OSError as error:
                raise cannot_write(error) from error
    return lambda: cast(IO[bytes], io.BufferedReader(_Slice(spool, 0, size)))


class _Spool:
    """A file that several streams read, from any thread, and that is closed with the last of them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._lock = file, threading.Lock()

    def read_at(self, place: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(place)
            return self._file.read(count)

    def __del__(self) -> None:
        self._file.close()


def _tar_members(source: SourceFile, opener: Callable[[], IO[bytes]]) -> Iterator[SourceFile]:
    members = []
    with reading(source.name), opener() as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for entry in archive:
            if entry.isreg() and entry.size and not entry.issparse() and not safezip.is_junk(entry.name):
                members.append((entry.name, entry.offset_data, entry.size))
            if len(members) > MAX_FILES:
                raise DataError(f"The archive lists more than {MAX_FILES:,} files: take fewer pictures.")
    for name, offset, size in members:
        yield SourceFile(f"{source.name}/{name}", partial(_slice_stream, opener, offset, size), size)


def _slice_stream(opener: Callable[[], IO[bytes]], offset: int, size: int) -> IO[bytes]:
    return cast(IO[bytes], io.BufferedReader(_Slice(opener(), offset, size)))


class _Slice(io.RawIOBase):
    """A stretch of another stream."""

    def __init__(self, stream: IO[bytes] | _Spool, offset: int, size: int) -> None:
        self._stream, self._offset, self._size, self._place = stream, offset, size, 0

    def close(self) -> None:
        if not isinstance(self._stream, _Spool):
            self._stream.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = max(0, offset + (0, self._place, self._size)[whence])
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        count = min(len(view), max(0, self._size - self._place))
        if isinstance(self._stream, _Spool):
            part = self._stream.read_at(self._offset + self._place, count)
        else:
            self._stream.seek(self._offset + self._place)
            part = self._stream.read(count)
        view[: len(part)] = part
        self._place += len(part)
        return len(part)


def _member_stream(content: Content, member: Member) -> IO[bytes]:
    return cast(IO[bytes], io.BufferedReader(_Blocks(_zip_blocks(content, member)), MB))


def _zip_blocks(content: Content, member: Member) -> Iterator[bytes]:
    with safezip.opened(content) as stream:
        yield from safezip.blocks(stream, member)


class _Blocks(io.RawIOBase):
    """A stream of what an iterator yields."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count
