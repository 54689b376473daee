"""Opening an archive that may have been made to do harm: nothing is unpacked before everything has been checked."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from core.data.importing.safezip import is_junk
from core.exchange.layout import MB, METRICS, RECORDS, Limits, refusal

_END = struct.Struct("<4s4H2LH")  # end of the table of contents (APPNOTE.TXT 4.3.16): the sixth number is its size
_LARGE = b"PK\x06\x07"  # what stands before it in archives of 4 GB and more
_BLOCK = 1 << 18
_DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError)


class Archive:
    """A checked archive; what it holds is read under the limits that it was checked for."""

    def __init__(self, file: zipfile.ZipFile, limits: Limits) -> None:
        self._file, self._limits = file, limits
        self._entries = _inner(file.infolist())
        self.names = frozenset(self._entries)

    def text(self, name: str) -> str:
        """Return a record as text; raises `ArchiveError` if it is too long, damaged or no UTF-8."""
        content = io.BytesIO()
        self.copy(name, content, _most(name, self._limits))
        try:
            return content.getvalue().decode("utf-8")
        except UnicodeDecodeError as error:
            raise refusal(f"{name} is not text in UTF-8") from error

    def copy(self, name: str, target: IO[bytes], most: int) -> None:
        """Unpack a file into an open one, at most so many bytes, whatever the archive claims about its size."""
        done = 0
        for block in self._blocks(name):
            done += len(block)
            if done > most:
                raise refusal(f"{name} is too large to be part of a run")
            target.write(block)

    def _blocks(self, name: str) -> Iterator[bytes]:
        with _damage_in_words():
            source = self._file.open(self._entries[name])
        with source:
            while True:
                with _damage_in_words():
                    block = source.read(_BLOCK)
                if not block:
                    return
                yield block


def _inner(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the files by their names in a run's archive.

    What file managers leave is passed over, and so are folders that hold all the rest: both are there in an archive
    that was unpacked and packed again.
    """
    files = {entry.filename: entry for entry in entries if not entry.is_dir() and not is_junk(entry.filename)}
    while len({name.partition("/")[0] for name in files}) == 1 and all("/" in name for name in files):
        files = {name.partition("/")[2]: entry for name, entry in files.items()}
    return files


@contextmanager
def opened(data: bytes | Path, limits: Limits) -> Iterator[Archive]:
    """Open an archive and check all it says about itself.

    Raises:
        ArchiveError: It is no zip archive, damaged, too large, packed too tightly, has names that lead elsewhere or
            come twice, links, passwords, or lacks a record.
    """
    with _content(data) as content:
        size = content.seek(0, io.SEEK_END)
        if size > limits.archive:
            raise refusal(f"The archive has {size / MB:,.0f} MB and the limit is {limits.archive / MB:,.0f} MB")
        _check_directory(content, size, limits)
        with _damage_in_words():
            file = zipfile.ZipFile(content)
        with file:
            _check(file.infolist(), size, limits)
            yield Archive(file, limits)


@contextmanager
def _damage_in_words() -> Iterator[None]:
    """Turn what Python's zip and zlib say of damaged archives, which is almost anything, into one sentence."""
    try:
        yield
    except _DAMAGES as error:
        raise refusal("The file is no zip archive, or it is damaged") from error


def _content(data: bytes | Path) -> IO[bytes]:
    if isinstance(data, bytes):
        return io.BytesIO(data)
    try:
        return data.open("rb")
    except OSError as error:
        raise refusal(f"The file {data.name} cannot be read ({error.strerror})") from error


def _check_directory(content: IO[bytes], size: int, limits: Limits) -> None:
    """Refuse a huge table of contents before it is read as a whole: each of its 46 bytes become an object of 500."""
    content.seek(max(0, size - _END.size - (1 << 16)))
    tail = content.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size:
        raise refusal("The file is no zip archive, or it is damaged")
    if _LARGE in tail[:place][-20:] or _END.unpack_from(tail, place)[5] > limits.directory:
        raise refusal("The archive lists far more files than a run has")


def _check(entries: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    if len(entries) > limits.entries:
        raise refusal(f"The archive holds {len(entries):,} files, more than any run has")
    files = _inner(entries)
    names = [entry.filename for entry in entries]
    if len({name.lower() for name in names}) < len(names):
        raise refusal("The archive holds two files of the same name")
    for entry in entries:
        if not is_junk(entry.filename) or not _stays_inside(entry.orig_filename.replace("\r", "")):
            _check_entry(entry, limits)
    for name in RECORDS:
        if name in files and files[name].file_size > _most(name, limits):
            raise refusal(f"{name} is too large to be part of a run")
    if sum(entry.compress_size for entry in entries) > size:
        raise refusal("The files in the archive overlap")
    if sum(entry.file_size for entry in entries) > limits.total:
        raise refusal("The archive would take far more room unpacked than any run does")
    for name in RECORDS:
        if name not in files:
            raise refusal(f"The archive is no run of ConvScope, since {name} is missing")


def _check_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if not _stays_inside(entry.orig_filename) or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refusal("The archive holds a name or a link that leads out of it")
    if entry.flag_bits & 1:
        raise refusal("The archive is locked with a password")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refusal("The archive is packed in a way that runs never are")
    if entry.file_size > MB and entry.file_size > limits.ratio * entry.compress_size:
        raise refusal("The archive would unpack to far more than it seems to hold")


def _most(name: str, limits: Limits) -> int:
    return limits.table if name == METRICS else limits.text


def _stays_inside(name: str) -> bool:
    plain = name.isprintable() and not set(name) & set('\\:<>"|?*') and len(name) <= 200
    return plain and not name.startswith("/") and ".." not in PurePosixPath(name).parts
