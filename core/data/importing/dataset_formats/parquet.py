"""Parquet tables of pictures, as Hugging Face keeps data sets: a column of picture files and one of labels."""

import json
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.data.importing.file_roles import role_of
from core.data.importing.folder_layout import Survey
from core.data.importing.labelled_images import MAX_IMAGES
from core.data.importing.parquet_pages import DICTIONARY, pages_of
from core.data.importing.picture_files import labelled_pictures, members_of
from core.data.importing.source_files import MAX_UNPACKED, MB, SourceFile, reading, short
from core.errors import DataError

KIND = "Parquet"
_MAGIC = b"PAR1"
_LABELS = ("fine_label", "label", "labels", "class", "target", "category", "digit", "character")
_IMAGES = ("image", "img", "picture", "jpg", "png")
_AT_ONCE = 256 * MB  # that a batch of rows may take


class _Table(NamedTuple):
    """A table: its file, the names of the two columns and of the classes, and how many rows are read at once."""

    source: SourceFile
    content: bytes
    image: str
    label: str
    names: tuple[str, ...]
    rows: int
    batch: int

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = pq.ParquetFile(pa.BufferReader(self.content))
        yield from file.iter_batches(self.batch, columns=list(columns))


def claims(sources: Sequence[SourceFile]) -> bool:
    """Say whether one of the files is a Parquet table."""
    return any(source.head.startswith(_MAGIC) for source in sources)


def read(sources: Sequence[SourceFile]) -> Survey:
    """Read pictures and labels; the split is what the names of the files say, as in "train-00000-of-00001.parquet"."""
    tables = [_table(source) for source in sorted(sources, key=lambda s: s.name) if source.head.startswith(_MAGIC)]
    if sum(table.rows for table in tables) > MAX_IMAGES:
        raise DataError(f"The tables hold more than {MAX_IMAGES:,} pictures: take some of the files.")
    names: list[str] = []
    sizes: list[int] = []
    checksums: list[int] = []
    splits: list[str] = []
    labels: list[Any] = []
    for table in tables:
        split = role_of(table.source.name).split
        for batch in _batches(table, [table.image, table.label]):
            files = _files(table, batch.column(0))
            first = len(names)
            sizes += [len(file) for file in files]
            checksums += [zlib.crc32(file) for file in files]
            names += [f"{short(table.source.name)} row {row + 1:,}" for row in range(first, first + len(files))]
            splits += [split] * len(files)
            labels += batch.column(1).to_pylist()
    said = [("Picture column", tables[0].image), ("Label column", tables[0].label)]
    return labelled_pictures(
        members_of(names, sizes, checksums),
        _values(labels),
        splits,
        _ParquetPictures(tables),
        names=tables[0].names,
        facts=said,
    )


class _ParquetPictures:
    """The pictures of tables."""

    def __init__(self, tables: Sequence[_Table]) -> None:
        self._tables = tables

    def content(self, place: int) -> bytes:
        for table in self._tables:
            if place < table.rows:
                for batch in _batches(table, [table.image]):
                    if place < batch.num_rows:
                        return bytes(_files(table, batch.column(0).slice(place, 1))[0])
                    place -= batch.num_rows
            place -= table.rows
        raise ValueError("no such row")

    def write(self, path: Path) -> None:
        with path.open("wb") as file:
            for table in self._tables:
                for batch in _batches(table, [table.image]):
                    file.write(b"".join(_files(table, batch.column(0))))


def _batches(table: _Table, columns: Sequence[str]) -> Iterator[Any]:
    import pyarrow as pa

    try:
        with reading(table.source.name):
            for batch in table.batches(columns):
                yield batch.select(list(columns))
    except pa.ArrowException as error:
        raise _damaged(table.source) from error


def _files(table: _Table, column: Any) -> list[memoryview]:
    """Return the picture files of some rows; empty ones where there is none."""
    import pyarrow as pa

    if pa.types.is_struct(column.type):
        paths = column.field("path") if column.type.get_field_index("path") >= 0 else None
        column = column.field("bytes")
        if column.null_count == len(column) and paths is not None and paths.null_count < len(paths):
            raise DataError(
                f"{short(table.source.name)} names its pictures by path and does not hold them: export it with the "
                "pictures inside, or bring their folder as a zip."
            )
    wide = pa.types.is_large_binary(column.type)
    _, offsets, data = column.buffers()
    begin = column.offset
    ends = np.frombuffer(offsets, np.int64 if wide else np.int32)[begin : begin + len(column) + 1].tolist()
    content = memoryview(data) if data is not None else memoryview(b"")
    return [content[first:last] for first, last in pairwise(ends)]


def _damaged(source: SourceFile) -> DataError:
    return DataError(f"{short(source.name)} is damaged or incomplete: fetch it again and choose that file.")


def _table(source: SourceFile) -> _Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = source.read()
    try:
        with reading(source.name):
            file = pq.ParquetFile(pa.BufferReader(content))
            schema, metadata = file.schema_arrow, file.metadata
            image, label, names = _columns(source, schema)
            dictionary = _check_pages(source, content, metadata, (image, label))
    except pa.ArrowException as error:
        raise _damaged(source) from error
    batch = min(1024, max(1, _AT_ONCE // max(1, dictionary)))
    return _Table(source, content, image, label, names, metadata.num_rows, batch)


def _check_pages(source: SourceFile, content: bytes, metadata: Any, columns: tuple[str, str]) -> int:
    """Raise `DataError` where pages unpack to too much; return the size of the largest dictionary."""
    total = dictionary = 0
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            if column.path_in_schema.partition(".")[0] not in columns:
                continue
            starts = [column.data_page_offset]
            if column.has_dictionary_page and column.dictionary_page_offset:
                starts.append(column.dictionary_page_offset)
            begin, length = min(starts), column.total_compressed_size
            if begin < 0 or length < 0 or begin + length > len(content):
                raise ValueError("a column outside of the file")
            for page in pages_of(memoryview(content)[begin : begin + length]):
                total += page.size
                dictionary = max(dictionary, page.size if page.kind == DICTIONARY else 0)
                if page.size > _AT_ONCE or total > MAX_UNPACKED:
                    raise DataError(
                        f"{short(source.name)} unpacks to more than {MAX_UNPACKED // MB:,} MB, or a page of it to more "
                        f"than {_AT_ONCE // MB:,} MB: take a smaller file."
                    )
    return dictionary


def _columns(source: SourceFile, schema: Any) -> tuple[str, str, tuple[str, ...]]:
    """Return the columns of pictures and of labels, and the names of the classes in the metadata of Hugging Face."""
    import pyarrow as pa

    features = _features(schema)
    images = [
        field.name
        for field in schema
        if pa.types.is_binary(field.type)
        or pa.types.is_large_binary(field.type)
        or (pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0)
    ]
    plain = [
        field.name
        for field in schema
        if pa.types.is_integer(field.type) or pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    classes = [name for name, feature in features.items() if feature.get("_type") == "ClassLabel" and name in plain]
    labels = [name for name in _LABELS if name in classes] or classes or [name for name in _LABELS if name in plain]
    if not images:
        raise DataError(f"{short(source.name)} has no column of pictures ({', '.join(schema.names[:8])}).")
    if not labels:
        several = [field.name for field in schema if field.name in _LABELS and pa.types.is_list(field.type)]
        raise DataError(
            f"{short(source.name)} gives its pictures several labels each: a network here learns one class for each "
            "picture, so choose a data set of that kind."
            if several
            else f"{short(source.name)} has no column of labels ({', '.join(schema.names[:8])})."
        )
    image = next((name for name in _IMAGES if name in images), images[0])
    names = features.get(labels[0], {}).get("names", ())
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        names = ()
    return image, labels[0], tuple(names)


def _features(schema: Any) -> dict[str, dict[str, Any]]:
    """Return what Hugging Face's metadata says of the columns; nothing where there is none or it is damaged."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: feature for name, feature in features.items() if isinstance(feature, dict)}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _values(labels: list[Any]) -> NDArray[np.generic]:
    if any(isinstance(label, str) for label in labels):
        return np.array(["" if label is None else str(label) for label in labels], np.str_)
    return np.array([-1 if label is None else label for label in labels], np.int64)
