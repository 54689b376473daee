"""Files of a folder that was dropped as a whole, sorted into classes by the folders in it."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.data.arrangement import arrange
from core.data.collection.collection import MAX_CLASS_NAME, MOST_CLASSES, Collection, one_line
from core.data.formats import EXTENSIONS
from core.data.importing.safezip import is_junk
from core.errors import DataError

_NUMBERED = re.compile(r"Class \d+")
_PICTURES = tuple(f".{ending}" for ending in EXTENSIONS)


class Sorted(NamedTuple):
    """Where the files of a folder go.

    Attributes:
        classes: By the name of each class, the places of its files.
        left_out: The places of files without a class, each with the reason.
    """

    classes: dict[str, list[int]]
    left_out: list[tuple[int, str]]


def sort_by_folder(paths: Sequence[str]) -> Sorted:
    """Sort files into classes by the folders around them, as those of a zip; of a single folder, into one class.

    What systems leave in folders is passed over without a word.

    Args:
        paths: Those of the files, parts joined by "/".

    Raises:
        DataError: There are pictures to judge a network by, and none to learn from.
    """
    places = [place for place, path in enumerate(paths) if not is_junk(path)]
    folders = [[part for part in paths[place].replace("\\", "/").split("/")[:-1] if part] for place in places]
    arranged = arrange(folders, [paths[place].lower().endswith(_PICTURES) for place in places])
    result = Sorted({}, [])
    for place, spot, around in zip(places, arranged.places, folders, strict=True):
        name = one_line(spot.folder)
        if name:
            result.classes.setdefault(name, []).append(place)
        elif len(set(map(tuple, folders))) == 1 and around:
            result.classes.setdefault(one_line(around[-1]), []).append(place)
        else:
            result.left_out.append((place, "It is in no folder of a class."))
    return result


def take_folder(collection: Collection, files: Sequence[tuple[str, Callable[[], bytes]]]) -> list[str]:
    """Bring the files of a folder into a collection, each folder in it a class; return what is to be said about it.

    Classes that are there already get the pictures of the folder of their name; empty ones with a number for a name
    make room for those that come.

    Args:
        collection: Where they go.
        files: Path and content of each.

    Raises:
        DataError: There is no class in it.
    """
    classes, left_out = sort_by_folder([path for path, _ in files])
    if not classes:
        raise DataError("The folder holds no pictures: choose one with a folder for each class.")
    known = {box.name: box.id for box in collection.boxes}
    for box in collection.boxes:
        if not box.pictures and _NUMBERED.fullmatch(box.name) and box.name not in classes:
            collection.remove(box.id)
            del known[box.name]
    beyond = []
    for name, places in classes.items():
        title = name[:MAX_CLASS_NAME].strip()
        try:
            box_id = known.get(title) or collection.add_class(title)
        except DataError:
            beyond.append(name)
            continue
        known[title] = box_id
        for place in places:
            collection.add(box_id, files[place][0], files[place][1]())
    for place, reason in left_out:
        collection.refuse("", files[place][0], reason)
    while len(collection.boxes) < 2:
        collection.add_class()
    if not beyond:
        return []
    return [
        f"{MOST_CLASSES} classes are the most here, and the folder has {len(classes):,}. Left out: "
        f"{', '.join(beyond)}. As a zip, the Data page takes up to 1,000."
    ]
