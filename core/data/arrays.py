"""Data sets kept as plain arrays, in one safetensors file each, so that reading them again takes no time."""

import json
import mmap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from core.data import user_datasets
from core.data.catalog import DATASETS, DatasetInfo
from core.leftovers import unfinished
from core.settings import cannot_write, settings

FORMAT = 1  # raised whenever the same data set would be kept as other arrays


@dataclass(frozen=True)
class Arrays:
    """All images of a data set in the order of its source; an official test split comes last.

    Attributes:
        images: (N, C, H, W) uint8.
        labels: (N,) int64.
        masks: (N, H, W) bool, true on the object, where the source knows it.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    masks: NDArray[np.bool_] | None = None

    def match(self, info: DatasetInfo) -> bool:
        """Say whether these can be the images of `info`."""
        num_images, (_, height, width) = info.num_images, info.input_shape
        return (
            self.images.shape == (num_images, *info.input_shape)
            and self.images.dtype == np.uint8
            and self.labels.shape == (num_images,)
            and self.labels.dtype == np.int64
            and self.labels.min() >= 0
            and self.labels.max() < len(info.class_names)
            and (self.masks is None or self.masks.shape == (num_images, height, width))
        )


@dataclass(frozen=True)
class MappedArrays(Arrays):
    """Images that stay in their file.

    Attributes:
        file: The mapped file that the images are a view of.
    """

    file: mmap.mmap = field(kw_only=True)


def _path(name: str) -> Path:
    if name in DATASETS and DATASETS[name].own:
        return user_datasets.images_path(name)
    return settings().home / "data" / f"{name}-{FORMAT}.safetensors"


def is_stored(name: str) -> bool:
    """Say whether a data set is kept here already, so that loading it downloads nothing."""
    return user_datasets.has_images(name) if user_datasets.is_own(name) else _path(name).is_file()


def stored_at(name: str) -> int:
    """Return a number that changes with the images that are kept of a data set; 0 where there are none yet."""
    if user_datasets.is_own(name):
        return user_datasets.images_mark(name)
    try:
        return _path(name).stat().st_mtime_ns
    except OSError:
        return 0


def read_stored(name: str) -> Arrays | None:
    """Read the arrays that were kept of a data set; `None` where there are none or they are damaged.

    Images that do not fit into memory well stay in the file, which is mapped (see `core.data.mapped_images`).
    """
    info = DATASETS[name]
    try:
        arrays = _mapped(_path(name)) if info.stays_in_file else Arrays(**load_file(_path(name)))
    except (OSError, SafetensorError, TypeError, ValueError, KeyError):
        return None
    return arrays if arrays.match(info) else None


def _mapped(path: Path) -> MappedArrays:
    """Map a safetensors file of images and labels: eight bytes with the length of a JSON header, that, the arrays."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    begin = 8 + int.from_bytes(mapped[:8], "little")
    header = json.loads(mapped[8:begin])

    def array(name: str, kind: str) -> NDArray[Any]:
        (first, last), shape = header[name]["data_offsets"], header[name]["shape"]
        dtype = np.dtype(kind)
        return np.frombuffer(mapped, dtype, (last - first) // dtype.itemsize, begin + first).reshape(shape)

    return MappedArrays(array("images", "u1"), array("labels", "<i8").copy(), file=mapped)


def store(name: str, arrays: Arrays) -> None:
    """Keep the arrays of a data set, whole or not at all; raises `StorageError` if they cannot be written."""
    folder = settings().folder("data")
    parts = {key: np.ascontiguousarray(value) for key, value in vars(arrays).items() if value is not None}
    try:
        with unfinished(".arrays-", folder) as temporary:
            whole = temporary / "arrays.safetensors"
            save_file(parts, whole)
            whole.replace(_path(name))
    except (OSError, SafetensorError) as error:
        raise cannot_write(error) from error
