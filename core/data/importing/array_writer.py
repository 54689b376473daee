"""Images that come as arrays, on their way into the data directory: a block at a time, each to its place."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.importing.dataset_writer import write_header
from core.data.importing.decoder_worker import ImageFormat, squared
from core.data.importing.labelled_images import Block, LabelledImages
from core.data.parts import Parts
from core.data.split_assignment import SPLITS
from core.progress import Progress

_CACHED = 256  # images whose words fit into a cache
_SEED = 20_261  # of the factors by which the bytes of images are hashed


@dataclass(frozen=True, eq=False)
class WrittenArrays:
    """What was written.

    Attributes:
        marks: (N,) a number for each image as it came; that of others is another one.
        means, squares: Of each channel of all training images, values from 0 to 255, and their squares.
    """

    marks: NDArray[np.uint64]
    means: NDArray[np.float64] = field(repr=False)
    squares: NDArray[np.float64] = field(repr=False)


def write_arrays(
    path: Path, contents: LabelledImages, look: ImageFormat, parts: Parts, progress: Progress | None
) -> WrittenArrays:
    """Write the images that `parts` names into a safetensors file, brought to a look.

    Raises:
        DataError: The images are damaged.
        OSError: The disk is full.
    """
    begin = write_header(path, look, parts)
    total = sum(parts.sizes)
    target = np.full(len(contents), -1)
    target[parts.order] = np.arange(total)
    marks = np.zeros(len(contents), np.uint64)
    statistics = _Statistics(look.shape[0])
    first = 0
    with path.open("r+b") as file:
        file.truncate(begin + total * int(np.prod(look.shape)))
        for block in contents.blocks():
            rows = target[first : first + len(block)]
            marks[first : first + len(block)] = row_hashes(block)
            ready = at_look(block, look)
            statistics.add(ready, rows < parts.sizes[0])
            _write_rows(file, begin, ready, rows)
            first += len(block)
            if progress is not None:
                progress(first, len(contents))
    return WrittenArrays(marks, *statistics.result())


def _write_rows(file: Any, begin: int, images: Block, rows: NDArray[np.int64]) -> None:
    """Write images to their places, those that come to lie side by side in one go; rows below 0 are left out."""
    order = np.argsort(rows, kind="stable")
    order = order[rows[order] >= 0]
    each = int(np.prod(images.shape[1:]))
    for run in np.split(order, np.flatnonzero(np.diff(rows[order]) != 1) + 1):
        if len(run):
            file.seek(begin + int(rows[run[0]]) * each)
            file.write(np.ascontiguousarray(images[run[0] : run[-1] + 1] if _adjacent(run) else images[run]).data)


def _adjacent(run: NDArray[np.int64]) -> bool:
    return bool(run[-1] - run[0] == len(run) - 1 and (np.diff(run) == 1).all())


class _Statistics:
    """Sums of values and squares of training images, by channel."""

    def __init__(self, channels: int) -> None:
        self._counts = np.zeros((channels, 256), np.int64)

    def add(self, images: Block, chosen: NDArray[np.bool_]) -> None:
        images = images if chosen.all() else images[chosen]
        for channel in range(images.shape[1]):
            values = np.ascontiguousarray(images[:, channel]).reshape(-1)
            self._counts[channel] += np.array(Image.fromarray(values[None]).histogram())

    def result(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        values, shares = np.arange(256.0), self._counts / np.maximum(1, self._counts.sum(axis=1, keepdims=True))
        return shares @ values, shares @ values**2


def at_look(images: Block, look: ImageFormat) -> Block:
    """Return images (N, C, H, W) as a look wants them; those that are so already are not copied."""
    channels = images.shape[1]
    if images.shape[2:] != (look.size, look.size):
        resized = np.empty((len(images), *look.shape), np.uint8)
        for place, image in enumerate(images):
            plain = Image.fromarray(image[0] if channels == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))
            pixels = np.asarray(squared(plain.convert("RGB"), look))
            resized[place] = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        return resized
    if channels == look.shape[0]:
        return images
    if channels == 1:
        return np.repeat(images, 3, axis=1)
    grey = [np.asarray(Image.fromarray(image.transpose(1, 2, 0).copy()).convert("L")) for image in images]
    return np.stack(grey)[:, None]


def row_hashes(images: Block) -> NDArray[np.uint64]:
    """Return a number for each image that is practically never that of another one."""
    rows = np.ascontiguousarray(images).reshape(len(images), -1)
    missing = -rows.shape[1] % 4
    if missing:
        rows = np.pad(rows, ((0, 0), (0, missing)))
    words = rows.view(np.uint32)  # times factors of 64 bits, so that the last of their bytes spreads over 40 bits
    factors = np.random.default_rng(_SEED).integers(0, 2**63, words.shape[1], np.uint64) * np.uint64(2) + np.uint64(1)
    hashes = np.empty(len(words), np.uint64)
    for first in range(0, len(words), _CACHED):
        hashes[first : first + _CACHED] = words[first : first + _CACHED].astype(np.uint64) @ factors
    return hashes


def repeated(parts: Parts, marks: NDArray[np.uint64]) -> Iterator[str]:
    """Yield a sentence on images that stand in two classes, and one for each two splits that share images."""
    by_split = {split: marks[parts.places[split]] for split in SPLITS}
    labels = np.concatenate([parts.labels[split] for split in SPLITS])
    ours = marks[parts.order]
    order = np.argsort(ours, kind="stable")
    same, other = ours[order][1:] == ours[order][:-1], labels[order][1:] != labels[order][:-1]
    clashing = len(np.unique(ours[order][1:][same & other]))
    if clashing:
        yield (
            f"{clashing:,} {'image stands' if clashing == 1 else 'images stand'} in more than one class: the network "
            "cannot learn which is right, and its accuracy cannot get near 100%."
        )
    for split, earlier in (("valid", "train"), ("test", "train"), ("test", "valid")):
        shared = int(np.isin(by_split[split], by_split[earlier]).sum())
        if shared:
            yield (
                f"{shared:,} of the {len(by_split[split]):,} {split} images {'is' if shared == 1 else 'are'} the same "
                f"as one in {earlier}: the accuracy on {split} will look better than it is."
            )
