"""Files fetched from the internet: checked against their checksum, and never left half on the disk."""

import hashlib
import queue
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from core.data.arrays import cannot_write
from core.data.catalog import DATASETS
from core.errors import DataError
from core.settings import settings

CONNECT_SECONDS = 10.0  # for finding the server and trying all its addresses
STALL_SECONDS = 30.0  # without a single byte
BLOCK = 1 << 17

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Download:
    """One file and how to know that it arrived whole.

    Attributes:
        urls: Addresses of the same file, tried in turn.
        md5: Checksum that its makers published.
        num_bytes: Its size.
    """

    urls: tuple[str, ...]
    md5: str
    num_bytes: int


def _files(places: tuple[str, ...], *files: tuple[str, str, int]) -> tuple[Download, ...]:
    return tuple(Download(tuple(place + name for place in places), md5, num_bytes) for name, md5, num_bytes in files)


DOWNLOADS: dict[str, tuple[Download, ...]] = {
    "cifar10": _files(
        ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
        ("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171),
    ),
    "mnist": _files(
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
    ),
    "fashion_mnist": _files(
        ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5_148),
    ),
}


class _Failed(Exception):
    """One address did not give the file; the text says why."""


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
    digest, received = hashlib.md5(usedforsecurity=False), 0
    while received <= download.num_bytes:
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
        digest.update(block)
        advance(received)
    if received < download.num_bytes:
        raise _Failed("stopped sending half-way")
    if received > download.num_bytes or digest.hexdigest() != download.md5:
        raise _Failed("sent a damaged file")


def _receive(name: str, download: Download, files: ExitStack, advance: Callable[[int], None]) -> IO[bytes]:
    """Take a file from the first address that gives it whole; returns it opened at its beginning."""
    failures = []
    for url in download.urls:
        try:
            with _open(url) as response:
                folder = settings().folder("data")  # not before there is something to put into it
                try:
                    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
                except OSError as error:
                    raise cannot_write(error) from error
                _copy(response, files.enter_context(file), download, advance)
                file.seek(0)
                return file
        except _Failed as failure:
            failures.append(f"{urlsplit(url).hostname} {failure}")
    offline = [info.name for info in DATASETS.values() if info.download_mb is None]
    raise DataError(
        f"{DATASETS[name].title} could not be downloaded because {' and '.join(failures)}: check the "
        f"internet connection and try again, or choose a data set that needs no download ({', '.join(offline)})."
    )


@contextmanager
def fetched(name: str, progress: Progress | None = None) -> Iterator[list[IO[bytes]]]:
    """Download the files of a data set and give them opened for reading, gone with the end of the context.

    They have no name on the disk, so nothing is left of them either when the program is killed.

    Args:
        name: Key of `DOWNLOADS`.
        progress: Called with the bytes received so far and those expected, over all files; what it raises
            ends the download.

    Raises:
        DataError: No address gives a file whole.
        StorageError: The data directory cannot hold it.
    """
    expected = sum(download.num_bytes for download in DOWNLOADS[name])
    done = 0

    def advance(received: int) -> None:
        if progress is not None:
            progress(min(done + received, expected), expected)

    with ExitStack() as files:
        opened = []
        for download in DOWNLOADS[name]:
            opened.append(_receive(name, download, files, advance))
            done += download.num_bytes
        yield opened
