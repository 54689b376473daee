"""Tables of pixels (CSV), as on Kaggle: a row for each image, its label in the first or the last column."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.data.importing.array_sets import NamedArray, join
from core.data.importing.dataset_formats.emnist import CHARACTERS, character_names, is_emnist, orientation_fact
from core.data.importing.labelled_images import MAX_IMAGES, Block, LabelledImages, check_shape
from core.data.importing.picture_archive import Skipped
from core.data.importing.source_files import MAX_WHOLE, MB, SourceFile, exactly, reading, short
from core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

KIND = "Table of pixels"
_PEEK = 2**20
_LABELS = {"label", "labels", "class", "target", "y", "digit", "letter", "category"}
_LEAST_SIDE, _MOST_SIDE = 5, 256


class _Table(NamedTuple):
    separator: str
    names: tuple[str, ...]  # of the columns; numbers where the file has none
    header: bool
    label: int  # its column; -1 where there is none
    shape: tuple[int, int, int]
    fractions: bool


def _peek(source: SourceFile) -> _Table | None:
    """Return how a table is built, by its first rows; None where it is none of pixels."""
    if b"\0" in source.head or not source.head[:1].isascii():
        return None
    separator = max(",;\t", key=source.head.decode("latin-1").count)
    if source.head.count(separator.encode()) < 25:
        return None
    with reading(source.name), source.opener() as stream:
        lines = exactly(stream, _PEEK, short=True).decode("utf-8-sig", "replace").splitlines()
    rows = [[cell.strip().strip('"') for cell in line.split(separator)] for line in lines[:20]]
    first = rows[0]
    header = not all(cell.isdecimal() and int(cell) < 256 for cell in first[1:-1])
    body = rows[1:] if header else rows
    body = [row for row in body if len(row) == len(first)]
    shape = _shape(len(first) - 1)
    label = _label_column(first, body, header=header) if shape else -1
    if shape is None:
        shape = _shape(len(first))
    if shape is None or not body:
        return None
    names = tuple(first) if header and len(set(first)) == len(first) else tuple(map(str, range(len(first))))
    pixels = [cell for row in body for place, cell in enumerate(row) if place != label]
    return _Table(separator, names, header, label, shape, any("." in cell for cell in pixels))


def _shape(columns: int) -> tuple[int, int, int] | None:
    for channels in (1, 3):
        side = math.isqrt(columns // channels)
        if side * side * channels == columns and _LEAST_SIDE <= side <= _MOST_SIDE:
            return (channels, side, side)
    return None


def _label_column(first: list[str], body: list[list[str]], *, header: bool) -> int:
    """Return where the labels are: by their name, else first or last, whichever differs more from its neighbour."""
    last = len(first) - 1
    if header:
        for place in (0, last):
            if first[place].lower() in _LABELS:
                return place
    texts = [place for place in (0, last) if any(not row[place].replace(".", "").isdecimal() for row in body)]
    if len(texts) == 1:
        return texts[0]
    different = [len({row[place] for row in body}) for place in (0, last)]
    return last if different[1] > different[0] else 0


def claims(sources: Sequence[SourceFile]) -> bool:
    """Say whether one of the files is a table whose rows have as many columns as a square has pixels."""
    return any(_peek(source) is not None for source in sources)


def read(sources: Sequence[SourceFile]) -> LabelledImages:
    """Read such tables, one for each split where there are several."""
    arrays, skipped, places = [], list[Skipped](), set()
    for source in sources:
        table = _peek(source)
        if table is None:
            skipped.append(Skipped(source.name, "no table of pixels"))
        elif table.label < 0:
            skipped.append(Skipped(source.name, "a table without labels"))
        else:
            places.add("first" if table.label == 0 else "last")
            arrays.append(_array(source, table))
    if not arrays:
        raise DataError(
            "The table has as many columns as pixels and none for labels: choose the file with labels, too."
        )
    turned = is_emnist(sources)
    facts = [orientation_fact(turned), ("Label column", " and ".join(sorted(places)).capitalize())]
    return join(
        KIND, arrays, names=character_names(sources), facts=facts, skipped=skipped, transposed=turned, named=CHARACTERS
    )


def _array(source: SourceFile, table: _Table) -> NamedArray:
    images, labels = _parsed(source, table)
    return NamedArray(source.name, images.shape, lambda: iter([images]), lambda: labels)


def _parsed(source: SourceFile, table: _Table) -> tuple[Block, NDArray[np.generic]]:
    """Return all images and labels of a table, read in pieces."""
    import pyarrow as pa
    from pyarrow import csv

    pixel = pa.float32() if table.fractions else pa.uint8()
    types = {name: pa.string() if place == table.label else pixel for place, name in enumerate(table.names)}
    parts, labels, count = [], [], 0
    with reading(source.name), source.opener() as stream:
        try:
            batches = csv.open_csv(
                stream,
                csv.ReadOptions(
                    use_threads=False, block_size=8 * MB, skip_rows=int(table.header), column_names=table.names
                ),
                csv.ParseOptions(delimiter=table.separator),
                csv.ConvertOptions(column_types=types, strings_can_be_null=False),
            )
            for batch in batches:
                values = _values(batch, table)
                count += len(values)
                if count > MAX_IMAGES or count * values.shape[1] > MAX_WHOLE:
                    raise DataError(f"{short(source.name)} holds too many images: take a part of them.")
                parts.append(values)
                labels += batch.column(table.label).to_pylist()
        except pa.ArrowException as error:
            raise DataError(
                f"{short(source.name)} has rows of other lengths, or pixels that are no numbers from 0 to 255 "
                f"({' '.join(str(error).split())[:80]}): correct the table."
            ) from error
    check_shape(short(source.name), count, table.shape)
    images = np.concatenate(parts)
    if table.fractions:
        low, high = float(images.min()), float(images.max())
        if not 0 <= low <= high <= 255:
            raise DataError(
                f"{short(source.name)} has pixels from {low:g} to {high:g}: they are from 0 to 255, or 0 to 1."
            )
        images = (images * (255 if high <= 1 else 1)).round().astype(np.uint8)
    return images.reshape(count, *table.shape), _numbers(np.array(labels, np.str_))


def _values(batch: "pa.RecordBatch", table: _Table) -> NDArray[np.generic]:
    columns = [column for place, column in enumerate(batch.columns) if place != table.label]
    if any(column.null_count for column in columns):
        raise ValueError("a pixel is missing")
    values = np.empty((batch.num_rows, len(columns)), np.float32 if table.fractions else np.uint8)
    for place, column in enumerate(columns):
        values[:, place] = column.to_numpy()
    return values


def _numbers(texts: NDArray[np.str_]) -> NDArray[np.generic]:
    """Return labels as numbers where all are such, else as they are."""
    given = texts[texts != ""]
    try:
        numbers = given.astype(np.float64)
    except ValueError:
        return texts
    if not len(given) or (numbers != np.round(numbers)).any():
        return texts
    labels = np.full(len(texts), -1, np.int64)
    labels[texts != ""] = numbers.astype(np.int64)
    return labels
