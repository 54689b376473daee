"""Images that come as arrays with their labels: what a file of them holds, before anything of it is kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.data.importing.folder_layout import MAX_CLASSES, Naming, class_titles, merged_classes, title_order
from core.data.importing.picture_archive import Skipped
from core.data.importing.source_files import reading
from core.errors import DataError

MAX_BYTES = 2**32  # of all pixels as they come
MAX_IMAGES = 2_000_000
MAX_SIDE = 2048
BLOCK = 2**22  # bytes that are read at a time
UNLABELLED = -1
Block = NDArray[np.uint8]


@dataclass(frozen=True)
class Orientation:
    """How arrays of images are read.

    Attributes:
        transposed: Whether rows and columns are swapped.
        inverted: Whether light and dark are.
    """

    transposed: bool = False
    inverted: bool = False


@dataclass(frozen=True, eq=False)
class ImageArray:
    """Images in a row.

    Attributes:
        name: Where they are, for a person.
        count: How many.
        blocks: Yields them from the first on, (n, C, H, W) uint8 each time.
    """

    name: str
    count: int
    blocks: Callable[[], Iterator[Block]]


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """What such files hold.

    Attributes:
        kind: What they are called, "IDX" say.
        shape: (C, H, W) as they are read.
        arrays: The images.
        labels: (N,) the class of each, `UNLABELLED` for those without.
        splits: (N,) "train", "valid", "test", or "" where it is yet to be drawn.
        class_names: The classes, in the order of the labels.
        facts: How the files were understood, as (what, how).
        skipped: Files that are left out.
        notes: What a person should know, a sentence each.
        orientation: How the images are read.
    """

    kind: str
    shape: tuple[int, int, int]
    arrays: tuple[ImageArray, ...]
    labels: NDArray[np.int64]
    splits: NDArray[np.str_]
    class_names: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    orientation: Orientation = Orientation()

    def __len__(self) -> int:
        return len(self.labels)

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Return how many images each class has, by split; "" for those whose split is yet to be drawn."""
        here = [split for split in ("train", "valid", "test", "") if (self.splits == split).any()]
        return {
            split: tuple(
                np.bincount(
                    self.labels[(self.splits == split) & (self.labels >= 0)], minlength=len(self.class_names)
                ).tolist()
            )
            for split in here
        }

    def blocks(self) -> Iterator[Block]:
        """Yield all images in their order, (n, C, H, W) uint8 each time; raises `DataError` where they are damaged."""
        for array in self.arrays:
            yield from self._blocks(array)

    def take(self, places: Sequence[int]) -> dict[int, Block]:
        """Return some of the images, (C, H, W) each; arrays that hold none of them are not read."""
        wanted, images, begin = set(places), {}, 0
        for array in self.arrays:
            here = {place for place in wanted if begin <= place < begin + array.count}
            first = begin
            blocks = self._blocks(array)
            while here:
                block = next(blocks)
                for place in [place for place in here if place < first + len(block)]:
                    images[place] = block[place - first].copy()
                    here.discard(place)
                first += len(block)
            begin += array.count
        return images

    def renamed(self, naming: Naming) -> "LabelledImages":
        """Return the same with other names for classes; those of one name become one class."""
        names, places = merged_classes(self.class_names, naming)
        return replace(self, class_names=names, labels=np.array([*places, UNLABELLED], np.int64)[self.labels])

    def oriented(self, orientation: Orientation) -> "LabelledImages":
        """Return the same, read in another way."""
        _, height, width = self.shape
        turned = orientation.transposed != self.orientation.transposed
        return replace(
            self, orientation=orientation, shape=(self.shape[0], *((width, height) if turned else (height, width)))
        )

    def _blocks(self, array: ImageArray) -> Iterator[Block]:
        count = 0
        with reading(array.name):
            for block in array.blocks():
                count += len(block)
                block = block.swapaxes(2, 3) if self.orientation.transposed else block
                yield 255 - block if self.orientation.inverted else block
            if count != array.count:
                raise EOFError


def brightness_of(contents: LabelledImages) -> str:
    """Return whether grey images are light on dark or dark on light, by the borders of the first; "" for colours."""
    images = next(contents.blocks())[:64] if contents.shape[0] == 1 else np.zeros((0, 1, 2, 2), np.uint8)
    if not len(images):
        return ""
    border = np.concatenate([images[:, 0, row] for row in (0, -1)] + [images[:, 0, :, column] for column in (0, -1)], 1)
    middle = (images.min(axis=(1, 2, 3)).astype(np.float32) + images.max(axis=(1, 2, 3))) / 2
    dark_on_light = float((np.median(border, axis=1) > middle).mean())
    return "Dark on light" if dark_on_light > 0.8 else "Light on dark" if dark_on_light < 0.2 else "Mixed"


def check_shape(name: str, count: int, shape: tuple[int, int, int]) -> None:
    """Raise `DataError` where a file says that it holds no images, or more than can be."""
    channels, height, width = shape
    if count < 1 or channels not in (1, 3) or min(height, width) < 2:
        raise DataError(f"{name} holds no images: {count:,} of {height:,} × {width:,} pixels.")
    if max(height, width) > MAX_SIDE or count > MAX_IMAGES or count * channels * height * width > MAX_BYTES:
        raise DataError(
            f"{name} says that it holds {count:,} images of {height:,} × {width:,} pixels, and {MAX_IMAGES:,} images "
            f"of {MAX_BYTES // 2**30} GB in all are the most: take fewer or smaller ones."
        )


def check_classes(number: int) -> None:
    """Raise `DataError` where there are too few classes, or too many."""
    if number < 2:
        raise DataError(
            f"A network has to tell at least two classes apart, and the labels know {number}: "
            "choose the files of more classes."
        )
    if number > MAX_CLASSES:
        raise DataError(
            f"The labels have {number:,} different values, and a network has at most {MAX_CLASSES:,} classes: "
            "perhaps this column holds no classes."
        )


def number_labels(
    values: NDArray[np.generic], names: Sequence[str] | Mapping[int, str] = ()
) -> tuple[NDArray[np.int64], tuple[str, ...], str]:
    """Turn labels of any kind into places in a list of class names, and say how.

    Args:
        values: (N,) whole numbers, or texts; -1 and empty texts are no label.
        names: What the file calls its classes: from 0 on, or by their numbers in the file.

    Returns:
        Labels (N,) from 0 on, the class names, and what a person should know of the numbers in the file.

    Raises:
        DataError: They are none, or too many.
    """
    if values.dtype.kind in "OUS":
        texts = np.asarray(values, np.str_)
        known = sorted(set(texts.tolist()) - {""}, key=title_order)
        check_classes(len(known))
        titles = class_titles(known)
        place = {"": UNLABELLED} | {text: label for label, text in enumerate(known)}
        labels = np.array([place[text] for text in texts.tolist()], np.int64)
        return labels, tuple(titles[text] for text in known), "Texts in the file, numbered in the order of their names"
    numbers = _whole(values)
    used = np.unique(numbers[numbers != UNLABELLED])
    if names:
        by_number = dict(names) if isinstance(names, Mapping) else dict(enumerate(names))
        for number in used.tolist():
            if number not in by_number:
                raise DataError(f"The label {number} has no name: the file names {len(by_number):,} classes.")
        order = sorted(by_number)
        check_classes(len(order))
        titles = class_titles([by_number[number] for number in order])
        called = tuple(titles[by_number[number]] for number in order)
        if len(set(called)) < len(called):
            called = tuple(class_titles([f"{name} ({n})" for name, n in zip(called, order, strict=True)]).values())
    else:
        check_classes(len(used))
        order = used.tolist()
        called = tuple(map(str, order))
    if used.size and used[0] < 0:
        raise DataError(f"The label {used[0]} is below 0: labels are whole numbers from 0 on.")
    labels = np.where(numbers == UNLABELLED, UNLABELLED, np.searchsorted(order, numbers)).astype(np.int64)
    said = f"{order[0]} to {order[-1]} in the file"
    return labels, called, said if order[0] == 0 else f"{said}, counted from 0 here"


def _whole(values: NDArray[np.generic]) -> NDArray[np.int64]:
    if values.dtype.kind == "f":
        numbers = np.asarray(values, np.float64)
        if not (np.isfinite(numbers) & (numbers == np.round(numbers)) & (np.abs(numbers) < 2**31)).all():
            raise DataError("Some labels are missing or no whole numbers: give each image the number of its class.")
        return numbers.astype(np.int64)
    if values.dtype.kind not in "iub":
        raise DataError("The labels are no whole numbers: give each image the number of its class.")
    return values.astype(np.int64)
