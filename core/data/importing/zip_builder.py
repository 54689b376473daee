"""Loose files and shots of a camera, sorted by class, as the archive that they would make."""

import io
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from core.errors import DataError

_NUMBER = re.compile(r"[\s_.#-]*\(?\d*\)?$")


def class_in(name: str) -> str:
    """Return the class that a file is called after: its name without ending, number and what joins the two."""
    return _NUMBER.sub("", name.rpartition(".")[0] or name).strip() or "Other"


def archive_of(classes: Sequence[tuple[str, Sequence[tuple[str, bytes]]]]) -> bytes:
    """Pack loose files, given by class as (name, content), into an archive that `import_images` takes.

    The same files make the same archive, byte by byte, whenever they are packed.

    Raises:
        DataError: There are fewer than two classes, two of one name, or none of the pictures of one.
    """
    names = [" ".join(name.replace("/", "-").replace("\\", "-").split()) for name, _ in classes]
    if len(set(names)) < len(names) or len(names) < 2:
        raise DataError("Give at least two classes, each with a name of its own.")
    for name, (_, files) in zip(names, classes, strict=True):
        if not name or name in (".", "..") or name.startswith("."):
            raise DataError("Each class needs a name that does not begin with a dot: type one.")
        if not files:
            raise DataError(f"The class {name} has no picture yet: add some, or remove the class.")
    content = io.BytesIO()
    write_archive(
        content,
        [
            (name, [(called, partial(io.BytesIO, data)) for called, data in files])
            for name, (_, files) in zip(names, classes, strict=True)
        ],
    )
    return content.getvalue()


def write_archive(
    archive: Path | IO[bytes],
    classes: Sequence[tuple[str, Sequence[tuple[str, Callable[[], io.RawIOBase | IO[bytes]]]]]],
) -> None:
    """Pack files as (name, what opens it) into a folder for each class, one after the other in small pieces.

    A file that is gone by now is passed over. The same files make the same archive, byte by byte.
    """
    with zipfile.ZipFile(archive, "w") as file:
        for folder, files in classes:
            for number, (called, opened) in enumerate(files):
                last = called.replace("\\", "/").rpartition("/")[2].lstrip(".") or "picture"
                entry = zipfile.ZipInfo(f"{folder}/{number:05d}-{last[-80:]}")  # without the time of day
                with suppress(FileNotFoundError), opened() as content, file.open(entry, "w") as packed:
                    shutil.copyfileobj(content, packed)
