"""A zip of pictures that may have been made to do harm: what is in it, told without unpacking any of it."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from core.data.formats import foreign
from core.data.names import UTF8, decode_name, guess_encoding, name_bytes, unicode_path
from core.errors import DataError
from core.settings import settings

MB = 1024**2
MAX_FILES = 200_000
MAX_DIRECTORY = 48 * MB  # the table of contents: each of its entries becomes an object of about 1 kB
MAX_RATIO = 200  # of unpacked to packed, above 1 MB: pictures are packed already
_END = struct.Struct("<4s4H2LH")  # end of the table of contents (APPNOTE.TXT 4.3.16)
_LARGE = struct.Struct("<4sLQL")  # what stands before it in archives with more than 65,535 files (4.3.15)
_LARGE_END = struct.Struct("<4sQ2H2L4Q")  # and where that leads (4.3.14)
_LOCAL = struct.Struct("<4s5H3L2H")  # before the content of each file (4.3.7)
_UTF8_FLAG = 0x800  # of an entry whose name is UTF-8 (4.4.4)
# What systems and programs leave in folders, besides all whose names begin with a dot.
_JUNK = (
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "#recycle"),
    *("#snapshot", "$recycle.bin", "recycler", "system volume information", "lost+found", "__pycache__"),
)
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}
_DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError, MemoryError)
_NO_ZIP = "The file is no zip archive, or it is damaged: pack the folders again and choose that file."


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        name: Its path in the archive, parts joined by "/"; never a place on the disk.
        offset: Where its header begins.
        packed: Its bytes there.
        size: Its bytes unpacked.
        method: 0 where it is stored as it is, 8 where it is deflated.
        crc: Its checksum.
    """

    name: str
    offset: int
    packed: int
    size: int
    method: int
    crc: int


class Skipped(NamedTuple):
    """A file that is left out, and why, to be read after a colon."""

    name: str
    reason: str


class Contents(NamedTuple):
    """What an archive holds.

    Attributes:
        files: What may be pictures.
        skipped: What is left out.
        guessed: The encoding of names that had to be guessed, a key of `core.data.names.ENCODINGS`; else empty.
    """

    files: list[Member]
    skipped: list[Skipped]
    guessed: str = ""


def members(archive: bytes | Path, encoding: str = "") -> Contents:
    """List the files of a zip archive, apart from what file managers leave in it.

    Args:
        archive: The zip, or where it is.
        encoding: That of the names which the archive does not state and which are no UTF-8; guessed if empty.

    Raises:
        DataError: It is no zip archive, damaged, too large, or made to overflow whoever unpacks it.
    """
    limits = settings()
    with opened(archive) as content:
        size = content.seek(0, io.SEEK_END)
        if size > limits.max_archive_mb * MB:
            raise DataError(
                f"The archive has {size / MB:,.0f} MB and the limit is {limits.max_archive_mb:,} MB: "
                "make the pictures smaller, or take fewer."
            )
        content.seek(0)
        with _damage_in_words(content.read(1024)):
            length = _directory_size(content, size)
            if length > MAX_DIRECTORY:
                raise _too_many()
            entries = zipfile.ZipFile(content).infolist()
    if len(entries) > MAX_FILES:
        raise _too_many()
    if sum(entry.compress_size for entry in entries) > size:
        raise DataError("The files in the archive overlap, as in one that is made to overflow: pack the folders again.")
    names, guessed = _names(entries, encoding)
    return Contents(*_sorted_out(entries, names, limits.max_upload_mb * MB), guessed)


def _names(entries: list[zipfile.ZipInfo], encoding: str) -> tuple[list[str], str]:
    """Return the names of all entries, and how those were read whose encoding the archive does not state."""
    names: list[str] = []
    unsaid: dict[int, bytes] = {}
    for place, entry in enumerate(entries):
        name = entry.orig_filename
        if not entry.flag_bits & _UTF8_FLAG and not name.isascii():
            raw = name_bytes(name)
            stated = unicode_path(entry.extra, raw)
            if stated is None:
                unsaid[place] = raw
            name = stated or name
        names.append(name)
    guessed = guess_encoding(list(unsaid.values())) if unsaid else UTF8
    if guessed != UTF8:
        guessed = encoding or guessed
    for place, raw in unsaid.items():
        names[place] = decode_name(raw, guessed)
    return names, "" if guessed == UTF8 else guessed


def _too_many() -> DataError:
    return DataError(f"The archive lists more than {MAX_FILES:,} files: take fewer pictures.")


def _sorted_out(entries: list[zipfile.ZipInfo], names: list[str], most: int) -> tuple[list[Member], list[Skipped]]:
    kept: dict[str, Member] = {}
    skipped = []
    for entry, called in zip(entries, names, strict=True):
        name = called.replace("\\", "/")
        if name.endswith("/") or is_junk(name):
            continue
        reason = _obstacle(entry, name, most) or ("a second file of the same name" if name in kept else "")
        if reason:
            skipped.append(Skipped(name, reason))
        else:
            size, packed = entry.file_size, entry.compress_size
            kept[name] = Member(name, entry.header_offset, packed, size, entry.compress_type, entry.CRC)
    return list(kept.values()), skipped


def is_junk(path: str) -> bool:
    """Say whether a path, parts joined by "/", is hidden, or was left by a system or a program."""
    return any((part.startswith(".") and part not in (".", "..")) or part.lower() in _JUNK for part in path.split("/"))


def _obstacle(entry: zipfile.ZipInfo, name: str, most: int) -> str:
    """Say why a file is not even looked into, or nothing."""
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/") or "\0" in name:
        return "its name leads out of the archive"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return "a link, and no file"
    if entry.flag_bits & 1:
        return "locked with a password"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = _METHODS.get(entry.compress_type, f"method {entry.compress_type}")
        return f"packed by {method}, which is not read here"
    if not entry.file_size:
        return "empty"
    if max(entry.file_size, entry.compress_size) > most:
        return f"larger than {most / MB:,.0f} MB"
    if entry.file_size > MB and entry.file_size > MAX_RATIO * entry.compress_size:
        return "it would unpack to far more than it seems to hold"
    return ""


def content_of(file: IO[bytes], member: Member) -> bytes:
    """Return the content of a file, never more bytes than it claims to have.

    `zipfile` takes several times as long for small files.

    Raises:
        ValueError: It is damaged.
    """
    file.seek(member.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
        raise ValueError("no file begins there")
    file.seek(sum(_LOCAL.unpack(header)[-2:]), io.SEEK_CUR)
    content = file.read(member.packed)
    if member.method == zipfile.ZIP_DEFLATED:
        try:
            content = zlib.decompressobj(-15).decompress(content, member.size + 1)
        except zlib.error as error:
            raise ValueError("packed badly") from error
    if len(content) != member.size or zlib.crc32(content) != member.crc:
        raise ValueError("not what was packed")
    return content


@contextmanager
def opened(archive: bytes | Path) -> Iterator[IO[bytes]]:
    """Open an archive for reading; raises `DataError` if the file cannot be read."""
    if isinstance(archive, bytes):
        yield io.BytesIO(archive)
        return
    try:
        file = archive.open("rb")
    except OSError as error:
        raise DataError(f"The file {archive.name} cannot be read ({error.strerror}): choose another one.") from error
    with file:
        yield file


@contextmanager
def _damage_in_words(beginning: bytes) -> Iterator[None]:
    try:
        yield
    except _DAMAGES as error:
        known = foreign(beginning)
        if known is None or beginning.startswith(b"PK"):
            raise DataError(_NO_ZIP) from error
        raise DataError(f"This is {known.name} and no zip archive: unpack it, and pack the folders as zip.") from error


def _directory_size(content: IO[bytes], size: int) -> int:
    """Return how long the table of contents is, before it is read as a whole."""
    content.seek(max(0, size - _END.size - (1 << 16) - _LARGE.size))
    tail = content.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size:
        raise ValueError("no table of contents")
    length = int(_END.unpack_from(tail, place)[5])
    if tail[max(0, place - _LARGE.size) :][:4] == b"PK\x06\x07":
        content.seek(_LARGE.unpack_from(tail, place - _LARGE.size)[2])
        length = max(length, int(_LARGE_END.unpack(content.read(_LARGE_END.size))[8]))
    return length
