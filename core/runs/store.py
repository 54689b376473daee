"""The run store: the one place where trainings are created, followed and asked to do things."""

import json
import shutil
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import ColumnElement, Engine, delete, insert, select, update

from core.data.catalog import known
from core.errors import RunError, StorageError
from core.model.spec import ModelSpec
from core.runs.lifecycle import answer, last_in_line
from core.runs.manifest import RUN as MANIFEST
from core.runs.manifest import write_curves, write_run
from core.runs.records import Run, Status
from core.runs.recovery import ID, RUN_COLUMNS, Recovery, database_name, in_words, recover
from core.runs.series import Series
from core.runs.tables import EVENTS, EVIDENCE, METRICS, RUNS, next_number, read_run, readable_runs, transaction
from core.runs.transactions import writing
from core.settings import absolute_url, settings

if TYPE_CHECKING:
    from torch import nn

    from core.runs.checkpoint import Checkpoint

_DELETED = ".deleted-"  # begins the name of a folder whose run is being deleted


class _Config(Protocol):
    def to_json(self) -> str: ...


class RunStore(Series):
    """Runs, their metrics and their checkpoints.

    Args:
        url: SQLAlchemy URL of the database; by default that of the settings (SQLite in the data directory).
        folder: Directory of the checkpoints; by default `runs` in the data directory.

    Both are made absolute: workers, which are started elsewhere, are handed them.

    Raises:
        StorageError: The database or the directory cannot be opened or written.
    """

    def __init__(self, url: str | None = None, folder: Path | None = None) -> None:
        # first: the database may lie beside it
        self.folder = folder.absolute() if folder else settings().folder("runs")
        self.recovery, self.incident = Recovery(0), ""
        super().__init__(absolute_url(url) if url else settings().database_url)
        self._describe_datasets()
        self._sweep()

    def create(
        self,
        spec: ModelSpec,
        config: _Config,
        dataset: str,
        name: str | None = None,
        *,
        owner: str = "",
        first: "Checkpoint | None" = None,
        note: str = "",
        origin: str = "",
    ) -> str:
        """Record a new run and return its id: queued, or already running if an `owner` trains it itself.

        `origin` says what made it where that was not a person, for instance "demo:digits".
        It begins with random weights, or else with those of `first`; see `core.train.initialization.first_checkpoint`.
        """
        run_id, now, info = uuid.uuid4().hex[:10], time.time(), known(dataset)
        if first is not None:  # before any worker can see the run
            from core.runs.checkpoint import save_checkpoint

            save_checkpoint(self.checkpoint(run_id), first)
        row = {
            "id": run_id,
            "name": ((name or "").strip() or f"{spec.name} on {info.title if info else dataset}")[:80],
            "dataset": dataset,
            "dataset_info": info.to_json() if info else "",
            "spec": spec.to_json(),
            "config": config.to_json(),
            "status": (Status.RUNNING if owner else Status.QUEUED).value,
            "owner": owner,
            "note": note.strip()[:2000],
            "origin": origin,
            "number": next_number(),
            "created": now,
            "queued": last_in_line(now),
            "heartbeat": now if owner else 0.0,
        }
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(RUNS).values(row))
        except BaseException:
            if first is not None:
                shutil.rmtree(self.folder / run_id, ignore_errors=True)
            raise
        with suppress(OSError):
            (self.folder / run_id).mkdir(exist_ok=True)
        self.keep(run_id)
        return run_id

    def _settle(self, engine: Engine, old: sqlite3.Connection | None, replaced: bool) -> None:
        with suppress(OSError):  # it may be gone with the database
            self.folder.mkdir(parents=True, exist_ok=True)
        self._name = database_name(engine, self.folder)
        self.recovery = recover(engine, self.folder, self._name, old)
        self.incident = in_words(engine, self.recovery, replaced=replaced) or self.incident

    def keep(self, run_id: str, *, curves: bool = False) -> None:
        """Write what the database says of a run beside its weights, by which it is found again without it."""
        folder = self.folder / run_id
        if folder.is_dir():
            with suppress(StorageError):  # it is but a copy
                write_run(self._engine, run_id, folder, self._name)
                if curves:
                    write_curves(self._engine, run_id, folder)

    def _change(self, run_id: str, values: Mapping[str, Any], *when: ColumnElement[bool], **expected: Any) -> int:
        changed = super()._change(run_id, values, *when, **expected)
        if changed:
            self.keep(run_id)
        return changed

    def claim(self, owner: str, room: int) -> str | None:
        """Turn the run that has queued longest into a running one, if fewer than `room` of this owner run."""
        run_id = super().claim(owner, room)
        if run_id is not None:
            self.keep(run_id)
        return run_id

    def _describe_datasets(self) -> None:
        """Record what is known of the data sets of runs that an earlier version created."""
        missing = RUNS.c.dataset_info == ""
        with transaction(self._engine) as connection:
            names = connection.execute(select(RUNS.c.dataset).where(missing).distinct()).scalars().all()
        described = [(name, info) for name in names if (info := known(name))]
        if described:
            with writing(self._engine) as connection:
                for name, info in described:
                    connection.execute(
                        update(RUNS).where(missing, RUNS.c.dataset == name).values(dataset_info=info.to_json())
                    )

    def get(self, run_id: str) -> Run:
        """Return one run; raises `RunError` if there is none of this id."""
        row = None
        if isinstance(run_id, str) and ID.fullmatch(run_id):
            with transaction(self._engine) as connection:
                row = connection.execute(select(*RUN_COLUMNS).where(RUNS.c.id == run_id)).one_or_none()
        if row is None:
            raise RunError("There is no such run: it may have been deleted. Choose another one.")
        return read_run(row)

    def list(
        self,
        limit: int | None = None,
        *,
        status: Status | None = None,
        dataset: str | None = None,
        name: str | None = None,
        origins: Sequence[str] | None = None,
        trained: bool = False,
    ) -> tuple[Run, ...]:
        """Return runs, newest first; damaged records are left out and do not count.

        Args:
            limit: At most so many; by default all.
            status, dataset, name: Only runs of this status, of this data set, of this name.
            origins: Only runs of one of these origins.
            trained: Only runs with steps behind them.
        """
        query = select(*RUN_COLUMNS).order_by(RUNS.c.number.desc(), RUNS.c.created.desc())
        wanted = {"status": status, "dataset": dataset, "name": name}
        query = query.filter_by(**{column: str(value) for column, value in wanted.items() if value is not None})
        if origins is not None:
            query = query.where(RUNS.c.origin.in_(origins))
        if trained:
            query = query.where(RUNS.c.step > 0)
        with transaction(self._engine) as connection:
            rows = connection.execute(query.execution_options(yield_per=200))
            return tuple(islice(readable_runs(rows), limit))

    def request(self, run_id: str, what: str) -> None:
        """Ask a run to "pause", "resume", "stop", do one "step", or the rest of an "epoch" and then pause.

        A queued run that is paused or stopped never reaches a worker. Resuming queues the run again.

        Raises:
            RunError: There is no such run, the word is none of the five, or the run is over.
        """
        self.change(run_id, **answer(self.get(run_id), what))

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name, 1 to 80 characters."""
        if not name.strip() or len(name) > 80:
            raise RunError("A run's name has 1 to 80 characters.")
        self.get(run_id)
        self.change(run_id, name=name.strip())

    def annotate(self, run_id: str, note: str) -> None:
        """Keep what people write about a run, up to 2,000 characters."""
        if len(note) > 2000:
            raise RunError("A note has at most 2,000 characters: shorten it.")
        self.get(run_id)
        self.change(run_id, note=note.strip())

    def edit(self, run_id: str, values: Mapping[str, Any]) -> None:
        """Change settings of a training while it trains; they hold from its next step on, or once it is resumed."""
        run = self.get(run_id)
        if not run.status.active and not run.status.resumable:
            raise RunError(f"This run is {run.status}: its settings cannot be changed any more.")
        self.change(run_id, live=json.dumps({**run.live, **values}))

    def set_pace(self, run_id: str, batches_per_second: float) -> None:
        """Hold a run to so many batches per second, for slow motion; 0 is full speed."""
        if not 0 <= batches_per_second <= 1000:
            raise RunError("The pace is a number of batches per second from 0 (full speed) to 1,000.")
        self.get(run_id)
        self.change(run_id, pace=float(batches_per_second))

    def delete(self, run_id: str) -> None:
        """Remove a run with its metrics and checkpoints; raises `RunError` while a worker has it."""
        self.get(run_id)
        folder, gone = self.folder / run_id, self.folder / f"{_DELETED}{run_id}"
        try:
            with writing(self._engine) as connection:  # no worker can claim it meanwhile
                over = connection.execute(
                    delete(RUNS).where(RUNS.c.id == run_id, RUNS.c.status != Status.RUNNING.value)
                )
                if not over.rowcount:
                    raise RunError("This run is training: stop it before you delete it.")
                for table in (METRICS, EVENTS, EVIDENCE):
                    connection.execute(delete(table).where(table.c.run_id == run_id))
                with suppress(OSError):  # it has no weights yet, or Windows: a file of it is open
                    folder.rename(gone)
                with suppress(OSError):  # what stays of it must not bring it back
                    (folder / MANIFEST).unlink(missing_ok=True)
        except BaseException:
            if gone.exists():
                gone.rename(folder)
            self.keep(run_id)
            raise
        for left in (folder, gone):
            shutil.rmtree(left, ignore_errors=True)

    def _sweep(self) -> None:
        """Bring deletions to an end that were cut short: weights go if their run is gone, else they come back."""
        if not any(self.folder.glob(f"{_DELETED}*")):
            return
        with writing(self._engine) as connection:  # no other process deletes meanwhile
            for left in self.folder.glob(f"{_DELETED}*"):
                run_id = left.name.removeprefix(_DELETED)
                if connection.execute(select(RUNS.c.id).where(RUNS.c.id == run_id)).one_or_none() is None:
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    with suppress(OSError):
                        left.rename(self.folder / run_id)

    def checkpoint(self, run_id: str, epoch: int | None = None) -> Path:
        """Return where the weights of a run are, or will be: the latest, or those after an epoch (0: untrained)."""
        if not ID.fullmatch(run_id):
            raise RunError("There is no such run: it may have been deleted. Choose another one.")
        name = "latest" if epoch is None else f"epoch-{epoch:04d}"
        return self.folder / run_id / f"{name}.safetensors"

    def epochs(self, run_id: str) -> tuple[int, ...]:
        """Return the epochs whose weights are kept, in order; 0 stands for the untrained network."""
        paths = self.checkpoint(run_id).parent.glob("epoch-*.safetensors")
        return tuple(sorted(int(path.stem.removeprefix("epoch-")) for path in paths))

    def load_model(self, run_id: str, epoch: int | None = None) -> "nn.Sequential":
        """Return the network of a run in evaluation mode, on the CPU, in float32.

        Args:
            run_id: The run.
            epoch: Weights after this epoch; by default the latest ones.

        Raises:
            RunError: There is no such run, or it has no weights yet.
            StorageError: The checkpoint is damaged or does not fit the network.
        """
        from core.model.build import build_model
        from core.runs.checkpoint import load_checkpoint

        run = self.get(run_id)
        path = self.checkpoint(run_id, epoch)
        if not path.exists():
            when = "yet" if epoch is None else f"of epoch {epoch}"
            raise RunError(f"This run has no weights {when}: let it train, or choose another epoch.")
        model = build_model(run.spec)
        load_checkpoint(path).apply(model)
        return model.eval()
