"""Archives of pictures: a file that cannot be one is left out with its reason, the others are taken."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from core.data.formats import foreign
from core.data.importing import safezip
from core.data.importing.safezip import MB, Limits, Member, Violation, ZipFault, read_directory
from core.errors import DataError
from core.settings import settings

MAX_FILES = 200_000
MAX_DIRECTORY = 48 * MB
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}
_REASONS = {
    Violation.OUTSIDE: "its name leads out of the archive",
    Violation.LINK: "a link, and no file",
    Violation.LOCKED: "locked with a password",
    Violation.METHOD: "packed by {method}, which is not read here",
    Violation.FILE_SIZE: "larger than {limit:,.0f} MB",
    Violation.RATIO: "it would unpack to far more than it seems to hold",
    Violation.REPEATED: "a second file of the same name",
}


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


def checked_members(archive: bytes | Path, encoding: str = "") -> Contents:
    """List the files of a zip archive, apart from what file managers leave in it.

    Args:
        archive: The zip, or where it is.
        encoding: That of the names which the archive does not state and which are no UTF-8; guessed if empty.

    Raises:
        DataError: It is no zip archive, damaged, too large, or made to overflow whoever unpacks it.
    """
    most = settings().max_upload_mb
    limits = Limits(settings().max_archive_mb * MB, MAX_DIRECTORY, MAX_FILES, file=most * MB)
    with opened(archive) as content:
        try:
            listed, guessed = read_directory(content, limits, encoding)
        except ZipFault as fault:
            content.seek(0)
            raise zip_refusal(fault, limits, content.read(1024)) from fault
    contents = Contents([], [], guessed)
    for member, violation in listed:
        if violation is not None:
            method = _METHODS.get(member.method, f"method {member.method}")
            contents.skipped.append(Skipped(member.name, _REASONS[violation].format(method=method, limit=most)))
        elif not member.size:
            contents.skipped.append(Skipped(member.name, "empty"))
        else:
            contents.files.append(member)
    return contents


@contextmanager
def opened(archive: bytes | Path) -> Iterator[IO[bytes]]:
    """Open an archive for reading; raises `DataError` if the file cannot be read."""
    try:
        with safezip.opened(archive) as content:
            yield content
    except ZipFault as fault:
        raise DataError(f"The file {fault.cause}: choose another one.") from fault


def zip_refusal(fault: ZipFault, limits: Limits, beginning: bytes) -> DataError:
    """Return the sentence that says why an archive that begins with these bytes is not read."""
    if fault.violation is Violation.ARCHIVE_SIZE:
        return DataError(
            f"The archive has {fault.amount / MB:,.0f} MB and the limit is {limits.archive // MB:,} MB: "
            "make the pictures smaller, or take fewer."
        )
    if fault.violation in (Violation.DIRECTORY_SIZE, Violation.FILE_COUNT):
        return DataError(f"The archive lists more than {MAX_FILES:,} files: take fewer pictures.")
    if fault.violation is Violation.OVERLAP:
        return DataError(
            "The files in the archive overlap, as in one that is made to overflow: pack the folders again."
        )
    other_format = foreign(beginning)
    if other_format is None or beginning.startswith(b"PK"):
        return DataError("The file is no zip archive, or it is damaged: pack the folders again and choose that file.")
    return DataError(f"This is {other_format.name} and no zip archive: unpack it, and pack the folders as zip.")
