"""Which class and which split the files of an archive belong to: told by their folders, and by nothing else."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.archive import Member, Skipped, members
from core.errors import DataError

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "dev"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")  # how most of their names end
MAX_CLASSES, MAX_CLASS_NAME = 1000, 40
_LAYOUT = "put the pictures of each class into a folder that bears its name, and pack these folders"


@dataclass(frozen=True)
class Survey:
    """What an archive holds, before any of its pictures is decoded.

    Attributes:
        class_names: The classes, in the order of their labels.
        files: What to decode.
        labels: The class of each file.
        splits: The split of each file: "train", "valid", "test", or "" where it is yet to be drawn.
        skipped: Files that are left out by their place or their kind.
    """

    class_names: tuple[str, ...]
    files: tuple[Member, ...]
    labels: tuple[int, ...]
    splits: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Return how many files each class has, by split; "" for those whose split is yet to be drawn."""
        found = Counter(zip(self.splits, self.labels, strict=True))
        order = [split for split in ("train", "valid", "test", "") if split in self.splits]
        return {split: tuple(found[split, label] for label in range(len(self.class_names))) for split in order}


def survey(archive: bytes | Path) -> Survey:
    """Read the table of contents of a zip of pictures: one folder for each class, or these in train and test folders.

    Folders around all of that are passed over; of folders within a class folder, the outermost one counts.

    Raises:
        DataError: It is no such archive.
    """
    found, skipped = members(archive)
    if not found:
        raise DataError(f"The archive holds no file that could be a picture: {_LAYOUT}.")
    folders = [[part for part in member.name.split("/")[:-1] if part and part != "."] for member in found]
    folders = _without_wrapping(folders, [member.name.lower().endswith(PICTURES) for member in found])
    divided = any(len(parts) > 1 and SPLITS.get(parts[0].lower()) == "train" for parts in folders)
    kept: list[tuple[Member, str, str]] = []
    for member, parts in zip(found, folders, strict=True):
        split = SPLITS.get(parts[0].lower(), "") if divided and parts else ""
        inner = parts[1:] if split else parts
        if not inner or (divided and not split):
            where = "in no folder of train, valid or test" if divided else "in no class folder"
            skipped.append(Skipped(member.name, where))
        else:
            kept.append((member, split, _composed(inner[0])))
    return _labelled(kept, skipped, divided=divided)


def _without_wrapping(folders: Sequence[list[str]], pictures: Sequence[bool]) -> list[list[str]]:
    """Take away the outer folders that all pictures share, as long as folders remain that tell them apart."""
    deep = [parts for parts, picture in zip(folders, pictures, strict=True) if picture and parts]
    deep = deep or [parts for parts in folders if parts]
    depth = 0
    while deep and len({tuple(parts[: depth + 1]) for parts in deep}) == 1 and all(len(p) > depth + 1 for p in deep):
        depth += 1
    shared = deep[0][:depth] if deep else []
    return [parts[depth:] if parts[:depth] == shared else [] for parts in folders]


def _labelled(kept: Sequence[tuple[Member, str, str]], skipped: list[Skipped], *, divided: bool) -> Survey:
    titles = class_titles(folder for _, split, folder in kept if not divided or split == "train")
    order = sorted(set(titles.values()), key=_order)
    if len(order) < 2:
        raise DataError(
            f"A network has to tell at least two classes apart, and the archive holds {len(order)}: {_LAYOUT}."
        )
    if len(order) > MAX_CLASSES:
        raise DataError(f"The archive holds {len(order):,} classes, and a network has at most {MAX_CLASSES:,}.")
    labels = {title: label for label, title in enumerate(order)}
    known = []
    for member, split, folder in kept:
        title = titles.get(folder)
        if title is None:
            skipped.append(Skipped(member.name, "of a class that the train folder does not have"))
        else:
            known.append((member, split, labels[title]))
    return Survey(
        tuple(order),
        tuple(member for member, _, _ in known),
        tuple(label for _, _, label in known),
        tuple(split for _, split, _ in known),
        tuple(skipped),
    )


def _composed(folder: str) -> str:
    return unicodedata.normalize("NFC", folder)


def class_titles(folders: Iterable[str]) -> Mapping[str, str]:
    """Return what to call the class of each folder: one line of at most `MAX_CLASS_NAME` signs, no two alike."""
    titles: dict[str, str] = {}
    taken: set[str] = set()
    for folder in dict.fromkeys(folders):
        plain = " ".join("".join(sign if sign.isprintable() else " " for sign in folder).split()) or "unnamed"
        title = plain if len(plain) <= MAX_CLASS_NAME else plain[: MAX_CLASS_NAME - 1] + "…"
        number = 2
        while title in taken:
            title = f"{plain[: MAX_CLASS_NAME - 6]} ({number})"
            number += 1
        taken.add(title)
        titles[folder] = title
    return titles


def _order(title: str) -> tuple[int, str, str]:
    number = int(title) if title.isdecimal() and len(title) < 10 else 10**10
    return number, title.casefold(), title
