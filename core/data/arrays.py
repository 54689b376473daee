"""Data sets kept as plain arrays, in one safetensors file each, so that reading them again takes no time."""

from dataclasses import dataclass
from pathlib import Path

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


def _path(name: str) -> Path:
    if name in DATASETS and DATASETS[name].own:
        return user_datasets.images_path(name)
    return settings().home / "data" / f"{name}-{FORMAT}.safetensors"


def is_stored(name: str) -> bool:
    """Say whether a data set is kept here already, so that loading it downloads nothing."""
    return _path(name).is_file()


def stored_at(name: str) -> int:
    """Return when the images of a data set were kept, in nanoseconds since 1970; 0 where there are none yet."""
    try:
        return _path(name).stat().st_mtime_ns
    except OSError:
        return 0


def read_stored(name: str) -> Arrays | None:
    """Read the arrays that were kept of a data set; `None` where there are none or they are damaged."""
    try:
        arrays = Arrays(**load_file(_path(name)))
    except (OSError, SafetensorError, TypeError, ValueError, KeyError):
        return None
    return arrays if arrays.match(DATASETS[name]) else None


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
