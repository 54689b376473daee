"""Data sets as tensors: three splits of uint8 images, and how to normalise them."""

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data.arrays import Arrays, MappedArrays, read_stored, store
from core.data.catalog import DATASETS, DatasetInfo
from core.data.mapped_images import MappedImages
from core.data.normalization import denormalized, normalized
from core.data.sources import READERS
from core.data.splits import split_indices
from core.data.user_datasets import remembered
from core.errors import DataError
from core.progress import Progress


@dataclass(frozen=True)
class Split:
    """Images with their classes; a batch is `images[indices]`.

    Attributes:
        images: (N, C, H, W) uint8; of a data set larger than memory, what reads them from their file
            (`core.data.mapped_images.MappedImages`).
        labels: (N,) int64.
        masks: (N, H, W) bool, true on the object, where the data set knows it.
    """

    images: Tensor
    labels: Tensor
    masks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A data set ready to train on.

    Attributes:
        info: What the catalogue says of it.
        train: What networks learn from.
        valid: What choices are made by.
        test: What is looked at last and never chosen by.
        mean: Mean of each channel of all training images / 255.
        std: Standard deviation of the same.
    """

    info: DatasetInfo
    train: Split
    valid: Split
    test: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.info.class_names

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.info.input_shape

    @property
    def num_classes(self) -> int:
        return len(self.info.class_names)

    def split(self, name: str) -> Split:
        """Return "train", "valid" or "test"."""
        return {"train": self.train, "valid": self.valid, "test": self.test}[name]

    def scaled(self, inputs: str) -> "Dataset":
        """Return the same images as "standard" pixel values for networks, or as "unit" (0 to 1) or "raw" (0 to 255)."""
        if inputs == "standard":
            return self
        largest = {"unit": 1.0, "raw": 255.0}.get(inputs)
        if largest is None:
            raise DataError(f'Pixel values can be "standard", "unit" or "raw", not {inputs!r}.')
        channels = len(self.mean)
        return replace(self, mean=(0.0,) * channels, std=(1 / largest,) * channels)

    def normalize(self, images: Tensor) -> Tensor:
        """Turn images (..., C, H, W), uint8 or float32 from 0 to 1, into what a network receives, float32.

        That is mean 0 and deviation 1 in training, unless the data set was `scaled` otherwise.
        """
        return normalized(images, self.mean, self.std)

    def denormalize(self, images: Tensor) -> Tensor:
        """Turn normalised images (..., C, H, W) back into uint8, rounded and clipped to 0..255."""
        return denormalized(images, self.mean, self.std)


def _statistics(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the exact mean and standard deviation of each channel of images / 255, by counting values."""
    num_channels, values = images.shape[1], np.arange(256) / 255
    counts = np.zeros((num_channels, 256))
    for part in np.array_split(images, len(images) // 4096 + 1):
        counts += [np.bincount(part[:, channel].ravel(), minlength=256) for channel in range(num_channels)]
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ values
    std = np.sqrt((shares * (values - mean[:, None]) ** 2).sum(axis=1))
    return tuple(mean.tolist()), tuple(std.tolist())


def _take(arrays: Arrays, indices: NDArray[np.int64]) -> Split:
    if isinstance(arrays, MappedArrays):
        mapped = cast(Tensor, MappedImages(arrays.file, arrays.images, indices))  # does what one does
        return Split(mapped, torch.from_numpy(arrays.labels[indices]))
    masks = None if arrays.masks is None else torch.from_numpy(arrays.masks[indices])
    # Row by row, with the strides of such: by other strides, even of a side of 1, torch would choose other kernels for
    # what was just read or drawn than for what was kept, whose sums differ in their last digit.
    images = torch.from_numpy(np.ascontiguousarray(arrays.images[indices]))
    images = images.flatten().view(images.shape)
    return Split(images, torch.from_numpy(arrays.labels[indices]), masks)


def without_images(info: DatasetInfo) -> Dataset:
    """Return a data set of one's own with no image in it: enough to bring a picture into the form it was learned in."""
    nothing = Split(torch.zeros(0, *info.input_shape, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64))
    return Dataset(info, nothing, nothing, nothing, info.mean, info.std)


def load_dataset(name: str, *, limit: int | None = None, seed: int = 0, progress: Progress | None = None) -> Dataset:
    """Load a data set: read, drawn or downloaded the first time, kept in the data directory afterwards.

    Args:
        name: Key of `DATASETS`.
        limit: How many training images to keep, each class in proportion: the first `limit` of the whole
            training split, whose mean and deviation still hold. Valid and test stay whole.
        seed: What the splits are drawn from; an official test split and the images themselves stay the same.
        progress: Called with the bytes received so far and those expected while something is downloaded.

    Raises:
        DataError: The name or the limit is wrong, or the download fails.
        StorageError: The data directory cannot be written.
    """
    info = DATASETS.get(name)
    if info is None:
        if gone := remembered(name):
            raise DataError(
                f"The images of {gone.title} were deleted: bring the same files in again under this name, "
                "and whatever learned from them has them again."
            )
        raise DataError(f"There is no data set called {name!r}: choose one of {', '.join(DATASETS)}.")
    if limit is not None and limit < len(info.class_names):
        raise DataError(
            f"{limit} training images are too few: keep at least {len(info.class_names)}, one of each class."
        )
    arrays = read_stored(name)
    if arrays is None:
        if info.own:
            raise DataError(f"The images of {info.title} are damaged: delete the data set and bring it in again.")
        arrays = READERS[name](progress)
        store(name, arrays)
    return from_arrays(info, arrays, limit=limit, seed=seed)


def from_arrays(info: DatasetInfo, arrays: Arrays, *, limit: int | None = None, seed: int = 0) -> Dataset:
    """Return a data set made of all its images; `limit` and `seed` are those of `load_dataset`."""
    train, valid, test = split_order(info, arrays.labels, seed)
    mean, std = (info.mean, info.std) if info.mean else _statistics(arrays.images[train])
    return Dataset(info, _take(arrays, train[:limit]), _take(arrays, valid), _take(arrays, test), mean, std)


def split_order(
    info: DatasetInfo, labels: NDArray[np.int64], seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return which images of a data set, as it is kept, are in train, valid and test, in the order they have there."""
    return split_indices(
        labels, info.split_sizes, official_test=info.official_test, seed=seed, official_valid=info.official_valid
    )
