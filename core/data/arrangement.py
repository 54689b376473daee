"""How the folders of an archive are arranged: splits by their usual names, classes, and folders around them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from core.errors import DataError

_WORDS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "validate", "dev", "development"), "valid"),
    **dict.fromkeys(("test", "testing", "tst", "holdout"), "test"),
    **dict.fromkeys(("eval", "evaluation"), "eval"),
}
# What stands beside these words in such names; taken away one by one, since a pattern of repeated alternatives would
# take for ever on a name that was made for it.
_BESIDE = re.compile(r"[\W_\d]|datasets?|data|sets?|images?|imgs?|pictures?|photos?|samples?|split|folder|files?|seg")

Parts = list[str]


class Place(NamedTuple):
    """Where a file belongs.

    Attributes:
        folder: That of its class; empty where it is in none.
        split: "train", "valid", "test", or "" where it is yet to be drawn.
        reason: Why it is left out, where `folder` is empty.
    """

    folder: str = ""
    split: str = ""
    reason: str = ""


class Arrangement(NamedTuple):
    """Where all files of an archive belong.

    Attributes:
        places: One for each.
        divided: Whether folders say which split they are in.
        around: The folders around all classes, if nothing else is to be said of them.
    """

    places: list[Place]
    divided: bool
    around: tuple[str, ...] = ()


def split_of(folder: str) -> str:
    """Return the split that a folder is usually named for: "train", "valid", "test", "eval" (either), or "".

    In any case and spelling: "train", "Training", "training_set", "val2017", "test-images", "TrainData", "seg_train".
    """
    return _WORDS.get(_BESIDE.sub("", folder.lower()), "")


def arrange(folders: Sequence[Parts], pictures: Sequence[bool]) -> Arrangement:
    """Sort out files by their folders.

    Args:
        folders: Those around each file, the outermost first.
        pictures: Whether each looks like a picture by its name; others do not decide how it all is arranged.

    Raises:
        DataError: There are pictures to judge a network by, and none to learn from.
    """
    deep = [parts for parts, picture in zip(folders, pictures, strict=True) if picture and parts]
    deep = deep or [parts for parts in folders if parts]
    root = _root_of_splits(deep)
    if root is not None:
        return Arrangement(_divided(folders, deep, root), True)
    depth = _wrapping(deep)
    shared = deep[0][:depth] if deep else []
    inner = [parts[depth:] if parts[:depth] == shared else [] for parts in folders]
    deep = [parts[depth:] for parts in deep if len(parts) > depth]
    if _class_first(deep):
        turned = [[parts[1], parts[0], *parts[2:]] if len(parts) > 1 else [] for parts in inner]
        return Arrangement(_divided(turned, [[parts[1], parts[0]] for parts in deep], []), True)
    _check_for_train(deep)
    places = [Place(parts[0]) if parts else Place(reason="in no class folder") for parts in inner]
    return Arrangement(places, False, tuple(shared))


def _root_of_splits(deep: Sequence[Parts]) -> Parts | None:
    """Return the folders around the folders of the splits, or None where there are no such folders."""
    for depth in range(max(map(len, deep), default=1) - 1):
        candidates = []
        for root in dict.fromkeys(tuple(parts[:depth]) for parts in deep if len(parts) > depth + 1):
            below = [parts[depth:] for parts in deep if tuple(parts[:depth]) == root and len(parts) > depth]
            train = [parts for parts in below if split_of(parts[0]) == "train" and len(parts) > 1]
            others = {split_of(parts[0]) for parts in below} - {"train"}
            if train and (others - {""} or len({parts[1] for parts in train}) > 1) and others != {""}:
                candidates.append(list(root))
        if candidates:
            return candidates[0] if len(candidates) == 1 else None
    return None


def _divided(folders: Sequence[Parts], deep: Sequence[Parts], root: Parts) -> list[Place]:
    """Return where files belong that stand in folders of splits below a root."""
    depth = len(root)
    named = {parts[depth]: split_of(parts[depth]) for parts in deep if parts[:depth] == root and len(parts) > depth}
    either = "valid" if "test" in named.values() else "test"
    splits = {folder: either if split == "eval" else split for folder, split in named.items() if split}
    skip = {}
    classes: set[str] = set()
    for folder in sorted(splits, key=lambda each: splits[each] != "train"):
        inside = [parts[depth + 1 :] for parts in deep if parts[: depth + 1] == [*root, folder]]
        skip[folder] = _wrapping(inside, but=classes)
        classes |= {parts[skip[folder]] for parts in inside if len(parts) > skip[folder] and splits[folder] == "train"}
    places = []
    for parts in folders:
        split = splits.get(parts[depth], "") if parts[:depth] == root and len(parts) > depth else ""
        inner = parts[depth + 1 + skip[parts[depth]] :] if split else []
        reason = "in no class folder" if split else "in no folder of train, valid or test"
        places.append(Place(inner[0], split) if inner else Place(reason=reason))
    return places


def _wrapping(deep: Sequence[Parts], but: set[str] | None = None) -> int:
    """Return how many outer folders all pictures share that tell no classes apart; those in `but` are classes."""
    depth = 0
    while True:
        first = {parts[depth] for parts in deep if len(parts) > depth}
        if len(first) != 1 or first & (but or set()) or not any(len(parts) > depth + 1 for parts in deep):
            return depth
        depth += 1


def _class_first(deep: Sequence[Parts]) -> bool:
    """Say whether each class folder holds those of the splits, instead of the other way round."""
    inner = [split_of(parts[1]) if len(parts) > 1 else "" for parts in deep]
    return bool(inner) and all(inner) and "train" in inner and len({parts[0] for parts in deep}) > 1


def _check_for_train(deep: Sequence[Parts]) -> None:
    """Raise `DataError` if all pictures are in folders of splits, without classes in them or none of them for train."""
    named = {parts[0]: split_of(parts[0]) for parts in deep}
    if len(named) > 1 and all(named.values()) and "train" in named.values() and max(map(len, deep)) == 1:
        names = " and ".join(sorted(named))
        raise DataError(
            f"The folders {names} hold pictures, no folders of classes and no table of their labels: put the "
            "pictures of each class into a folder that bears its name."
        )
    classes = [{parts[1] for parts in deep if parts[0] == folder and len(parts) > 1} for folder in named]
    if len(named) > 1 and all(named.values()) and classes and set.intersection(*classes):
        names = " and ".join(sorted(named))
        raise DataError(
            f"The archive has the folders {names}, and none of pictures to learn from: add the folder train, or rename "
            "one of them to it."
        )
