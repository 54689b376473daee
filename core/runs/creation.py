"""Recording a new run: its row, and the weights that it begins with."""

import json
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, func, insert, select, update

from core.data.catalog import known
from core.data.dataset_info import DatasetInfo
from core.disk_quota import check_disk
from core.errors import RunError, StorageError
from core.model.layers import Backbone
from core.model.spec import ModelSpec
from core.runs import postgres
from core.runs.files import LATEST
from core.runs.lifecycle import INITIAL, INITIAL_WITH_OWNER
from core.runs.names import checked_name, checked_note, fitting_name
from core.runs.run_table import RunTable, end_of_queue
from core.runs.tables import RUNS, next_number
from core.runs.transactions import BusyError
from core.settings import settings

if TYPE_CHECKING:
    from core.runs.checkpoint import Checkpoint


class Config(Protocol):
    """The settings of a training, whichever they are."""

    def to_json(self) -> str:
        """Return them as text."""
        ...


@dataclass(frozen=True)
class NewRun:
    """What is known of a run before it begins: the arguments of `RunStore.create`."""

    spec: ModelSpec
    config: Config
    dataset: str
    name: str | None = None
    owner: str = ""
    note: str = ""
    origin: str = ""
    info: DatasetInfo | None = None

    def row(self, run_id: str) -> dict[str, Any]:
        """Return its row in the table of runs; raises `RunError` where name or note are too long."""
        now, info = time.time(), self.info or known(self.dataset)
        title = (info.short_title or info.title) if info else self.dataset
        given = self.name if self.name and self.name.strip() else ""
        return {
            "id": run_id,
            "name": checked_name(given) if given else fitting_name(f"{self.spec.name} on {title}"),
            "dataset": self.dataset,
            "dataset_info": info.to_json() if info else "",
            "spec": self.spec.to_json(),
            "config": self._settings(),
            "status": (INITIAL_WITH_OWNER if self.owner else INITIAL).value,
            "owner": self.owner,
            "note": checked_note(self.note),
            "origin": self.origin,
            "number": next_number(),
            "created": now,
            "queued": end_of_queue(now),
            "heartbeat": now if self.owner else 0.0,
        }

    def _settings(self) -> str:
        """Return the settings as text, with the pixel values that the network takes, if it is particular about them."""
        text, first = self.config.to_json(), next(iter(self.spec.layers), None)
        if not isinstance(first, Backbone):
            return text
        return json.dumps(json.loads(text) | {"inputs": first.pixel_values})


def _check_queue(connection: Connection, person: str) -> None:
    """Raise `RunError` where no further run of a person may wait; one that is trained at once waits for nobody."""
    limits = settings()
    waiting = select(func.count()).select_from(RUNS).where(RUNS.c.status == INITIAL.value)
    if connection.execute(waiting).scalar_one() >= limits.max_queued:
        raise RunError(
            f"{limits.max_queued:,} runs wait already, as many as may: stop some of them, or wait until some "
            "have trained."
        )
    if person and connection.execute(waiting.where(RUNS.c.person == person)).scalar_one() >= limits.max_queued_each:
        raise RunError(
            f"{limits.max_queued_each:,} of your runs wait already, as many as may: stop some of them, or wait until "
            "some have trained."
        )


def create_run(table: RunTable, new: NewRun, first: "Checkpoint | None") -> str:
    """Record a run in one transaction, with the weights it begins with if there are any, and return its id."""
    check_disk()
    run_id = uuid.uuid4().hex[:10]
    row = new.row(run_id)
    if first is not None:  # before any worker can see the run
        from core.runs.checkpoint import save_checkpoint

        save_checkpoint(table.folder / run_id / LATEST, first)
        table.files.publish(run_id)
    try:
        with table.database.writing() as connection:
            postgres.alone(connection)  # no two runs have the same number
            if not new.owner:
                _check_queue(connection, row.get("person", ""))
            connection.execute(insert(RUNS).values(row))
    except BaseException as error:
        unsure = table.database.on_server and isinstance(error, BusyError)  # the connection was lost: it may be there
        if first is not None and not unsure:
            with suppress(StorageError):
                table.files.remove(run_id)
        raise
    table.files.discard(run_id)
    with suppress(OSError):
        (table.folder / run_id).mkdir(exist_ok=True)
    table.copy(run_id)
    return run_id


def describe_datasets(table: RunTable) -> None:
    """Record what is known of the data sets of runs that an earlier version created."""
    missing = RUNS.c.dataset_info == ""
    with table.database.reading() as connection:
        names = connection.execute(select(RUNS.c.dataset).where(missing).distinct()).scalars().all()
    described = [(name, info) for name in names if (info := known(name))]
    if described:
        with table.database.writing() as connection:
            for name, info in described:
                connection.execute(
                    update(RUNS).where(missing, RUNS.c.dataset == name).values(dataset_info=info.to_json())
                )
