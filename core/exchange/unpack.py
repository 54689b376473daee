"""Archives of runs: opened only if every file in them is as it should be, and a run's records are there."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from core.data.importing import safezip
from core.data.importing.safezip import Member, Violation, ZipFault, blocks, read_directory
from core.exchange.layout import MB, METRICS, RECORDS, ArchiveError, RunLimits, refusal

_DAMAGED = "The file is no zip archive, or it is damaged"
_LEADS_OUT = "The archive holds a name or a link that leads out of it"
_CAUSES = {
    Violation.DAMAGED: _DAMAGED,
    Violation.ZIP64: "The archive lists far more files than a run has",
    Violation.DIRECTORY_SIZE: "The archive lists far more files than a run has",
    Violation.OVERLAP: "The files in the archive overlap",
    Violation.TOTAL_SIZE: "The archive would take far more room unpacked than any run does",
    Violation.OUTSIDE: _LEADS_OUT,
    Violation.LINK: _LEADS_OUT,
    Violation.LOCKED: "The archive is locked with a password",
    Violation.METHOD: "The archive is packed in a way that runs never are",
    Violation.RATIO: "The archive would unpack to far more than it seems to hold",
    Violation.REPEATED: "The archive holds two files of the same name",
}


class Archive:
    """A checked archive; what it holds is read under the limits that it was checked for."""

    def __init__(self, content: IO[bytes], files: Mapping[str, Member], limits: RunLimits) -> None:
        self._content, self._files, self._limits = content, files, limits
        self.names = frozenset(files)

    def text(self, name: str) -> str:
        """Return a record as text; raises `ArchiveError` if it is too long, damaged or no UTF-8."""
        target = io.BytesIO()
        self.copy(name, target, _most(name, self._limits))
        try:
            return target.getvalue().decode("utf-8")
        except UnicodeDecodeError as error:
            raise refusal(f"{name} is not text in UTF-8") from error

    def copy(self, name: str, target: IO[bytes], most: int) -> None:
        """Unpack a file into an open one, at most so many bytes; raises `ArchiveError` if it is larger or damaged."""
        if self._files[name].size > most:
            raise refusal(f"{name} is too large to be part of a run")
        source = blocks(self._content, self._files[name])
        while True:
            try:
                block = next(source, None)
            except ValueError as error:
                raise refusal(_DAMAGED) from error
            if block is None:
                return
            target.write(block)


@contextmanager
def opened(archive: bytes | Path, limits: RunLimits) -> Iterator[Archive]:
    """Open an archive and check all it says about itself.

    Raises:
        ArchiveError: It is no zip archive, damaged, too large, packed too tightly, has names that lead elsewhere or
            come twice, links, passwords, or lacks a record.
    """
    try:
        with safezip.opened(archive) as content:
            yield Archive(content, _files(content, limits), limits)
    except ZipFault as fault:
        raise _in_words(fault, limits) from fault


def _files(content: IO[bytes], limits: RunLimits) -> dict[str, Member]:
    """Return the files of a run by their names in its archive, all of them checked.

    Folders that hold all the rest are passed over: they are there in an archive that was unpacked and packed again.
    """
    listed = read_directory(content, limits).files
    for _, violation in listed:
        if violation is not None:
            raise ZipFault(violation)
    files = {member.name: member for member, _ in listed}
    while len({name.partition("/")[0] for name in files}) == 1 and all("/" in name for name in files):
        files = {name.partition("/")[2]: member for name, member in files.items()}
    for name in RECORDS:
        if name in files and files[name].size > _most(name, limits):
            raise refusal(f"{name} is too large to be part of a run")
    for name in RECORDS:
        if name not in files:
            raise refusal(f"The archive is no run of ConvScope, since {name} is missing")
    return files


def _in_words(fault: ZipFault, limits: RunLimits) -> ArchiveError:
    if fault.violation is Violation.UNREADABLE:
        return refusal(f"The file {fault.cause}")
    if fault.violation is Violation.ARCHIVE_SIZE:
        return refusal(f"The archive has {fault.amount / MB:,.0f} MB and the limit is {limits.archive / MB:,.0f} MB")
    if fault.violation is Violation.FILE_COUNT:
        return refusal(f"The archive holds {fault.amount:,} files, more than any run has")
    return refusal(_CAUSES[fault.violation])


def _most(name: str, limits: RunLimits) -> int:
    return limits.table if name == METRICS else limits.text
