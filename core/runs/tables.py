"""The database schema of the run store in SQLAlchemy Core, with its migrations; SQLite and Postgres."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    DDL,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    create_engine,
    func,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.schema import CreateColumn

from core.data.catalog import known
from core.data.dataset_info import DatasetInfo
from core.errors import SpecError, StorageError
from core.model.spec import ModelSpec
from core.runs.former_notes import ORIGINS
from core.runs.records import DIVERGED, DIVERGED_WORDS, Run, Status
from core.runs.transactions import failures_in_words, prepare_sqlite, writing
from core.runs.transactions import transaction as transaction

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(10), primary_key=True),
    Column("name", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("dataset_info", Text, nullable=False, default="", server_default=""),
    Column("spec", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("wanted", String(8), nullable=False, default="run"),
    Column("steps_wanted", Integer, nullable=False, default=0),
    Column("pace", Float(53), nullable=False, default=0.0, server_default="0"),
    Column("live", Text, nullable=False, default="{}", server_default="{}"),
    Column("note", Text, nullable=False, default="", server_default=""),
    Column("message", Text, nullable=False, default=""),
    Column("origin", String(80), nullable=False, default="", server_default="", index=True),
    Column("failure", String(32), nullable=False, default="", server_default=""),
    Column("number", Integer, nullable=False, default=0, server_default="0", index=True),
    Column("owner", Text, nullable=False, default=""),
    Column("person", String(80), nullable=False, default="", server_default=""),
    Column("created", Float(53), nullable=False, index=True),
    Column("queued", Float(53), nullable=False),
    Column("heartbeat", Float(53), nullable=False, default=0.0),
    Column("epoch", Integer, nullable=False, default=0),
    Column("step", Integer, nullable=False, default=0),
    Column("total_steps", Integer, nullable=False, default=0),
    Column("steps_per_epoch", Integer, nullable=False, default=0),
    Column("seconds", Float(53), nullable=False, default=0.0),
    Column("images_per_second", Float(53), nullable=False, default=0.0),
    *(
        Column(f"{split}_{measure}", Float(53))
        for split in ("train", "valid", "test")
        for measure in ("loss", "accuracy")
    ),
)

METRICS = Table(
    "metrics",
    METADATA,
    Column("run_id", String(10), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("lr", Float(53), nullable=False),
    Column("seconds", Float(53), nullable=False),
    Column("train_loss", Float(53), nullable=False),
    Column("train_accuracy", Float(53), nullable=False),
    Column("valid_loss", Float(53)),
    Column("valid_accuracy", Float(53)),
)

# The rows that end an epoch are few among the steps.
_VALIDATED = METRICS.c.valid_accuracy.is_not(None)
Index(
    "metrics_validated",
    METRICS.c.run_id,
    METRICS.c.epoch,
    METRICS.c.valid_accuracy,
    sqlite_where=_VALIDATED,
    postgresql_where=_VALIDATED,
)

EVENTS = Table(
    "events",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run_id", String(10), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("step", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
)

EVIDENCE = Table(
    "evidence",
    METADATA,
    Column("run_id", String(10), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("layer", String(80), primary_key=True),
    Column("value", Float(53), nullable=False),
    Column("bins", Text, nullable=False, default="[]"),
)


def engine_of(url: str) -> Engine:
    """Return the SQLAlchemy engine of a URL, unconnected; raises `StorageError` if the URL is invalid."""
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if engine.dialect.name == "sqlite":
            prepare_sqlite(engine)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise StorageError(f"CONVSCOPE_DATABASE_URL cannot be used: {error}") from error
    return engine


def complete(engine: Engine) -> None:
    """Create missing tables, columns and indexes; raises `StorageError` if that fails."""
    with failures_in_words(engine):
        if _missing(engine):
            _complete(engine)


def _missing(engine: Engine | Connection) -> list[Column[Any] | Index]:
    """Return the columns and indexes that the database does not have, be it new or of an earlier version."""
    inspector = inspect(engine)
    missing: list[Column[Any] | Index] = []
    for table in METADATA.sorted_tables:
        exists = inspector.has_table(table.name)
        columns = {column["name"] for column in inspector.get_columns(table.name)} if exists else set()
        indexes = {index["name"] for index in inspector.get_indexes(table.name)} if exists else set()
        missing += [column for column in table.columns if column.name not in columns]
        missing += [index for index in table.indexes if index.name not in indexes]
    return missing


def _complete(engine: Engine) -> None:
    """Create what is missing and fill new columns; each has a default in the database."""
    try:
        with writing(engine) as connection:  # of several processes that open a new database, one makes the tables
            METADATA.create_all(connection)
            parts = _missing(connection)
            for part in parts:
                if isinstance(part, Index):
                    part.create(connection)
                else:
                    description = CreateColumn(part).compile(dialect=engine.dialect)
                    connection.execute(DDL(f"ALTER TABLE {part.table.name} ADD COLUMN {description}"))
            if any(part is RUNS.c.number for part in parts):
                _number(connection)
            if any(part is RUNS.c.failure for part in parts):
                _name_failures(connection)
            if any(part is RUNS.c.origin for part in parts):
                _name_origins(connection)
    except StorageError as error:
        if not isinstance(error.__cause__, ProgrammingError | IntegrityError) or _missing(engine):
            raise  # but not where a server without such a lock let another process be faster


def _number(connection: Connection) -> None:
    """Number the runs of an earlier version in the order of their rows; servers that have none go by the clock."""
    order = text("rowid") if connection.dialect.name == "sqlite" else RUNS.c.created
    ids = connection.execute(select(RUNS.c.id).order_by(order, RUNS.c.id)).scalars().all()
    for number, run_id in enumerate(ids, 1):
        connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(number=number))


def _name_failures(connection: Connection) -> None:
    """Set the failure codes of runs of an earlier version, which were stored only in the text of the message."""
    diverged = RUNS.c.message.contains(DIVERGED_WORDS)
    connection.execute(update(RUNS).where(RUNS.c.status == "failed", diverged).values(failure=DIVERGED))


def _name_origins(connection: Connection) -> None:
    """Set the origins of runs of an earlier version, which were stored only in the text of the note."""
    for note, origin in ORIGINS.items():
        connection.execute(update(RUNS).where(RUNS.c.note == note).values(origin=origin))


def next_number() -> Any:
    """Return a subquery of the next run number; it orders runs even if the clock was set back."""
    return select(func.coalesce(func.max(RUNS.c.number), 0) + 1).scalar_subquery()


_PARSED = ("spec", "config", "live", "status", "dataset_info")


@lru_cache(maxsize=1024)
def _spec(text: str) -> ModelSpec:
    return ModelSpec.from_json(text)


@lru_cache(maxsize=1024)
def _info(text: str) -> DatasetInfo | None:
    try:
        return DatasetInfo.from_json(text) if text else None
    except (ValueError, TypeError):  # damaged: as if nothing had been recorded
        return None


def read_run(row: Row[Any]) -> Run:
    """Return the run that a row records; raises `StorageError` if the row is damaged."""
    values = row._asdict()
    try:
        return Run(
            **{name: value for name, value in values.items() if name not in _PARSED},
            spec=_spec(values["spec"]),
            config=json.loads(values["config"]),
            live=json.loads(values["live"]),
            status=Status(values["status"]),
            dataset_info=_info(values["dataset_info"]) or known(values["dataset"]),
        )
    except (ValueError, SpecError) as error:
        raise StorageError(f"The record of run {values['id']} is damaged: choose another run.") from error


def readable_runs(rows: Iterable[Row[Any]]) -> Iterator[Run]:
    """Yield the runs whose record can be read: a damaged one must not hide the others."""
    for row in rows:
        with suppress(StorageError):
            yield read_run(row)
