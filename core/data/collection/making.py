"""From a collection to a data set: its classes packed as the importer takes them."""

import re
from collections.abc import Sequence
from functools import partial
from io import FileIO
from itertools import count
from typing import TYPE_CHECKING

from core.data.arrangement import split_of
from core.data.collection.collection import ClassBox
from core.data.formats import EXTENSIONS
from core.data.importing.folder_layout import Naming
from core.data.importing.importer import bring_in
from core.data.importing.safezip import is_junk
from core.data.importing.zip_builder import write_archive
from core.errors import DataError
from core.leftovers import unfinished
from core.progress import Progress

if TYPE_CHECKING:
    from core.data.importing.decoder_worker import ImageFormat

FEWEST = 3  # pictures of at least one class: one to learn from, one each for valid and test
SHARES = (0.2, 0.2)  # of each class, for valid and test: of ten pictures one would say nothing
_PLAIN = re.compile(r"[^\W_][\w ()-]*")


def usable(boxes: Sequence[ClassBox]) -> tuple[ClassBox, ...]:
    """Return the classes that have pictures."""
    return tuple(box for box in boxes if box.pictures)


def obstacle(boxes: Sequence[ClassBox]) -> str:
    """Return what is still missing before these classes make a data set, one sentence; empty if nothing is."""
    full = usable(boxes)
    if len(full) < 2:
        return "Put pictures into two classes: a network learns by telling them apart."
    if max(len(box.pictures) for box in full) < FEWEST:
        return f"Add pictures until a class has {FEWEST}: one to learn from, and two to check what was learned."
    return ""


def title_of(boxes: Sequence[ClassBox]) -> str:
    """Return what to call the data set of some classes: their names."""
    names = [box.name for box in usable(boxes)]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[: 3 if more else 4])}{more}"[:60]


def make_dataset(boxes: Sequence[ClassBox], look: "ImageFormat", progress: Progress | None = None) -> str:
    """Make a data set of the classes that have pictures, and return its name in `DATASETS`.

    Args:
        boxes: The classes; a picture that was deleted since is left out.
        look: What their pictures are brought to.
        progress: As in `import_images`.

    Raises:
        DataError: They do not make one.
        StorageError: The data directory cannot be written.
    """
    if words := obstacle(boxes):
        raise DataError(words)
    full = usable(boxes)
    folders = _folders([box.name for box in full])
    with unfinished("convscope-") as folder:
        archive = folder / "classes.zip"
        write_archive(
            archive,
            [
                (name, [(_entry(picture.name), partial(FileIO, picture.file)) for picture in box.pictures])
                for name, box in zip(folders, full, strict=True)
            ],
        )
        naming = Naming(renamed=tuple((name, box.name) for name, box in zip(folders, full, strict=True)))
        return bring_in(archive, title_of(boxes), look=look, shares=SHARES, naming=naming, progress=progress)


def _folders(names: Sequence[str]) -> list[str]:
    """Return the folder of each class: its name, unless the importer could take that for something else."""
    plain = [name if _PLAIN.fullmatch(name) and not split_of(name) and not is_junk(name) else "" for name in names]
    numbers = (f"class {number}" for number in count(1))
    return [name or next(each for each in numbers if each not in plain) for name in plain]


def _entry(name: str) -> str:
    """Return the name of a file for which nobody takes it for anything but a picture."""
    return name if name.lower().endswith(tuple(f".{ending}" for ending in EXTENSIONS)) else f"{name}.picture"
