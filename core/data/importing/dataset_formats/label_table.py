"""Pictures in one folder with a table of labels beside it: CSV as on Kaggle, or FiftyOne's labels.json."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from core.data.arrangement import split_of
from core.data.importing.folder_layout import PICTURES, Survey
from core.data.importing.picture_archive import Skipped
from core.data.importing.picture_files import SourcePictures, described, labelled_pictures, members_of, within_limit
from core.data.importing.source_files import MB, SourceFile, short
from core.errors import DataError

KIND = "Pictures with a table of labels"
_LABELS = ("label", "labels", "class", "classes", "target", "category", "breed", "species", "diagnosis", "y")
_MOST_TABLES, _MOST_BYTES = 8, 64 * MB


def _pictures(sources: Sequence[SourceFile]) -> list[SourceFile]:
    return [source for source in sources if source.name.lower().endswith(PICTURES)]


def _tables(sources: Sequence[SourceFile]) -> list[SourceFile]:
    tables = [source for source in sources if source.name.lower().endswith((".csv", ".tsv", ".json"))]
    return tables[:_MOST_TABLES]


def _flat(pictures: Sequence[SourceFile]) -> bool:
    """Say whether folders tell no classes: there is one, or they are named after splits."""
    folders = {source.name.rpartition("/")[0].rpartition("/")[2] for source in pictures}
    return len({folder for folder in folders if not split_of(folder)}) <= 1 and len(folders) <= 3


def _stem(name: str) -> str:
    last = short(name)
    return (last.rpartition(".")[0] if last.lower().endswith(PICTURES) else last).lower()


def claims(sources: Sequence[SourceFile]) -> bool:
    """Say whether folders tell no classes and a table names at least half of the pictures."""
    pictures, tables = _pictures(sources), _tables(sources)
    if not pictures or not tables or not _flat(pictures):
        return False
    stems = {_stem(picture.name) for picture in pictures}
    return any(len(stems & _labels_in(table, stems)[0].keys()) * 2 >= len(stems) for table in tables)


def read(sources: Sequence[SourceFile]) -> Survey:
    """Read pictures with the labels that a table gives them by their names; others are left out, by name."""
    pictures, skipped = within_limit(_pictures(sources))
    stems = {_stem(picture.name) for picture in pictures}
    labels: dict[str, str] = {}
    used = []
    for table in _tables(sources):
        given, column = _labels_in(table, stems)
        if stems & given.keys():
            labels |= given
            used.append((table, column))
    values = np.array([labels.get(_stem(picture.name), "") for picture in pictures], np.str_)
    absent = sorted(labels.keys() - stems)
    return labelled_pictures(
        members_of(*described(pictures)),
        values,
        [split_of(picture.name.rpartition("/")[0].rpartition("/")[2]) for picture in pictures],
        SourcePictures(pictures),
        facts=[("Label table", short(used[0][0].name)), ("Label column", used[0][1])],
        skipped=[*skipped, *(Skipped(name, "named in the table and not there") for name in absent)],
    )


def _labels_in(table: SourceFile, stems: set[str]) -> tuple[dict[str, str], str]:
    """Return the label of each picture that a table names, by its stem, and the column; nothing if it is none."""
    if table.size is not None and table.size > _MOST_BYTES:
        return {}, ""
    try:
        text = table.read(_MOST_BYTES).decode("utf-8-sig", "replace")
    except DataError:
        return {}, ""  # damaged: as if it were not there
    if table.name.lower().endswith(".json"):
        return dict(_of_json(text)), "labels"
    return _of_csv(text, stems)


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    """Yield what FiftyOne writes, {"classes": […], "labels": {stem: place or name}}, or a plain {name: label}."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(content, Mapping):
        return
    classes = content.get("classes")
    labels = content.get("labels", content)
    for name, label in labels.items() if isinstance(labels, Mapping) else ():
        if isinstance(label, int) and isinstance(classes, list) and 0 <= label < len(classes):
            yield _stem(str(name)), str(classes[label])[:100]
        elif isinstance(label, str | int):
            yield _stem(str(name)), str(label)[:100]


def _of_csv(text: str, stems: set[str]) -> tuple[dict[str, str], str]:
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    except csv.Error:
        return {}, ""
    if len(rows) < 2 or len(rows[0]) < 2:
        return {}, ""
    width = len(rows[0])
    rows = [row for row in rows if len(row) == width]
    hits = [sum(_stem(row[place]) in stems for row in rows) for place in range(width)]
    names = int(np.argmax(hits))
    titles = [title.strip().lower() for title in rows[0]]
    headed = _stem(rows[0][names]) not in stems
    body = rows[1:] if headed else rows
    others = [place for place in range(width) if place != names]
    known = [place for place in others if headed and titles[place] in _LABELS]
    repeated = [place for place in others if 1 < len({row[place] for row in body}) <= max(2, len(body) // 2)]
    if not hits[names] or not (known or repeated):
        return {}, ""
    label = (known or repeated)[0]
    return {_stem(row[names]): row[label].strip()[:100] for row in body}, rows[0][label] if headed else str(label + 1)
