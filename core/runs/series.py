"""Time series of a run, read in order: metrics of steps, events, and evidence from inside the network."""

import json

from sqlalchemy import select

from core.runs.database import Database
from core.runs.overview import METRIC_COLUMNS, Overview, overview
from core.runs.records import Event, Evidence, Metric
from core.runs.tables import EVENTS, EVIDENCE, METRICS

_EVIDENCE_COLUMNS = [column for column in EVIDENCE.c if column.name != "run_id"]


class Series:
    """Reads the time series of runs; every method raises `StorageError` if the database fails."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def metrics(self, run_id: str, after_step: int = 0) -> tuple[Metric, ...]:
        """Return the recorded steps that come after `after_step`, in order."""
        query = (
            select(*METRIC_COLUMNS)
            .where(METRICS.c.run_id == run_id, METRICS.c.step > after_step)
            .order_by(METRICS.c.step)
        )
        with self.database.reading() as connection:
            return tuple(Metric(*row) for row in connection.execute(query))

    def overview(self, run_id: str, points: int) -> Overview | None:
        """Return the steps of a long run in at most so many stretches; None where a run is short enough to read."""
        with self.database.reading() as connection:
            return overview(connection, run_id, points)

    def events(self, run_id: str) -> tuple[Event, ...]:
        """Return what people did to a run while it trained, in order."""
        query = select(EVENTS.c.step, EVENTS.c.kind, EVENTS.c.text).where(EVENTS.c.run_id == run_id)
        with self.database.reading() as connection:
            return tuple(Event(*row) for row in connection.execute(query.order_by(EVENTS.c.step, EVENTS.c.id)))

    def evidence(self, run_id: str, kind: str | None = None, after_step: int = -1) -> tuple[Evidence, ...]:
        """Return what was measured inside the network after `after_step`, of one kind or of all, by step."""
        query = select(*_EVIDENCE_COLUMNS).where(EVIDENCE.c.run_id == run_id, EVIDENCE.c.step > after_step)
        if kind is not None:
            query = query.where(EVIDENCE.c.kind == kind)
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(EVIDENCE.c.step, EVIDENCE.c.kind)).all()
        return tuple(Evidence(row.step, row.kind, row.layer, row.value, tuple(json.loads(row.bins))) for row in rows)

    def scores(self, run_id: str) -> dict[int, float]:
        """Return the validation accuracy after each epoch, by epoch."""
        query = select(METRICS.c.epoch, METRICS.c.valid_accuracy).where(
            METRICS.c.run_id == run_id, METRICS.c.valid_accuracy.is_not(None)
        )
        with self.database.reading() as connection:
            return {row.epoch: row.valid_accuracy for row in connection.execute(query.order_by(METRICS.c.epoch))}
