"""All formats of data sets beside zips of pictures, each recognised by the content of its files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.data.importing.dataset_formats import (
    cifar,
    idx,
    label_table,
    matlab,
    numpy_arrays,
    parquet,
    pixel_table,
    stl10,
    webdataset,
)
from core.data.importing.folder_layout import PICTURES, Naming, Survey, survey
from core.data.importing.labelled_images import LabelledImages, brightness_of
from core.data.importing.picture_files import folders_of
from core.data.importing.source_files import ZIP, Content, SourceFile, short, unpacked
from core.errors import DataError


@dataclass(frozen=True)
class Format:
    """A format of data sets.

    Attributes:
        kind: What it is called.
        claims: Says whether files are of this format, by their first bytes and sizes.
        read: Reads them; raises `DataError`.
    """

    kind: str
    claims: Callable[[Sequence[SourceFile]], bool]
    read: Callable[[Sequence[SourceFile]], LabelledImages | Survey]


# The first that claims the files reads them.
_MODULES: tuple[Any, ...] = (webdataset, label_table, parquet, numpy_arrays, matlab, stl10, cifar, idx, pixel_table)
FORMATS = tuple(Format(module.KIND, module.claims, module.read) for module in _MODULES)


def understand(files: Sequence[tuple[str, Content]], naming: Naming | None = None) -> Survey | LabelledImages:
    """Return what files of a data set hold, before anything of it is kept.

    Args:
        files: Names and contents (or where these are): a zip of pictures in folders, or files of one of the `FORMATS`,
            loose or in a zip or tar archive.
        naming: How names are read, and other names for classes.

    Raises:
        DataError: They are nothing that is read here, or damaged.
    """
    naming = naming or Naming()
    if not files:
        raise DataError("There is no file: choose one.")
    sources, skipped = unpacked(files)
    pictures = any(source.name.lower().endswith(PICTURES) for source in sources)
    # An archive with pictures in it is one of pictures: others are not looked into.
    for each in FORMATS[:2] if pictures else FORMATS:
        if each.claims(sources):
            contents = each.read(sources)
            said = brightness_of(contents) if isinstance(contents, LabelledImages) else ""
            facts = (("Format", each.kind), *contents.facts, *([("Brightness", said)] if said else []))
            return replace(contents, facts=facts, skipped=(*skipped, *contents.skipped)).renamed(naming)
    if pictures and not _is_zip(files[0][1]):
        return folders_of(sources, skipped, naming)
    if len(files) == 1:
        return survey(files[0][1], naming)
    raise DataError(
        f"These {len(files)} files ({short(files[0][0])} …) are no data set that is read here: choose the files of one "
        "data set, or one zip."
    )


def _is_zip(content: Content) -> bool:
    if isinstance(content, bytes):
        return content.startswith(ZIP)
    with content.open("rb") as file:
        return file.read(len(ZIP)) == ZIP
