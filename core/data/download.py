"""Where the files of data sets are, and how they are fetched."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from core.data.catalog import DATASETS
from core.download import Download, NotReceived, receive
from core.errors import DataError
from core.progress import Progress


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
            try:
                opened.append(receive(download, files, advance, folder="data"))
            except NotReceived as failure:
                raise _not_received(name, failure) from failure
            done += download.num_bytes
        yield opened


def _not_received(name: str, failure: NotReceived) -> DataError:
    offline = [f"“{info.title}”" for info in DATASETS.values() if info.download_mb is None and not info.own]
    return DataError(
        f"{DATASETS[name].title} could not be downloaded because {failure}: check the "
        f"internet connection and try again, or choose a data set that needs no download: {', '.join(offline)}."
    )
