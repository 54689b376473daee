"""The run store: creates, lists, controls and deletes runs, and loads their weights."""

import json
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from core.data.dataset_info import DatasetInfo
from core.errors import RunError
from core.model.spec import ModelSpec
from core.runs.creation import Config, NewRun, create_run, describe_datasets
from core.runs.database import Database
from core.runs.deletion import delete_run, finish_deletions
from core.runs.files import RunFiles, checkpoint_name
from core.runs.lifecycle import REQUESTS, Trigger, refusal
from core.runs.lost_rows import ID, RUN_COLUMNS, Recovery
from core.runs.names import checked_name, checked_note
from core.runs.presence import Presence
from core.runs.records import FOREIGN, Metric, Run, Status
from core.runs.run_table import HAS_WORKER, QUEUE, RunTable
from core.runs.series import Series
from core.runs.tables import RUNS, read_run, readable_runs
from core.runs.worker_store import WorkerStore
from core.settings import absolute_url, settings

if TYPE_CHECKING:
    from torch import nn

    from core.runs.checkpoint import Checkpoint


class RunStore:
    """Runs as pages and commands use them.

    Args:
        url: SQLAlchemy URL of the database; by default that of the settings (SQLite in the data directory).
        folder: Directory of the checkpoints, or the fsspec URL of an object store; by default what the settings say.

    Both are made absolute: workers, which are started elsewhere, are handed them.

    Attributes:
        worker: The methods of workers and engines: claiming, recording, ending.
        series: Metrics, events and evidence.
        presence: Which workers there are.
        database: For further transactions on the same tables.
        files: The files of the runs.

    Raises:
        StorageError: The database or the directory cannot be opened or written; so does every method when they fail.
    """

    def __init__(self, url: str | None = None, folder: Path | str | None = None) -> None:
        self.files = RunFiles(folder)  # first: the database may lie beside them
        self._table = RunTable(absolute_url(url) if url else settings().database_url, self.files)
        self.worker = WorkerStore(self._table)
        self.series = Series(self._table.database)
        self.presence = Presence(self._table.database)
        self.files.watch(self.worker.has, self.worker.note_files)
        describe_datasets(self._table)
        finish_deletions(self._table)

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database."""
        return self._table.url

    @property
    def folder(self) -> Path:
        """Directory of the folders in which this machine writes the files of runs."""
        return self._table.folder

    @property
    def database(self) -> Database:
        """The database."""
        return self._table.database

    @property
    def on_server(self) -> bool:
        """Whether other machines can use it too: the database is that of a server, not a file."""
        return self.database.on_server

    @property
    def recovery(self) -> Recovery:
        """What the database knows of the folders beside it."""
        return self._table.recovery

    @property
    def incident(self) -> str:
        """What happened to the database while it was open, in one or two sentences; empty once that was read."""
        return self._table.incident

    def dismiss_incident(self) -> None:
        """Clear `incident` after it was read."""
        self._table.incident = ""

    def close(self) -> None:
        """Give the database connections back."""
        self.database.close()

    def create(
        self,
        spec: ModelSpec,
        config: Config,
        dataset: str,
        name: str | None = None,
        *,
        owner: str = "",
        first: "Checkpoint | None" = None,
        note: str = "",
        origin: str = "",
        info: DatasetInfo | None = None,
    ) -> str:
        """Record a new run in one transaction and return its id.

        Args:
            spec: The network.
            config: The settings of its training.
            dataset: Key of `core.data.DATASETS`.
            name: What to call it, 1 to 80 characters; by default after the network and the data set.
            owner: Who trains it at once; by default it is queued for any worker.
            first: The weights it begins with, see `core.train.initialization.first_checkpoint`; by default random ones.
            note: What people want to remember about it, up to 2,000 characters.
            origin: What made it where that was not a person, for instance "demo:digits".
            info: What is to be known of its data set, with the mean and deviation of the run that it goes on from; by
                default what the catalogue says.

        Raises:
            RunError: Name or note are too long.
        """
        return create_run(self._table, NewRun(spec, config, dataset, name, owner, note, origin, info), first)

    def copy(self, run_id: str, *, curves: bool = False) -> None:
        """Write a copy of the run's row, and of its curves if asked for, beside its weights; see `manifest`."""
        self._table.copy(run_id, curves=curves)

    def change(self, run_id: str, **values: Any) -> None:
        """Set columns of a run."""
        self._table.change(run_id, **values)

    def get(self, run_id: str) -> Run:
        """Return one run; raises `RunError` if there is none of this id."""
        row = None
        if _is_id(run_id):
            with self.database.reading() as connection:
                row = connection.execute(select(*RUN_COLUMNS).where(RUNS.c.id == run_id)).one_or_none()
        if row is None:
            raise RunError("There is no such run: it may have been deleted. Choose another one.")
        return read_run(row)

    def list(
        self,
        limit: int | None = None,
        *,
        status: Status | Collection[Status] | None = None,
        dataset: str | None = None,
        names: Collection[str] | None = None,
        origins: Collection[str] | None = None,
        ids: Collection[str] | None = None,
        learned: bool = False,
        containing: str = "",
    ) -> tuple[Run, ...]:
        """Return runs, newest first; damaged records are left out and do not count.

        Args:
            limit: At most so many; by default all.
            status: Only runs of this status, or of one of these.
            dataset: Only runs of this data set.
            names: Only runs of one of these names.
            origins: Only runs of one of these origins.
            ids: Only runs of one of these ids.
            learned: Only runs with steps behind them, here or in another program.
            containing: Only runs with these words in their name, their note or the key of their data set.
        """
        query = select(*RUN_COLUMNS).order_by(RUNS.c.number.desc(), RUNS.c.created.desc())
        if dataset is not None:
            query = query.where(RUNS.c.dataset == dataset)
        if status is not None:
            wanted = (status,) if isinstance(status, Status) else status
            query = query.where(RUNS.c.status.in_([each.value for each in wanted]))
        for column, values in ((RUNS.c.name, names), (RUNS.c.origin, origins), (RUNS.c.id, ids)):
            if values is not None:
                query = query.where(column.in_(values))
        if learned:
            query = query.where((RUNS.c.step > 0) | RUNS.c.origin.startswith(FOREIGN))
        for word in containing.split():
            columns = (RUNS.c.name, RUNS.c.note, RUNS.c.dataset)
            query = query.where(or_(*(column.icontains(word, autoescape=True) for column in columns)))
        with self.database.reading() as connection:
            rows = connection.execute(query.execution_options(yield_per=200))
            return tuple(islice(readable_runs(rows), limit))

    def before(self, run_id: str) -> tuple[Run, ...]:
        """Return the runs that come before a queued one: those that train, then those that will be claimed earlier.

        Damaged records are left out. Of a run that is not queued, none of the latter come before it.
        """
        training = select(*RUN_COLUMNS).where(HAS_WORKER).order_by(RUNS.c.number)
        with self.database.reading() as connection:
            queue = list(connection.execute(QUEUE).scalars())
            earlier = queue[: queue.index(run_id)] if run_id in queue else []
            first = tuple(readable_runs(connection.execute(training)))
            queued = readable_runs(connection.execute(select(*RUN_COLUMNS).where(RUNS.c.id.in_(earlier))))
            return (*first, *sorted(queued, key=lambda run: earlier.index(run.id)))

    def beside(self, run_id: str) -> tuple[float | None, ...]:
        """Return how long each run would still train alone, in seconds, that has turns beside this one; None: unknown.

        Runs that wait for something, in slow motion or for a request, take no time from others and are left out.
        """
        own = select(RUNS.c.owner).where(RUNS.c.id == run_id, HAS_WORKER).scalar_subquery()
        trains = (HAS_WORKER, RUNS.c.owner == own, RUNS.c.id != run_id, RUNS.c.wanted == "run", RUNS.c.pace == 0)
        with self.database.reading() as connection:
            rows = connection.execute(select(RUNS.c.step, RUNS.c.total_steps, RUNS.c.seconds).where(*trains)).all()
        return tuple((total - step) * seconds / step if step and total else None for step, total, seconds in rows)

    def metrics(self, run_id: str, after_step: int = 0) -> tuple[Metric, ...]:
        """Return the recorded steps that come after `after_step`, in order; the rest of a run's curves is `series`."""
        return self.series.metrics(run_id, after_step)

    def request(self, run_id: str, what: str) -> None:
        """Ask a run to "pause", "resume", "stop", do one "step", or the rest of an "epoch" and then pause.

        A queued run that is paused or stopped never reaches a worker. Resuming queues the run again. What each
        request changes in which state says `core.runs.lifecycle`.

        Raises:
            RunError: There is no such run, the word is none of the five, or the run is over.
        """
        if what not in REQUESTS:
            self.get(run_id)
            raise RunError(f"A run can pause, resume, stop, do a step or an epoch, not {what!r}.")
        self._move(run_id, Trigger(what))

    def _move(self, run_id: str, trigger: Trigger, **given: Any) -> None:
        """Do what a person asks for; raises `RunError` where the run is gone or its state forbids it."""
        if not (_is_id(run_id) and self._table.move(run_id, trigger, **given)):
            raise RunError(refusal(trigger, self.get(run_id).status))

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name, 1 to 80 characters."""
        self.get(run_id)
        self.change(run_id, name=checked_name(name))

    def annotate(self, run_id: str, note: str) -> None:
        """Keep what people write about a run, up to 2,000 characters."""
        self.get(run_id)
        self.change(run_id, note=checked_note(note))

    def edit(self, run_id: str, values: Mapping[str, Any]) -> None:
        """Change settings of a training while it trains; they hold from its next step on, or once it is resumed."""
        self._move(run_id, Trigger.EDIT, live=json.dumps({**self.get(run_id).live, **values}))

    def set_pace(self, run_id: str, batches_per_second: float) -> None:
        """Limit a run to so many batches per second, for slow motion; 0 is full speed."""
        if not 0 <= batches_per_second <= 1000:
            raise RunError("The pace is a number of batches per second from 0 (full speed) to 1,000.")
        self.get(run_id)
        self.change(run_id, pace=float(batches_per_second))

    def delete(self, run_id: str) -> None:
        """Remove a run with its metrics and checkpoints; raises `RunError` while a worker has it."""
        self.get(run_id)
        delete_run(self._table, run_id)

    def checkpoint(self, run_id: str, epoch: int | None = None) -> Path:
        """Return where to read the weights of a run: the latest, or those after an epoch (0: untrained).

        Nothing is at that path where there are none; raises `StorageError` where an object store cannot be read.
        """
        return self.file(run_id, checkpoint_name(epoch))

    def file(self, run_id: str, name: str) -> Path:
        """Return where to read any file of a run, as `checkpoint` does."""
        return self.files.path(_checked(run_id), name)

    def has_weights(self, run_id: str, epoch: int | None = None) -> bool:
        """Return whether weights are there, as far as is known; nothing is fetched."""
        return self.files.exists(_checked(run_id), checkpoint_name(epoch))

    def workspace(self, run_id: str) -> Path:
        """Return the folder in which this machine writes files of a run."""
        return self.folder / _checked(run_id)

    def epochs(self, run_id: str) -> tuple[int, ...]:
        """Return the epochs whose weights are kept, in order; 0 stands for the untrained network."""
        return self.files.epochs(_checked(run_id))

    def load_model(self, run_id: str, epoch: int | None = None) -> "nn.Sequential":
        """Return the network of a run in evaluation mode, on the CPU, in float32.

        Args:
            run_id: The run.
            epoch: Weights after this epoch; by default the latest ones.

        Raises:
            RunError: There is no such run, or it has no weights yet.
            StorageError: The checkpoint is damaged or does not fit the network.
        """
        from core.model.build import empty_model
        from core.runs.checkpoint import load_checkpoint

        run = self.get(run_id)
        path = self.checkpoint(run_id, epoch)
        if not path.exists():
            when = "yet" if epoch is None else f"of epoch {epoch}"
            raise RunError(f"This run has no weights {when}: let it train, or choose another epoch.")
        model = empty_model(run.spec)
        load_checkpoint(path).apply(model)
        return model.eval()


def _checked(run_id: str) -> str:
    """Return the id of a run; raises `RunError` where it can be none."""
    if not _is_id(run_id):
        raise RunError("There is no such run: it may have been deleted. Choose another one.")
    return run_id


def _is_id(run_id: object) -> bool:
    return isinstance(run_id, str) and bool(ID.fullmatch(run_id))
