"""WebDataset: tar archives in which files of one key belong together, a picture (.jpg, .png …) and its class."""

import json
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from core.data.importing.file_roles import role_of
from core.data.importing.folder_layout import PICTURES, Survey
from core.data.importing.picture_archive import Skipped
from core.data.importing.picture_files import SourcePictures, described, labelled_pictures, members_of, within_limit
from core.data.importing.source_files import MB, SourceFile, short
from core.errors import DataError

KIND = "WebDataset"
_LABEL_FIELDS = ("cls", "label", "class", "class_id", "target", "category")


def _key(name: str) -> tuple[str, str]:
    """Return the key of a file and its ending: all after the first dot of its name (webdataset's base_plus_ext)."""
    folder, _, last = name.rpartition("/")
    base, _, ending = last.partition(".")
    return f"{folder}/{base}", ending.lower()


def _samples(sources: Sequence[SourceFile]) -> dict[str, dict[str, SourceFile]]:
    samples: dict[str, dict[str, SourceFile]] = defaultdict(dict)
    for source in sources:
        key, ending = _key(source.name)
        samples[key].setdefault(ending, source)
    return samples


def _picture(sample: dict[str, SourceFile]) -> SourceFile | None:
    return next((file for ending, file in sample.items() if f".{ending}".endswith(PICTURES)), None)


def claims(sources: Sequence[SourceFile]) -> bool:
    """Say whether pictures have files of the same key that name their classes."""
    labels = {_key(source.name)[0] for source in sources if _key(source.name)[1] in ("cls", "cls.txt", "json")}
    return bool(labels) and any(
        source.name.lower().endswith(PICTURES) and _key(source.name)[0] in labels for source in sources
    )


def read(sources: Sequence[SourceFile]) -> Survey:
    """Read pictures with their classes; the split is what the names of the archives say."""
    pictures, values, skipped = [], [], list[Skipped]()
    allowed, large = within_limit(sources)
    for sample in _samples(allowed).values():
        picture = _picture(sample)
        if picture is None:
            skipped += [Skipped(file.name, "no picture of the same key") for file in sample.values()]
            continue
        pictures.append(picture)
        values.append(_label(sample))
    if not pictures:
        raise DataError("The archive holds classes and no pictures of the same keys: pack it anew.")
    numbers = all(value.lstrip("-").isdecimal() and len(value) < 10 for value in values if value)
    labels = np.array([int(value or -1) for value in values]) if numbers else np.array(values)
    return labelled_pictures(
        members_of(*described(pictures)),
        labels,
        [role_of(picture.name.partition("/")[0]).split for picture in pictures],
        SourcePictures(pictures),
        names=_class_names(sources),
        skipped=[*large, *skipped],
    )


def _label(sample: dict[str, SourceFile]) -> str:
    """Return the class of a picture; "" where none is given."""
    for ending in ("cls", "cls.txt"):
        if ending in sample:
            return sample[ending].read(4096).decode("utf-8", "replace").strip()[:100]
    if "json" not in sample:
        return ""
    try:
        fields = json.loads(sample["json"].read(MB))
    except (ValueError, RecursionError):
        return ""
    value = next((fields[name] for name in _LABEL_FIELDS if name in fields), "") if isinstance(fields, dict) else fields
    if isinstance(value, list | dict):
        raise DataError(
            f"{short(sample['json'].name)} gives its picture {len(value)} labels: a network here learns one class for "
            "each picture, so choose a data set of that kind."
        )
    return "" if value is None else str(value)[:100]


def _class_names(sources: Sequence[SourceFile]) -> list[str]:
    """Return the names in a file "classnames.txt", as some archives have it."""
    for source in sources:
        if short(source.name).lower() in ("classnames.txt", "classes.txt", "class_names.txt"):
            return [line.strip() for line in source.read(MB).decode("utf-8", "replace").splitlines() if line.strip()]
    return []
