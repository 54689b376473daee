"""Where the pixels of each data set come from the first time it is used."""

import gzip
import io
import tarfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.assets import read_asset
from core.data.arrays import Arrays
from core.data.catalog import DATASETS
from core.data.download import fetched
from core.data.synthetic.shapes import draw_shapes
from core.errors import DataError
from core.progress import Progress

_MNIST5K_SHA256 = "315cc6bced8d0cb80bc6376e145033531b8d0d27bf780f5144308d3ddf7060bd"
CIFAR_BATCHES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")


def _mnist5k(progress: Progress | None) -> Arrays:
    """Cut the sheet of digits that comes with ConvScope: 28 × 28 pixels each, 100 in a row, 500 of each digit."""
    with Image.open(io.BytesIO(read_asset("mnist5k/digits.png", _MNIST5K_SHA256))) as sheet:
        rows = np.asarray(sheet).reshape(50, 28, 100, 28)
    return Arrays(rows.swapaxes(1, 2).reshape(-1, 1, 28, 28), np.repeat(np.arange(10), 500))


def _digits(progress: Progress | None) -> Arrays:
    """Read the digits that lie in scikit-learn, without loading it: that takes a process longer than torch.

    A row has 64 pixels from 0 to 16 and the digit, as `sklearn.datasets.load_digits` reads it.
    """
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise DataError("The digits lie in scikit-learn, which is not installed: install it anew.")
    rows = np.loadtxt(Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    pixels = (rows[:, :-1] * 255 / 16).round().astype(np.uint8)
    return Arrays(pixels.reshape(-1, 1, 8, 8), rows[:, -1].astype(np.int64))


def _shapes(progress: Progress | None) -> Arrays:
    return draw_shapes(DATASETS["shapes"].num_images)


def _cifar10(progress: Progress | None) -> Arrays:
    """Read CIFAR-10's binary version: records of a label and 3 × 32 × 32 pixels, with nothing to unpickle."""
    batches: dict[str, NDArray[np.uint8]] = {}
    with fetched("cifar10", progress) as (archive,), tarfile.open(fileobj=archive, mode="r|gz") as members:
        for member in members:
            name = PurePosixPath(member.name).name
            content = members.extractfile(member)
            if name in CIFAR_BATCHES and content is not None:
                batches[name] = np.frombuffer(content.read(), np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    records = np.concatenate([batches[name] for name in CIFAR_BATCHES])
    return Arrays(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64))


def read_idx(file: IO[bytes]) -> NDArray[np.uint8]:
    """Read a gzipped array of bytes in MNIST's IDX format (yann.lecun.com/exdb/mnist): a magic number, the
    lengths of the axes as big-endian 32-bit numbers, then the values."""
    content = gzip.decompress(file.read())
    axes = np.frombuffer(content, ">u4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + axes.nbytes).reshape(axes.tolist())


def _mnist(name: str, progress: Progress | None) -> Arrays:
    with fetched(name, progress) as packed:
        images, labels, test_images, test_labels = map(read_idx, packed)
    return Arrays(
        np.concatenate([images, test_images])[:, None],
        np.concatenate([labels, test_labels]).astype(np.int64),
    )


READERS: dict[str, Callable[[Progress | None], Arrays]] = {
    "mnist5k": _mnist5k,
    "digits": _digits,
    "shapes": _shapes,
    "cifar10": _cifar10,
    "mnist": partial(_mnist, "mnist"),
    "fashion_mnist": partial(_mnist, "fashion_mnist"),
}
