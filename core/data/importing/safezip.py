"""The one reader of zip archives from outside: everything is checked against limits before anything is unpacked.

What is wrong is reported as a `Violation`, a code: those who read pictures leave such a file out, those who read runs
refuse the archive, and each makes its own sentences.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path
from typing import IO, NamedTuple

from core.data.names import UTF8, decode_name, guess_encoding, name_bytes, unicode_path

MB = 1024**2
_END = struct.Struct("<4s4H2LH")  # end of the table of contents (APPNOTE.TXT 4.3.16)
_ZIP64_LOCATOR = struct.Struct("<4sLQL")  # what stands before it in archives with more than 65,535 files (4.3.15)
_ZIP64_END = struct.Struct("<4sQ2H2L4Q")  # and what stands before that (4.3.14)
_LOCAL = struct.Struct("<4s5H3L2H")  # before the content of each file (4.3.7)
_UTF8_FLAG = 0x800  # of an entry whose name is UTF-8 (4.4.4)
PLAIN = -1  # method of a member that is no entry of a zip: its bytes stand at its offset as they are
_BLOCK = 1 << 16  # packed bytes at a time: deflate makes at most 1,032 times as many of them
# What systems and programs leave in folders, besides all whose names begin with a dot.
_JUNK = (
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "#recycle"),
    *("#snapshot", "$recycle.bin", "recycler", "system volume information", "lost+found", "__pycache__"),
)
_DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError, MemoryError)


class Violation(StrEnum):
    """What can be wrong with an archive as a whole, and with a single file in it."""

    UNREADABLE = auto()  # the file itself cannot be opened
    DAMAGED = auto()
    ARCHIVE_SIZE = auto()
    ZIP64 = auto()  # its table of contents is announced in the format for huge archives, and is not where it should be
    DIRECTORY_SIZE = auto()
    FILE_COUNT = auto()
    OVERLAP = auto()
    TOTAL_SIZE = auto()

    OUTSIDE = auto()  # a name that leads out of the archive
    LINK = auto()  # a link, a device or a pipe
    LOCKED = auto()
    METHOD = auto()  # packed in another way than stored or deflated
    FILE_SIZE = auto()
    RATIO = auto()
    REPEATED = auto()  # a second file of the same name


class ZipFault(Exception):
    """An archive that is not read.

    Attributes:
        violation: What is wrong with it.
        amount: How many bytes or files it has, where these are too many.
        cause: What the system says, where the file cannot be opened.
    """

    def __init__(self, violation: Violation, amount: int = 0, cause: str = "") -> None:
        super().__init__(violation)
        self.violation, self.amount, self.cause = violation, amount, cause


@dataclass(frozen=True)
class Limits:
    """How large an archive may be.

    Attributes:
        archive: Bytes of the file itself.
        directory: Bytes of its table of contents: each of its entries (46 bytes and more) becomes an object of 1 kB.
        entries: Files in it.
        file: Bytes of a single file, packed or unpacked; None where the total is limit enough.
        total: Bytes of everything in it, unpacked; None where files are unpacked one at a time.
        ratio: How many times larger than packed a file may be unpacked; those below 1 MB may be anything.
        portable_names: Whether names have to be such as every system can write, and differ in more than capitals.
    """

    archive: int
    directory: int
    entries: int
    file: int | None = None
    total: int | None = None
    ratio: int = 250
    portable_names: bool = False


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        name: Its path in the archive, parts joined by "/"; never a place on the disk.
        offset: Where its header begins.
        packed: Its bytes there.
        size: Its bytes unpacked.
        method: 0 where it is stored as it is, 8 where it is deflated, `PLAIN` outside of zips.
        crc: Its checksum.
    """

    name: str
    offset: int
    packed: int
    size: int
    method: int
    crc: int


class Directory(NamedTuple):
    """The table of contents of an archive, without folders and without what file managers leave.

    Attributes:
        files: The files in their order, each with what is wrong with it or None.
        guessed: The encoding of names that had to be guessed, a key of `core.data.names.ENCODINGS`; else empty.
    """

    files: list[tuple[Member, Violation | None]]
    guessed: str


@contextmanager
def opened(archive: bytes | Path) -> Iterator[IO[bytes]]:
    """Open an archive for reading; raises `ZipFault` if the file cannot be read."""
    if isinstance(archive, bytes):
        yield io.BytesIO(archive)
        return
    try:
        file = archive.open("rb")
    except OSError as error:
        raise ZipFault(Violation.UNREADABLE, cause=f"{archive.name} cannot be read ({error.strerror})") from error
    with file:
        yield file


def read_directory(content: IO[bytes], limits: Limits, encoding: str = "") -> Directory:
    """Return the table of contents of an archive, checked.

    Args:
        content: The archive, open for reading.
        limits: How large it may be.
        encoding: That of the names which the archive does not state and which are no UTF-8; guessed if empty.

    Raises:
        ZipFault: It is no zip archive, damaged, too large, or made to overflow whoever unpacks it.
    """
    size = content.seek(0, io.SEEK_END)
    _hold(size, limits.archive, Violation.ARCHIVE_SIZE)
    try:
        _hold(_directory_size(content, size), limits.directory, Violation.DIRECTORY_SIZE)
        entries = zipfile.ZipFile(content).infolist()
    except (*_DAMAGES, OverflowError) as error:
        raise ZipFault(Violation.DAMAGED) from error
    _hold(len(entries), limits.entries, Violation.FILE_COUNT)
    _hold(sum(entry.compress_size for entry in entries), size, Violation.OVERLAP)
    _hold(sum(entry.file_size for entry in entries), limits.total, Violation.TOTAL_SIZE)
    names, guessed = _names(entries, encoding)
    return Directory(list(_checked(entries, names, limits)), guessed)


def _hold(amount: int, limit: int | None, violation: Violation) -> None:
    if limit is not None and amount > limit:
        raise ZipFault(violation, amount)


def _directory_size(content: IO[bytes], size: int) -> int:
    """Return how long the table of contents is, before it is read as a whole."""
    before = _ZIP64_LOCATOR.size + _ZIP64_END.size
    content.seek(max(0, size - _END.size - (1 << 16) - before))
    tail = bytes(before) + content.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size:
        raise ZipFault(Violation.DAMAGED)
    signature, _, offset, _ = _ZIP64_LOCATOR.unpack_from(tail, place - _ZIP64_LOCATOR.size)
    if signature != b"PK\x06\x07":
        return int(_END.unpack_from(tail, place)[5])
    # Versions of Python differ in whether they look where the locator leads or right before it: the larger one counts.
    content.seek(min(offset, size))
    records = tail[place - before : place - _ZIP64_LOCATOR.size], content.read(_ZIP64_END.size)
    if not records[0].startswith(b"PK\x06\x06"):
        raise ZipFault(Violation.ZIP64)
    return max(int(_ZIP64_END.unpack(record)[8]) for record in records if record.startswith(b"PK\x06\x06"))


def _names(entries: list[zipfile.ZipInfo], encoding: str) -> tuple[list[str], str]:
    """Return the names of all entries, and how those were read whose encoding the archive does not state."""
    names: list[str] = []
    unstated: dict[int, bytes] = {}
    for place, entry in enumerate(entries):
        name = entry.orig_filename
        if not entry.flag_bits & _UTF8_FLAG and not name.isascii():
            raw = name_bytes(name)
            stated = unicode_path(entry.extra, raw)
            if stated is None:
                unstated[place] = raw
            name = stated or name
        names.append(name)
    guessed = guess_encoding(list(unstated.values())) if unstated else UTF8
    if guessed != UTF8:
        guessed = encoding or guessed
    for place, raw in unstated.items():
        names[place] = decode_name(raw, guessed)
    return names, "" if guessed == UTF8 else guessed


def _checked(
    entries: list[zipfile.ZipInfo], names: list[str], limits: Limits
) -> Iterator[tuple[Member, Violation | None]]:
    """Yield the files with what is wrong with them; folders and junk only where their names lead out."""
    taken: set[str] = set()
    for entry, stated in zip(entries, names, strict=True):
        name = stated.replace("\\", "/")
        passed_over = name.endswith("/") or is_junk(name)
        if _leads_out(stated.replace("\r", "") if passed_over else stated, portable=limits.portable_names):
            violation: Violation | None = Violation.OUTSIDE
        elif passed_over:
            continue
        else:
            key = name.lower() if limits.portable_names else name
            violation = _violation(entry, limits) or (Violation.REPEATED if key in taken else None)
            if violation is None:
                taken.add(key)
        size, packed = entry.file_size, entry.compress_size
        yield Member(name, entry.header_offset, packed, size, entry.compress_type, entry.CRC), violation


def _violation(entry: zipfile.ZipInfo, limits: Limits) -> Violation | None:
    """Return what is wrong with a file, besides its name."""
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return Violation.LINK
    if entry.flag_bits & 1:
        return Violation.LOCKED
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return Violation.METHOD
    if limits.file is not None and max(entry.file_size, entry.compress_size) > limits.file:
        return Violation.FILE_SIZE
    if entry.file_size > MB and entry.file_size > limits.ratio * entry.compress_size:
        return Violation.RATIO
    return None


def _leads_out(name: str, *, portable: bool) -> bool:
    if portable and (not name.isprintable() or set(name) & set('\\:<>"|?*') or len(name) > 200):
        return True
    path = name.replace("\\", "/")
    return path.startswith("/") or path[1:2] == ":" or ".." in path.split("/") or "\0" in path


def is_junk(path: str) -> bool:
    """Say whether a path, parts joined by "/", is hidden, or was left by a system or a program."""
    return any((part.startswith(".") and part not in (".", "..")) or part.lower() in _JUNK for part in path.split("/"))


def blocks(file: IO[bytes], member: Member) -> Iterator[bytes]:
    """Yield the content of a file, never more bytes than it claims to have.

    `zipfile` takes several times as long for small files.

    Raises:
        ValueError: It is damaged; this may show at its end only.
    """
    try:
        file.seek(member.offset)
        if member.method != PLAIN:
            header = file.read(_LOCAL.size)
            if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
                raise ValueError("no file begins there")
            file.seek(sum(_LOCAL.unpack(header)[-2:]), io.SEEK_CUR)
        inflater = zlib.decompressobj(-15) if member.method == zipfile.ZIP_DEFLATED else None
        size = crc = 0
        for start in range(0, member.packed, _BLOCK):
            block = file.read(min(_BLOCK, member.packed - start))
            if inflater is not None:
                block = inflater.decompress(block, member.size + 1 - size)
            size += len(block)
            if size > member.size:
                break
            crc = zlib.crc32(block, crc)
            yield block
    except (zlib.error, OSError, OverflowError) as error:
        raise ValueError("packed badly") from error
    if size != member.size or crc != member.crc:
        raise ValueError("not what was packed")


def content_of(file: IO[bytes], member: Member) -> bytes:
    """Return the content of a file, never more bytes than it claims to have; raises `ValueError` if it is damaged."""
    return b"".join(blocks(file, member))
