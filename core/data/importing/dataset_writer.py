"""Decoded pictures on their way into the data directory: a place to work in, one file, and one step to publish it."""

import json
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import user_datasets
from core.data.importing.decoder_worker import ImageFormat
from core.data.parts import Parts
from core.data.split_assignment import SPLITS
from core.data.stored_datasets import stored_datasets
from core.errors import StorageError
from core.leftovers import unfinished
from core.settings import cannot_write

_BLOCK = 256


@contextmanager
def staging_folder() -> Iterator[Path]:
    """Make a folder on the disk of the data sets that is gone afterwards, whatever happens."""
    try:
        user_datasets.root().mkdir(parents=True, exist_ok=True)
        with unfinished(".import-", user_datasets.root()) as folder:
            yield folder
    except StorageError:
        raise
    except OSError as error:
        raise cannot_write(error) from error


def write_header(path: Path, look: ImageFormat, parts: Parts) -> int:
    """Begin a safetensors file of images in the order train, valid, test; return where their pixels go."""
    labels = np.concatenate([parts.labels[split] for split in SPLITS]).astype("<i8")
    begin, end = labels.nbytes, labels.nbytes + len(labels) * int(np.prod(look.shape))
    header = {
        "labels": {"dtype": "I64", "shape": [len(labels)], "data_offsets": [0, begin]},
        "images": {"dtype": "U8", "shape": [len(labels), *look.shape], "data_offsets": [begin, end]},
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + labels.tobytes())
        return file.tell()


def compact_rows(path: Path, look: ImageFormat, parts: Parts, rows: NDArray[np.int64], pixels: Any) -> int:
    """Write such a file of some of the pictures of another one, a block at a time; return the same.

    Args:
        path: The file to write.
        look: What the pictures were brought to.
        parts: Those that are left.
        rows: (M,) where they are in `pixels`, in the order train, valid, test.
        pixels: (N, C, H, W) uint8, mapped from the disk.
    """
    begin = write_header(path, look, parts)
    with path.open("ab") as file:
        for first in range(0, len(rows), _BLOCK):
            file.write(pixels[rows[first : first + _BLOCK]].tobytes())
    return begin


def name_of(title: str, look: ImageFormat, parts: Parts, marks: NDArray[np.uint64]) -> str:
    """Return the name of a data set: the same for the same files under the same title, and for nothing else.

    Args:
        title: What it is called.
        look: What its pictures were brought to.
        parts: Which of the files are in it.
        marks: (M, …) numbers that tell each file from others.
    """
    digest = blake2b(repr((parts.class_names, parts.sizes, look)).encode(), digest_size=5)
    if look.stretch:
        digest.update(b"stretch")
    for split in SPLITS:
        digest.update(marks[parts.places[split]].astype("<u8").tobytes())
        digest.update(parts.labels[split].astype("<i8").tobytes())
    slug = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub("[^a-z0-9]+", "-", slug).strip("-")[:30].strip("-")
    return "-".join(filter(None, ("own", slug, digest.hexdigest())))


def record_of(
    title: str,
    look: ImageFormat,
    parts: Parts,
    mean: NDArray[np.float64],
    squares: NDArray[np.float64],
    report: user_datasets.Report,
) -> dict[str, Any]:
    """Return what is to be known of a data set.

    Args:
        title: What it is called.
        look: What its pictures were brought to.
        parts: Which these are.
        mean, squares: (C,) means of the values of all training pictures, 0 to 255, and of their squares.
        report: What was noticed.
    """
    variance = squares - mean**2
    return {
        "format": user_datasets.FORMAT,
        "title": title,
        "class_names": parts.class_names,
        "input_shape": look.shape,
        "split_sizes": parts.sizes,
        "mean": (mean / 255).tolist(),
        # At least half a level: a channel that is the same everywhere is not divided by nothing.
        "std": (np.sqrt(np.maximum(variance, 0.25)) / 255).tolist(),
        "report": vars(report),
    }


def publish(path: Path, name: str, record: dict[str, Any]) -> None:
    """Give a finished file of images its place, and what is known of them, in one step."""
    place, finished = user_datasets.root() / name, path.parent / name
    finished.mkdir()
    path.replace(finished / user_datasets.IMAGES)
    user_datasets.write_record(finished, record)
    if stored := stored_datasets():
        stored.put(name, [finished / user_datasets.IMAGES, finished / user_datasets.INFO])
    elif place.exists():  # brought in before; perhaps its images were deleted since
        user_datasets.write_record(place, record)
        (finished / user_datasets.IMAGES).replace(place / user_datasets.IMAGES)
    else:
        finished.replace(place)
