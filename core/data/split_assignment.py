"""Which pictures of one's own go into which split, and what is to be said about the outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from core.data.importing.near_duplicates import alike, near_pairs
from core.errors import DataError

SPLITS = ("train", "valid", "test")
FEW, UNEVEN = 30, 3.0
_MOST_PAIRS = 20_000  # of fingerprints that are looked at pixel by pixel


@dataclass(frozen=True)
class Lookalikes:
    """Pictures that look nearly the same as others.

    Attributes:
        pairs: Each such picture with one that it looks like, as places, in order of the first.
        unchecked: How many pairs of nearly equal fingerprints were not compared pixel by pixel, since there were too
            many; more than 0 means that there may be more such pictures.
    """

    pairs: tuple[tuple[int, int], ...]
    unchecked: int = 0


def split_by_class(
    labels: NDArray[np.int64], given: NDArray[np.str_], shares: tuple[float, float], seed: int
) -> NDArray[np.str_]:
    """Return the split of each picture: the given one where there is one, else drawn within each class.

    Args:
        labels: (N,) classes.
        given: (N,) "train", "valid", "test" or "". Where a split is given at all, none is drawn for it.
        shares: Of each class, what goes to valid and to test.
        seed: What is drawn from.

    Raises:
        DataError: A split stays empty.
    """
    rng = np.random.default_rng(seed)
    splits = np.where(given == "", "train", given)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero((labels == label) & (splits == "train")))
        taken = 0
        for split, share in zip(("valid", "test"), shares, strict=True):
            if split not in given:
                room = len(members) - taken - 1  # one is to learn from, whatever else
                count = min(room, max(round(len(members) * share), 1)) if room > 0 else 0
                splits[members[taken : taken + count]] = split
                taken += count
    for split in SPLITS:
        if split not in splits:
            raise DataError(
                f"No picture is left for {split}: take at least three pictures of a class, or put some into a "
                f"folder {split}."
            )
    return splits


def remarks(class_names: Sequence[str], counts: NDArray[np.int64]) -> list[str]:
    """Return what is to be said about the numbers of training pictures, (K,)."""
    sentences = []
    few = [f"{name} ({count})" for name, count in zip(class_names, counts, strict=True) if count < FEW]
    if few:
        more = f" and {len(few) - 5} more" if len(few) > 5 else ""
        sentences.append(
            f"Few pictures to learn from: {', '.join(few[:5])}{more}. With fewer than {FEW} of a class a network "
            "learns them by heart; augmentation helps a little, more pictures help more."
        )
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] >= UNEVEN * max(1, counts[least]):
        sentences.append(
            f"Uneven classes: {counts[most]:,} of {class_names[most]} and {counts[least]:,} of {class_names[least]} "
            "to learn from. Guessing the largest class already looks good: read the accuracy of each class."
        )
    return sentences


def near_duplicates(
    pixels: NDArray[np.uint8], fingerprints: NDArray[np.uint64], ours: NDArray[np.int64], theirs: NDArray[np.int64]
) -> Lookalikes:
    """Return pictures among `ours` that look nearly the same as one of `theirs`, each with that one.

    Args:
        pixels: (N, C, H, W), of all pictures.
        fingerprints: (N,) `core.data.importing.near_duplicates.fingerprints`.
        ours, theirs: Places among them.
    """
    one, group_one = np.unique(fingerprints[ours], return_inverse=True)
    other, first_other = np.unique(fingerprints[theirs], return_index=True)
    near = near_pairs(one, other)
    pairs = near[:_MOST_PAIRS]
    partner_of: dict[int, int] = {}
    for first in range(0, len(pairs), 512):
        left, right = pairs[first : first + 512].T
        left_members = [ours[group_one == group][:64] for group in left]
        candidates = np.concatenate(left_members)
        partners = np.repeat(theirs[first_other[right]], [len(members) for members in left_members])
        same = alike(pixels[candidates], pixels[partners])
        for candidate, partner in zip(candidates[same].tolist(), partners[same].tolist(), strict=True):
            partner_of.setdefault(candidate, partner)
    return Lookalikes(tuple(sorted(partner_of.items())), len(near) - len(pairs))


def near_duplicates_by_class(
    pixels: NDArray[np.uint8],
    fingerprints: NDArray[np.uint64],
    labels: NDArray[np.int64],
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
) -> Lookalikes:
    """Return what `near_duplicates` does, for pictures of the same class only; `labels` (N,) are of all pictures."""
    pairs, unchecked = list[tuple[int, int]](), 0
    for label in np.intersect1d(labels[ours], labels[theirs]):
        one, other = (places[labels[places] == label] for places in (ours, theirs))
        of_class = near_duplicates(pixels, fingerprints, one, other)
        pairs += of_class.pairs
        unchecked += of_class.unchecked
    return Lookalikes(tuple(sorted(pairs)), unchecked)


def contradictions(
    pixels: NDArray[np.uint8], fingerprints: NDArray[np.uint64], labels: NDArray[np.int64]
) -> Lookalikes:
    """Return pictures that look nearly the same as one of another class, each with that one.

    Args:
        pixels: (N, C, H, W).
        fingerprints: (N,) `core.data.importing.near_duplicates.fingerprints`.
        labels: (N,).
    """
    if not len(labels):
        return Lookalikes(())
    # Pictures of one fingerprint and class are a kind: one of it stands for all as somebody's counterpart.
    table = np.stack([fingerprints, labels.astype(np.uint64)], axis=1)
    kinds, counterpart, kind_of = np.unique(table, axis=0, return_index=True, return_inverse=True)
    members = np.split(np.argsort(kind_of.reshape(-1), kind="stable"), np.cumsum(np.bincount(kind_of.reshape(-1)))[:-1])
    distinct, begin = np.unique(kinds[:, 0], return_index=True)
    end = np.append(begin[1:], len(kinds))
    left, right = near_pairs(distinct, distinct).T
    one_class = (end - begin == 1)[left] & (end - begin == 1)[right] & (kinds[begin[left], 1] == kinds[begin[right], 1])
    near = np.stack([left, right], axis=1)[~one_class]
    partner_of: dict[int, int] = {}
    for ours, theirs in near[:_MOST_PAIRS].tolist():
        for one, other in product(range(begin[ours], end[ours]), range(begin[theirs], end[theirs])):
            if kinds[one, 1] != kinds[other, 1]:
                places, partner = members[one][:64], int(counterpart[other])
                same = alike(pixels[places], np.broadcast_to(pixels[partner], pixels[places].shape))
                for place in places[same].tolist():
                    partner_of.setdefault(place, partner)
    return Lookalikes(tuple(sorted(partner_of.items())), max(0, len(near) - _MOST_PAIRS))
