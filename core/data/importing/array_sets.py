"""Arrays of images and of labels, brought together: by their names where these say something, else by their lengths."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.importing.file_roles import role_of, title_of
from core.data.importing.labelled_images import (
    UNLABELLED,
    Block,
    ImageArray,
    LabelledImages,
    Orientation,
    check_shape,
    number_labels,
)
from core.data.importing.picture_archive import Skipped
from core.data.importing.source_files import short
from core.errors import DataError

_SPLIT_ORDER = {"": 0, "train": 0, "valid": 1, "test": 2}


@dataclass(frozen=True, eq=False)
class NamedArray:
    """An array in a file, before it is read.

    Attributes:
        name: What it is called, with what is around it.
        shape: Of images (N, C, H, W), of labels (N,).
        blocks: Of images, what `ImageArray.blocks` is; None for labels alone.
        labels: Returns those; None for images alone.
        said: What was done to its values, for a person.
    """

    name: str
    shape: tuple[int, ...]
    blocks: Callable[[], Iterator[Block]] | None = None
    labels: Callable[[], NDArray[np.generic]] | None = None
    said: str = ""


@dataclass(frozen=True)
class _Pair:
    images: NamedArray
    labels: NamedArray | None
    split: str


def join(
    kind: str,
    arrays: Sequence[NamedArray],
    *,
    names: Sequence[str] | dict[int, str] = (),
    class_per_array: bool = False,
    facts: Sequence[tuple[str, str]] = (),
    skipped: Sequence[Skipped] = (),
    transposed: bool = False,
    named: str = "From the file",
) -> LabelledImages:
    """Make one set of images of such arrays.

    Args:
        kind: What such files are called.
        arrays: All of them.
        names: What the files call the classes: from 0 on, or by number.
        class_per_array: Whether images without labels are one class for each array.
        facts: How they were understood so far.
        skipped: What is left out so far.
        transposed: Whether rows and columns have to be swapped.
        named: Where names come from, if there are any.

    Raises:
        DataError: They do not make a set.
    """
    left_out = list(skipped)
    pairs = sorted(_paired(arrays, left_out, class_per_array=class_per_array), key=lambda p: _SPLIT_ORDER[p.split])
    shapes = {pair.images.shape[1:] for pair in pairs}
    if len(shapes) > 1:
        sizes = " and ".join(sorted(f"{height} × {width}" for _, height, width in shapes)[:3])
        raise DataError(f"The files hold images of different sizes or colours ({sizes}): choose files of one kind.")
    channels, height, width = shapes.pop()
    for pair in pairs:
        check_shape(short(pair.images.name), pair.images.shape[0], (channels, height, width))
    counts = [pair.images.shape[0] for pair in pairs]
    check_shape("All files together", sum(counts), (channels, height, width))
    if pairs[0].labels is None:
        values: NDArray[np.generic] = np.repeat([title_of(pair.images.name) for pair in pairs], counts)
        labels, class_names, _ = number_labels(values)
        said = "One class for each file, called after it"
    else:
        values = _labels_of(pairs)
        labels, class_names, said = number_labels(values, names)
    notes = []
    if missing := int(np.count_nonzero(labels == UNLABELLED)):
        notes.append(f"{missing:,} of {len(labels):,} images have no label and are left out.")
    splits, said_of_splits = _splits_of(pairs, counts)
    notes += said_of_splits
    return LabelledImages(
        kind,
        (channels, width, height) if transposed else (channels, height, width),
        tuple(
            ImageArray(short(pair.images.name), pair.images.shape[0], pair.images.blocks)
            for pair in pairs
            if pair.images.blocks is not None
        ),
        labels,
        splits,
        class_names,
        (*facts, *_facts(pairs), ("Labels", said), ("Class names", named if names else _named(pairs))),
        tuple(left_out),
        tuple(notes),
        Orientation(transposed),
    )


def _splits_of(pairs: Sequence[_Pair], counts: Sequence[int]) -> tuple[NDArray[np.str_], list[str]]:
    """Return the split of each image, all empty where they are to be drawn, and what is to be said about that."""
    splits = np.repeat(np.array([pair.split for pair in pairs]), counts)
    if (splits != "").any():
        splits = np.where(splits == "", "train", splits)
    if (splits == "train").any():
        return splits, []
    given = (splits != "").any()
    notes = [f"All images are of {pairs[0].split}: train, valid and test are drawn from them."] if given else []
    return np.full_like(splits, ""), notes


def _named(pairs: Sequence[_Pair]) -> str:
    return "The labels of the file: rename them below" if pairs[0].labels is not None else "The names of the files"


def _facts(pairs: Sequence[_Pair]) -> Iterator[tuple[str, str]]:
    said = sorted({pair.images.said for pair in pairs} - {""})
    if said:
        yield "Values", "; ".join(said)
    own = [split for split in ("train", "valid", "test") if any(pair.split == split for pair in pairs)]
    yield "Splits", said_splits(own)


def said_splits(own: Sequence[str]) -> str:
    """Return what is said of the splits that files bring."""
    return (
        f"{', '.join(own[:-1]).capitalize()} and {own[-1]}, as they come" if len(own) > 1 else "None, so they are drawn"
    )


def _labels_of(pairs: Sequence[_Pair]) -> NDArray[np.generic]:
    parts = []
    for pair in pairs:
        assert pair.labels is not None and pair.labels.labels is not None
        values = pair.labels.labels()
        if len(values) != pair.images.shape[0]:
            raise DataError(
                f"{short(pair.images.name)} holds {pair.images.shape[0]:,} images and {short(pair.labels.name)} "
                f"{len(values):,} labels: choose files that belong together."
            )
        parts.append(values)
    if len({values.dtype.kind in "OUS" for values in parts}) > 1:
        parts = [values.astype(np.str_) for values in parts]
    return np.concatenate(parts)


def _paired(arrays: Sequence[NamedArray], skipped: list[Skipped], *, class_per_array: bool) -> list[_Pair]:
    complete = [_Pair(each, each, role_of(each.name).split) for each in arrays if each.blocks and each.labels]
    if complete:
        return complete
    images = [array for array in arrays if array.blocks is not None]
    labels = [array for array in arrays if array.labels is not None]
    if not images:
        raise DataError("The files hold labels and no images: choose the file of the images, too.")
    if not labels:
        if class_per_array and len(images) > 1:
            return [_Pair(array, None, "") for array in images]
        raise DataError(
            "The files hold images and no labels: choose the file of the labels, too"
            + (", or one file for each class." if class_per_array else ".")
        )
    by_role = defaultdict(list)
    for array in labels:
        role = role_of(array.name)
        by_role[role.group, role.split].append(array)
    pairs = []
    for array in images:
        role = role_of(array.name)
        partner = _partner(array, by_role.get((role.group, role.split), []), labels, images)
        if partner is None:
            skipped.append(Skipped(array.name, "images without labels"))
        else:
            pairs.append((role.group, _Pair(array, partner, role.split)))
    if not pairs:
        raise DataError("No file of labels has as many as there are images: choose files that belong together.")
    groups = sorted({group for group, _ in pairs})
    doubled = len({(pair.split) for _, pair in pairs}) < len(pairs)
    if len(groups) > 1 and doubled:
        listed = ", ".join(group or "unnamed" for group in groups[:6])
        raise DataError(f"Here are {len(groups)} data sets ({listed}): choose the files of one of them.")
    return [pair for _, pair in pairs]


def _partner(
    array: NamedArray, same: Sequence[NamedArray], labels: Sequence[NamedArray], images: Sequence[NamedArray]
) -> NamedArray | None:
    """Return the labels of images: those with a name of the same kind, else the only ones of the same length."""
    if len(same) == 1:
        return same[0]
    fitting = [each for each in (same or labels) if each.shape[0] == array.shape[0]]
    rivals = [each for each in images if each.shape[0] == array.shape[0]]
    if len(fitting) == 1 and len(rivals) == 1:
        return fitting[0]
    return labels[0] if len(labels) == len(images) == 1 else None
