"""What arrays are by their usual names: images or labels, of which split, and which belong together."""

import re
from typing import NamedTuple

from core.data.arrangement import split_of

_ROLES = {
    **dict.fromkeys(("images", "image", "imgs", "img", "x", "data", "pixels", "pictures", "features"), "images"),
    **dict.fromkeys(("labels", "label", "y", "target", "targets", "classes", "class", "annotations"), "labels"),
}
_ENDINGS = re.compile(r"\.(npy|npz|gz|bin|mat|csv|parquet|zip|tar|idx\d?(-ubyte)?)$", re.I)
_IN_NAMES = {"idx", "idx1", "idx2", "idx3", "idx4", "ubyte", "arr", "of"}  # that tell files of one set apart by nothing


class Role(NamedTuple):
    """What an array is by its name.

    Attributes:
        kind: "images", "labels", or "" where the name does not say.
        split: "train", "valid", "test", or "".
        group: What is left of the name: that of arrays which belong together is the same.
    """

    kind: str
    split: str
    group: str


def words_of(name: str) -> list[str]:
    """Return the words of a name, in small letters: "xTrain_2.npy" has "x", "train", "2"."""
    while (plain := _ENDINGS.sub("", name)) != name:
        name = plain
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W_]+", spaced.lower())


def role_of(name: str) -> Role:
    """Return what an array is by its name; of names of folders around it, the innermost that says something counts."""
    kind = split = ""
    group: list[str] = []
    for part in reversed(name.split("/")):
        left = []
        for word in words_of(part):
            said = "test" if word == "t10k" else split_of(word) if len(word) > 2 else ""
            if said and not split:
                split = "valid" if said == "eval" else said
            elif word in _ROLES and not kind:
                kind = _ROLES[word]
            elif not said and word not in _ROLES and word not in _IN_NAMES and not word.isdecimal():
                left.append(word)
        group = group or left
    return Role(kind, split, " ".join(group))


def title_of(name: str) -> str:
    """Return what a class is called whose images lie in a file of this name: "full_numpy_bitmap_cat.npy" is "cat"."""
    last = _ENDINGS.sub("", name.rpartition("/")[2])
    last = re.sub(r"^full[ _]numpy[ _]bitmap[ _]", "", last)
    return last.replace("_", " ").strip() or name
