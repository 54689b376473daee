"""Files fetched from the internet: checked against their checksum, and never left half on the disk."""

import hashlib
import queue
import tempfile
import threading
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from core.disk_quota import check_disk
from core.settings import cannot_write, settings

CONNECT_SECONDS = 10.0  # for finding the server and trying all its addresses
STALL_SECONDS = 30.0  # without a single byte
BLOCK = 1 << 17
_ROOM = 1.1  # how much larger than announced a file of about that size may be


@dataclass(frozen=True)
class Download:
    """One file and how to know that it arrived whole.

    Attributes:
        urls: Addresses of the same file, tried in turn.
        md5: Checksum that its makers published; empty where they published the other one.
        num_bytes: Its size, or about its size where only the SHA-256 is known.
        sha256: The first hexadecimal digits of that checksum.
    """

    urls: tuple[str, ...]
    md5: str
    num_bytes: int
    sha256: str = ""

    @property
    def most_bytes(self) -> int:
        """What the file cannot be larger than."""
        return self.num_bytes if self.md5 else int(_ROOM * self.num_bytes)

    def whole(self, received: int, md5: str, sha256: str) -> bool:
        """Say whether so many bytes with these checksums are this file."""
        if self.md5 and (received != self.num_bytes or md5 != self.md5):
            return False
        return sha256.startswith(self.sha256)


class NotReceived(Exception):
    """No address gave the file whole; the text says of each why, to be read after "because"."""


class _Failed(Exception):
    """One address did not give the file; the text says why."""


def receive(download: Download, files: ExitStack, advance: Callable[[int], None], *, folder: str) -> IO[bytes]:
    """Take a file from the first address that gives it whole.

    It has no name on the disk, so nothing is left of it either when the program is killed.

    Args:
        download: Which one.
        files: What closes it, and so removes it, in the end.
        advance: Called with the bytes received so far; what it raises ends the download.
        folder: The part of the data directory whose disk holds it.

    Returns:
        The file, opened at its beginning.

    Raises:
        NotReceived: No address gives the file whole.
        StorageError: The data directory cannot hold it.
    """
    check_disk(download.num_bytes)
    failures = []
    for url in download.urls:
        try:
            with _open(url) as response:
                place = settings().folder(folder)  # not before there is something to put into it
                try:
                    file = tempfile.TemporaryFile(dir=place)  # noqa: SIM115
                except OSError as error:
                    raise cannot_write(error) from error
                _copy(response, files.enter_context(file), download, advance)
                file.seek(0)
                return file
        except _Failed as failure:
            failures.append(f"{urlsplit(url).hostname} {failure}")
    raise NotReceived(" and ".join(failures))


def _open(url: str) -> HTTPResponse:
    """Ask for a URL and wait for its headers, at most `CONNECT_SECONDS` in all.

    A socket's time limit holds for each address of a server anew and not at all while its name is looked up,
    so the asking is done in a thread that can be left behind.
    """
    answers: queue.SimpleQueue[HTTPResponse | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(url, timeout=STALL_SECONDS))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=CONNECT_SECONDS)
    except queue.Empty:
        raise _Failed("does not answer") from None
    if isinstance(answer, HTTPError):
        answer.close()
        raise _Failed(f"answers with error {answer.code}")
    if isinstance(answer, URLError):
        raise _Failed(f"cannot be reached ({getattr(answer.reason, 'strerror', None) or answer.reason})")
    if isinstance(answer, Exception):
        raise _Failed(f"cannot be reached ({answer})")
    return answer


def _copy(response: HTTPResponse, file: IO[bytes], download: Download, advance: Callable[[int], None]) -> None:
    """Copy an answer into a file and check its size and checksum."""
    digests = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    announced, received = response.length, 0  # `length` is gone down to 0 in the end
    while received <= download.most_bytes:
        try:
            block = response.read(BLOCK)
        except (OSError, HTTPException) as error:
            raise _Failed("stopped sending half-way") from error
        if not block:
            break
        try:
            file.write(block)
        except OSError as error:
            raise cannot_write(error) from error
        received += len(block)
        for digest in digests:
            digest.update(block)
        advance(received)
    if received < (download.num_bytes if download.md5 else announced or 0):
        raise _Failed("stopped sending half-way")
    if received > download.most_bytes or not download.whole(received, *(digest.hexdigest() for digest in digests)):
        raise _Failed("sent a damaged file")
