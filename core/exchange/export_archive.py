"""Export of a whole run as one zip file."""

import platform
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from core.errors import ConvScopeError, StorageError
from core.exchange.backbone import backbone_file
from core.exchange.card import model_card
from core.exchange.dataset import dataset_parts
from core.exchange.layout import (
    BACKBONE_WEIGHTS,
    CARD,
    DATA,
    ONNX,
    PREDICTOR,
    README,
    SCRIPT,
    TENSORBOARD,
    weights_names,
)
from core.exchange.onnx import to_onnx
from core.exchange.predictor import to_predictor
from core.exchange.readme import readme
from core.exchange.run_record import RunRecord
from core.exchange.script import script_of
from core.exchange.tensorboard import write_tensorboard
from core.leftovers import EXPORT, unfinished
from core.model.layers import Backbone
from core.runs.checkpoint import load_checkpoint
from core.runs.records import Run, Status
from core.runs.store import RunStore

CATCH_UP_SECONDS = 2.0


def export_run(store: RunStore, run_id: str, file: IO[bytes]) -> None:
    """Write a run into an open file, as `import_run` reads it on any machine; the run may be training meanwhile.

    What cannot be made, for instance a damaged checkpoint or the network of a run without weights, is left out, and
    the archive's README says so.

    Raises:
        RunError: There is no such run.
        StorageError: The database or the disk fails.
    """
    created, missing = store.get(run_id).created, list[str]()
    try:
        with unfinished(EXPORT) as folder, zipfile.ZipFile(file, "w") as archive:
            step = 0
            for path, reached in _weights(store, run_id, folder, missing):
                _put(archive, created, f"weights/{path.name}", path)
                step = max(step, reached)
                path.unlink()
            run = _caught_up(store, run_id, step)
            for part, content in _parts(store, run, folder, missing):
                _put(archive, created, part, content)
            _put(archive, created, README, readme(run, archive.namelist(), missing))
    except OSError as error:
        raise StorageError(f"The archive cannot be written ({error}): make room on the disk and try again.") from error


def _weights(store: RunStore, run_id: str, folder: Path, missing: list[str]) -> Iterator[tuple[Path, int]]:
    """Yield copies of the checkpoints that are whole, each with the step it was made at."""
    for epoch, name in weights_names([None, *store.epochs(run_id)]).items():
        copy = folder / Path(name).name
        if not store.has_weights(run_id, epoch):
            continue
        try:
            source = store.checkpoint(run_id, epoch)
            shutil.copyfile(source, copy)  # the worker may put another file in its place at any time
            yield copy, int(load_checkpoint(copy).meta.get("step", 0))
        except (ConvScopeError, ValueError) as error:
            missing.append(f"{name}: {error}")


def _caught_up(store: RunStore, run_id: str, step: int) -> Run:
    """Return the run once its record has reached the step of its weights: a worker writes the record later."""
    until = time.monotonic() + CATCH_UP_SECONDS
    while (run := store.get(run_id)).step < step and run.status is Status.RUNNING and time.monotonic() < until:
        time.sleep(0.1)
    return run


def _parts(store: RunStore, run: Run, folder: Path, missing: list[str]) -> Iterator[tuple[str, str | bytes | Path]]:
    """Yield everything but the weights: the record first, then what can be made of it."""
    record = RunRecord.of(store, run)
    yield from record.texts(_versions()).items()
    makers: dict[str, Callable[[], str | bytes]] = {
        SCRIPT: lambda: script_of(store, run, record.events),
        ONNX: lambda: to_onnx(store, run.id),
        PREDICTOR: lambda: to_predictor(run),
        CARD: lambda: model_card(store, run),
    }
    if isinstance(first := run.spec.layers[0], Backbone):
        makers[BACKBONE_WEIGHTS] = lambda: backbone_file(first.network)
    makers |= dataset_parts(store, run)
    for name, make in makers.items():
        try:
            yield name, make()
        except ConvScopeError as error:
            missing.append(f"{name}: {error}")
    try:
        events = write_tensorboard(store, run, folder / TENSORBOARD)
    except ConvScopeError as error:
        missing.append(f"{TENSORBOARD}: {error}")
    else:
        yield TENSORBOARD + events.name, events


def _put(archive: zipfile.ZipFile, created: float, name: str, content: str | bytes | Path) -> None:
    """Add a file, dated like the run: the same run makes the same archive. Weights would not get smaller by packing."""
    info = zipfile.ZipInfo(name, datetime.fromtimestamp(max(created, 4e8), UTC).timetuple()[:6])
    loose = name == DATA or not name.endswith((".safetensors", ".onnx"))
    info.compress_type = zipfile.ZIP_DEFLATED if loose else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    if isinstance(content, Path):
        info.file_size = content.stat().st_size
        with content.open("rb") as source, archive.open(info, "w") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    else:
        archive.writestr(info, content)


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in ("torch", "numpy"):
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
