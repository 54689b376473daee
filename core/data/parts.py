"""What is left of an archive after decoding: which pictures are of use, of which class, in which split."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.data.split_assignment import SPLITS, split_by_class
from core.errors import DataError


class Labelled(Protocol):
    """Pictures with their classes, however they are stored: see `Survey` and `LabelledImages`."""

    @property
    def class_names(self) -> Sequence[str]:
        """The classes, in the order of the labels."""

    @property
    def labels(self) -> ArrayLike:
        """The class of each picture, (N,); below 0 for those without."""

    @property
    def splits(self) -> ArrayLike:
        """The split of each picture, (N,)."""


@dataclass(frozen=True)
class Parts:
    """What goes where.

    Attributes:
        class_names: The classes that have a picture to learn from.
        places: Where the pictures of each split stand among the files of the archive.
        labels: Their classes.
        lost: Classes that have none.
    """

    class_names: tuple[str, ...]
    places: dict[str, NDArray[np.int64]]
    labels: dict[str, NDArray[np.int64]]
    lost: tuple[str, ...] = ()

    @property
    def order(self) -> NDArray[np.int64]:
        """(N,) the places of all pictures, those of train first, then valid, then test."""
        return np.concatenate([self.places[split] for split in SPLITS])

    @property
    def sizes(self) -> tuple[int, int, int]:
        train, valid, test = (len(self.places[split]) for split in SPLITS)
        return train, valid, test


def parts_of(survey: Labelled, usable: NDArray[np.bool_], shares: tuple[float, float], seed: int) -> Parts:
    """Sort out what an archive holds, after its pictures were decoded.

    Args:
        survey: What is in the archive.
        usable: (N,) whether each file could be decoded.
        shares: Of each class, what is drawn for valid and for test.
        seed: What that is drawn from.

    Raises:
        DataError: Too little is left.
    """
    labels, given = np.array(survey.labels, np.int64), np.array(survey.splits)
    teaching = usable & np.isin(given, ("", "train"))
    left = [label for label in range(len(survey.class_names)) if (labels[teaching] == label).any()]
    if len(left) < 2:
        raise DataError(
            "Fewer than two classes have a picture that can be read: look at the files, and pack them again."
        )
    places = np.flatnonzero(usable & np.isin(labels, left))
    renamed = np.searchsorted(left, labels[places])
    splits = split_by_class(renamed, given[places], shares, seed)
    return Parts(
        tuple(survey.class_names[label] for label in left),
        {split: places[splits == split] for split in SPLITS},
        {split: renamed[splits == split] for split in SPLITS},
        tuple(name for label, name in enumerate(survey.class_names) if label not in left),
    )
