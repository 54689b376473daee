"""All formats of data sets as arrays, each recognised by the content of its files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.data.importing.array_formats import idx, numpy_arrays
from core.data.importing.folder_layout import PICTURES, Naming, Survey, survey
from core.data.importing.labelled_images import LabelledImages, brightness_of
from core.data.importing.source_files import Content, SourceFile, short, unpacked
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
    read: Callable[[Sequence[SourceFile]], LabelledImages]


FORMATS = tuple(Format(module.KIND, module.claims, module.read) for module in (numpy_arrays, idx))


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
    data = [source for source in sources if not source.name.lower().endswith(PICTURES)]
    if len(data) == len(sources):  # an archive with pictures in it is one of pictures
        for each in FORMATS:
            if each.claims(data):
                contents = each.read(data)
                said = brightness_of(contents)
                facts = (*contents.facts, *([("Brightness", said)] if said else []))
                return replace(contents, facts=facts, skipped=(*skipped, *contents.skipped)).renamed(naming)
    if len(files) == 1:
        return survey(files[0][1], naming)
    raise DataError(
        f"These {len(files)} files ({short(files[0][0])} …) are no data set that is read here: choose the files of one "
        "data set, or one zip."
    )
