"""Data sets of one's own: a folder for each in the data directory, read anew whenever one has changed."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.data.dataset_info import DatasetInfo
from core.data.stored_datasets import stored_datasets
from core.errors import ConvScopeError, DataError, StorageError
from core.leftovers import unfinished
from core.settings import cannot_write, files_directory

INFO, IMAGES = "info.json", "images.safetensors"
FORMAT = 1
MAX_TITLE = 60
_NAME = re.compile(r"own-[a-z0-9-]{1,60}")


@dataclass(frozen=True)
class Report:
    """What was noticed while a data set was brought in.

    Attributes:
        warnings: What may spoil a training with it, one sentence each.
        skipped: Files that were left out and why; at most the first few hundred.
        num_skipped: How many were left out.
        archive: The name of the file that it came from, if it had one.
        notes: What was done to some of the pictures as they were opened, one sentence each.
    """

    warnings: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    num_skipped: int = 0
    archive: str = ""
    notes: tuple[str, ...] = ()


def is_own(name: str) -> bool:
    """Say whether this can be the name of a data set of one's own."""
    return bool(_NAME.fullmatch(name))


def root() -> Path:
    """Return the folder that holds a folder for each of them."""
    return files_directory() / "data" / "own"


def images_path(name: str) -> Path:
    """Return the file with the images of one of them; one in an object store is fetched.

    Raises:
        OSError: An object store has none.
        StorageError: It fails.
    """
    return _path(name, IMAGES)


def has_images(name: str) -> bool:
    """Return whether the images of one of them are here, or in the object store."""
    stored = stored_datasets()
    return stored.has(name, IMAGES) if stored else (root() / name / IMAGES).is_file()


def images_mark(name: str) -> int:
    """Return a number that changes with the images of one of them; 0 where there are none."""
    if stored := stored_datasets():
        return stored.mark(name, IMAGES)
    try:
        return (root() / name / IMAGES).stat().st_mtime_ns
    except OSError:
        return 0


def _path(name: str, file: str) -> Path:
    stored = stored_datasets()
    return stored.path(name, file) if stored else root() / name / file


def names() -> tuple[str, ...]:
    """Return the names of those whose images are here, in the order of their titles; none where nothing can be read."""
    try:
        stored = stored_datasets()
        known = stored.names() if stored else [path.name for path in root().iterdir()]
        here = [name for name in known if listed(name)]
    except (OSError, ConvScopeError):
        return ()
    return tuple(sorted(here, key=lambda name: (_title(name).casefold(), name)))


def _title(name: str) -> str:
    info = remembered(name)
    return info.title if info else ""


def listed(name: str) -> DatasetInfo | None:
    """Return what is known of one whose images are here."""
    info = remembered(name)
    return info if info and has_images(name) else None


def remembered(name: str) -> DatasetInfo | None:
    """Return what is known of one, whether or not its images are still here."""
    record = _found(name)
    return record[0] if record else None


def report(name: str) -> Report:
    """Return what was noticed while it was brought in; nothing where it is not known."""
    record = _found(name)
    return record[1] if record else Report()


def _found(name: str) -> tuple[DatasetInfo, Report] | None:
    if not is_own(name):
        return None
    try:
        path = _path(name, INFO)
        return _read(name, path, path.stat().st_mtime_ns)
    except (OSError, StorageError):
        return None


@lru_cache(maxsize=256)
def _read(name: str, path: Path, stamp: int) -> tuple[DatasetInfo, Report] | None:
    text = path.read_text(encoding="utf-8")  # an OSError may pass: it leaves here, so that it is not kept
    try:
        return from_record(name, json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # damaged: as if it were not there


def from_record(name: str, record: Mapping[str, Any]) -> tuple[DatasetInfo, Report]:
    """Return what `INFO` says; raises ValueError, TypeError or KeyError where that is nothing."""
    if record["format"] != FORMAT:
        raise ValueError("written by another version")
    channels, height, width = map(int, record["input_shape"])
    sizes = tuple(map(int, record["split_sizes"]))
    classes = tuple(map(str, record["class_names"]))
    grey = "grey" if channels == 1 else "colour"
    train, valid, test = sizes
    info = DatasetInfo(
        name=name,
        title=str(record["title"])[:MAX_TITLE],
        summary=f"{train + valid + test:,} {grey} pictures of {len(classes)} classes, brought in here.",
        source="Your own pictures",
        licence="Yours to know",
        input_shape=(channels, height, width),
        class_names=classes,
        split_sizes=(train, valid, test),
        official_test=True,
        own=True,
        official_valid=True,
        mean=tuple(map(float, record["mean"])),
        std=tuple(map(float, record["std"])),
    )
    noticed = record.get("report", {})
    return info, Report(
        tuple(map(str, noticed.get("warnings", ()))),
        tuple((str(file), str(reason)) for file, reason in noticed.get("skipped", ())),
        int(noticed.get("num_skipped", 0)),
        str(noticed.get("archive", "")),
        tuple(map(str, noticed.get("notes", ()))),
    )


def clean_title(title: str) -> str:
    """Return a name for people, on one line; raises `DataError` if there is nothing to read in it."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in title).split())[:MAX_TITLE].strip()
    if not plain:
        raise DataError("The data set needs a name: type one.")
    return plain


def rename_dataset(name: str, title: str) -> None:
    """Give a data set of one's own another title; raises `DataError` if there is none or the title is empty."""
    with _of(name) as folder:
        record = json.loads(_path(name, INFO).read_text(encoding="utf-8")) | {"title": clean_title(title)}
        if stored := stored_datasets():
            root().mkdir(parents=True, exist_ok=True)
            with unfinished(".import-", root()) as aside:
                write_record(aside, record)
                stored.put(name, [aside / INFO])
        else:
            write_record(folder, record)


def delete_dataset(name: str, *, remember: bool) -> None:
    """Delete a data set of one's own; with `remember` its classes stay known, for the runs that learned from it."""
    with _of(name) as folder:
        if stored := stored_datasets():
            stored.remove(name, IMAGES, *(() if remember else (INFO,)))
            return
        if remember:
            (folder / IMAGES).unlink(missing_ok=True)
            return
        with unfinished(".gone-", root()) as aside:
            folder.rename(aside / name)  # at once for everybody who looks
            shutil.rmtree(aside / name)


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write `INFO` into a folder, whole or not at all."""
    with unfinished(".info-", folder) as aside:
        whole = aside / INFO
        whole.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
        whole.replace(folder / INFO)


@contextmanager
def _of(name: str) -> Iterator[Path]:
    if listed(name) is None:
        raise DataError(f"There is no data set of your own called {name!r}: it may have been deleted meanwhile.")
    try:
        yield root() / name
    except OSError as error:
        raise cannot_write(error) from error
