"""Files of data sets, written by the tools of their formats: a few images each."""

import gzip
import io
import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Files = list[tuple[str, bytes]]
RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (8, 12, 12), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (8, 12, 12, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1], np.uint8)


def idx(array: NDArray[np.uint8]) -> bytes:
    """Return an IDX file as its definition says: two zeros, type 8 (unsigned byte), axes, their lengths, the values."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def npy(array: NDArray[np.generic]) -> bytes:
    """Return a file of one NumPy array."""
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def npz(arrays: Mapping[str, NDArray[np.generic]], *, compressed: bool = False) -> bytes:
    """Return a file of several NumPy arrays."""
    content = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def mnist(images: NDArray[np.uint8] = GREY, labels: NDArray[np.uint8] = LABELS, prefix: str = "") -> Files:
    """Return the four files of MNIST, two of them gzipped."""
    train, test = images[:6], images[6:]
    return [
        (f"{prefix}train-images-idx3-ubyte.gz", gzip.compress(idx(train))),
        (f"{prefix}train-labels-idx1-ubyte.gz", gzip.compress(idx(labels[:6]))),
        (f"{prefix}t10k-images.idx3-ubyte", idx(test)),
        (f"{prefix}t10k-labels.idx1-ubyte", idx(labels[6:])),
    ]
