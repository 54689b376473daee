"""The data set of a run in its archive: a description, and the images where they are few."""

import ast
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from core.data import user_datasets
from core.data.arrays import Arrays, read_stored
from core.data.catalog import DATASETS, known
from core.data.dataset_info import DatasetInfo
from core.data.importing.dataset_writer import publish, staging_folder
from core.errors import DataError, StorageError
from core.exchange import schema
from core.exchange.csv_tables import MAX_COUNT
from core.exchange.layout import DATA, DATASET, MB, PREDICTOR, refusal
from core.exchange.script_data import MAX_DATA_BYTES, images_file, packed_images, travels
from core.exchange.unpack import Archive
from core.leftovers import EXPORT, unfinished
from core.model.spec import ModelSpec
from core.runs.records import Run
from core.runs.store import RunStore
from core.runs.training_data import info_of

SPLITS, _PARTS = ("train", "valid", "test"), ("images", "labels")
OFFERED_IMAGES = "images.safetensors"  # in the folder of a run: images that came with it and are no data set here yet
_CLASSES = re.compile(r"^CLASSES = \(\n((?:    (?:'[^'\n]*'|\"[^\"\n]*\"),\n)+)\)$", re.M)
_FIELDS: dict[str, schema.Check] = {
    "title": schema.text(200, least=1),
    **dict.fromkeys(("summary", "source", "licence"), schema.text(1_000)),
    "split_sizes": schema.sizes(0, MAX_COUNT, 3),
    "class_names": schema.texts(100_000, 500),
    "centred": schema.flag,
    "mean": schema.numbers(3),
    "std": schema.numbers(3),
}


def dataset_parts(store: RunStore, run: Run) -> dict[str, Callable[[], str | bytes]]:
    """Return functions that make the files of an archive about the data set of a run, by file name."""
    parts: dict[str, Callable[[], str | bytes]] = {}
    if run.dataset_info is not None:
        parts[DATASET] = lambda: _described(run).to_json()
    if travels(run.dataset):
        limit = run.config.get("train_images", 0)
        parts[DATA] = lambda: _own_images(run) if user_datasets.is_own(run.dataset) else images_file(run.dataset, limit)
    elif store.files.exists(run.id, OFFERED_IMAGES):
        parts[DATA] = lambda: _pack(*_read_offered(store, run))
    return parts


def _described(run: Run) -> DatasetInfo:
    assert run.dataset_info is not None
    try:
        return info_of(run)
    except DataError:  # of a run that an earlier version trained, whose images are not here: without normalisation
        return run.dataset_info


def _own_images(run: Run) -> bytes:
    """Return all images of a user's data set, even if the run learned from a part of them."""
    arrays = read_stored(run.dataset)
    if arrays is None:
        raise DataError(f"The images of {DATASETS[run.dataset].title} are damaged.")
    return _pack(DATASETS[run.dataset], arrays)


def _pack(info: DatasetInfo, arrays: Arrays) -> bytes:
    import torch

    from core.data.datasets import from_arrays, split_order

    order = zip(SPLITS, split_order(info, arrays.labels), strict=True)
    places = {f"{split}_places": torch.from_numpy(places) for split, places in order}
    return packed_images(from_arrays(info, arrays), places)


def read_info(archive: Archive, dataset: str, spec: ModelSpec) -> DatasetInfo | None:
    """Return the checked description of the run's data set in an archive; None where there is none.

    Raises:
        ArchiveError: It says what cannot be, or does not fit the network.
    """
    here = DATASETS.get(dataset)
    if DATASET in archive.names:
        record = schema.record(schema.parse(archive.text(DATASET), DATASET), DATASET)
        values = schema.fields({name: record[name] for name in _FIELDS if name in record}, _FIELDS, DATASET)
    elif here is None and known(dataset) is None:
        values = _of_earlier_version(archive, dataset)
    else:
        return known(dataset)
    channels = spec.input_shape[0]
    scales = {len(values["mean"]), len(values["std"])}
    counts = {spec.num_classes} if DATASET in archive.names else {0, spec.num_classes}
    if len(values["class_names"]) not in counts or not scales <= {0, channels} or len(scales) > 1:
        raise refusal(f"The data set in {DATASET} does not fit the network of the run")
    if any(deviation <= 0 for deviation in values["std"]):
        raise refusal(f"The std in {DATASET} cannot be 0 or less")
    if here is not None and not here.own:
        return replace(here, mean=values["mean"], std=values["std"])
    own_set = user_datasets.is_own(dataset)
    return DatasetInfo(
        dataset, input_shape=spec.input_shape, own=own_set, official_test=own_set, official_valid=own_set, **values
    )


def _of_earlier_version(archive: Archive, dataset: str) -> dict[str, Any]:
    """Return the description from archives without `DATASET`: class names from one file, mean and std from another."""
    values = {"title": dataset, "summary": "", "source": "", "licence": "", "split_sizes": (0, 0, 0), "centred": False}
    listed = _CLASSES.search(archive.text(PREDICTOR)) if PREDICTOR in archive.names else None
    names = [ast.literal_eval(line.strip().rstrip(",")) for line in listed[1].splitlines()] if listed else []
    scale: dict[str, tuple[float, ...]] = {"mean": (), "std": ()}
    if DATA in archive.names:
        with unfinished(EXPORT) as folder:
            tensors = _tensors(archive, folder / DATA, ("mean", "std"))
        scale = {name: schema.numbers(3)(tensors[name].tolist()) for name in scale}
    return values | {"class_names": tuple(map(str, names))} | scale


def stage_images(archive: Archive, info: DatasetInfo, folder: Path) -> None:
    """Put the checked images of an archive into the folder of its run; do nothing where the data set is here already.

    Raises:
        ArchiveError: They are damaged, or not those of this data set.
    """
    if DATA not in archive.names or not info.own or not info.mean or user_datasets.listed(info.name):
        return
    names = [f"{split}_{part}" for split in SPLITS for part in _PARTS]
    places = [f"{split}_places" for split in SPLITS]
    tensors = _tensors(archive, folder / f"{OFFERED_IMAGES}.part", names, places)
    try:
        images, labels = (np.concatenate([tensors[f"{split}_{part}"] for split in SPLITS]) for part in _PARTS)
        order = np.concatenate([tensors[name] for name in places if name in tensors] or [labels])
    except ValueError as error:
        raise refusal(f"The images in {DATA} have different sizes") from error
    sizes = tuple(len(tensors[f"{split}_labels"]) for split in SPLITS)
    arrays = Arrays(images, labels)
    if not arrays.match(replace(info, split_sizes=_three(sizes))):
        raise refusal(f"The images in {DATA} are not those of the data set")
    if order.dtype == np.int64 and np.array_equal(np.sort(order), np.arange(len(labels))):
        back = np.argsort(order)
        arrays = Arrays(np.ascontiguousarray(images[back]), np.ascontiguousarray(labels[back]))
    save_file({"images": arrays.images, "labels": arrays.labels}, folder / OFFERED_IMAGES, {"sizes": repr(sizes)})


def _three(sizes: tuple[int, ...]) -> tuple[int, int, int]:
    train, valid, test = sizes
    return train, valid, test


def _tensors(
    archive: Archive, path: Path, names: "list[str] | tuple[str, ...]", more: "list[str] | tuple[str, ...]" = ()
) -> Mapping[str, NDArray[Any]]:
    """Return named arrays of the file of images, and optional ones where present; raises `ArchiveError`."""
    try:
        with path.open("wb") as file:
            archive.copy(DATA, file, 2 * MAX_DATA_BYTES + MB)
        with safe_open(path, framework="np") as tensors:
            there = set(tensors.keys())
            return {name: tensors.get_tensor(name) for name in (*names, *(set(more) & there))}
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise refusal(f"{DATA} is damaged") from error
    finally:
        path.unlink(missing_ok=True)


def _offered(store: RunStore, run: Run) -> Path:
    return store.file(run.id, OFFERED_IMAGES)


def offered_images(store: RunStore, run: Run) -> int:
    """Return how many images came with an imported run; 0 where its data set is here already or none came."""
    if user_datasets.listed(run.dataset) is not None:
        return 0
    if not store.files.exists(run.id, OFFERED_IMAGES):
        return 0
    try:
        with safe_open(_offered(store, run), framework="np") as tensors:
            return int(tensors.get_slice("labels").get_shape()[0])
    except (OSError, SafetensorError, StorageError):
        return 0


def _read_offered(store: RunStore, run: Run) -> tuple[DatasetInfo, Arrays]:
    try:
        with safe_open(_offered(store, run), framework="np") as tensors:
            sizes = ast.literal_eval((tensors.metadata() or {})["sizes"])
        arrays = Arrays(**load_file(_offered(store, run)))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, SyntaxError) as error:
        raise StorageError("The images of this run are damaged: import its archive again.") from error
    return replace(info_of(run), split_sizes=_three(sizes), class_names=run.class_names), arrays


def bring_in_images(store: RunStore, run: Run) -> str:
    """Make a user's data set of the images that came with a run; return its name, that of the run's record.

    Raises:
        DataError: No images came with it.
        StorageError: They are damaged, or the disk fails.
    """
    if not offered_images(store, run):
        raise DataError("No images came with this run, or its data set is here already.")
    info, _ = _read_offered(store, run)
    record = {
        "format": user_datasets.FORMAT,
        "title": user_datasets.clean_title(info.title),
        "class_names": info.class_names,
        "input_shape": info.input_shape,
        "split_sizes": info.split_sizes,
        "mean": info.mean,
        "std": info.std,
        "report": {},
    }
    with staging_folder() as folder:
        publish(Path(shutil.copyfile(_offered(store, run), folder / OFFERED_IMAGES)), run.dataset, record)
    with suppress(OSError, StorageError):  # they are a data set now
        store.files.remove(run.id, OFFERED_IMAGES)
    return run.dataset
