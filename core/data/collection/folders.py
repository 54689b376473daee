"""Files of a folder that was dropped as a whole, sorted into classes by the folders in it."""

from collections.abc import Sequence
from typing import NamedTuple

from core.data.arrangement import arrange
from core.data.collection.collection import one_line
from core.data.formats import EXTENSIONS
from core.data.importing.safezip import is_junk

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
