"""The database schema of the run store in SQLAlchemy Core, with its migrations; SQLite and Postgres."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Row,
    Table,
    Text,
    create_engine,
    func,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateColumn

from core.data.catalog import known
from core.data.dataset_info import DatasetInfo
from core.errors import SpecError, StorageError
from core.model.spec import ModelSpec
from core.runs import postgres
from core.runs.former_notes import ORIGINS
from core.runs.records import DIVERGED, DIVERGED_WORDS, Run, Status
from core.runs.transactions import failures_in_words, prepare, writing
from core.runs.transactions import transaction as transaction

VERSION = 0  # to be raised by a version whose store this one could not use, and written as SQLite's `user_version`

METADATA = MetaData()
WORDS = Text().with_variant(postgres.ServerText(), "postgresql")
NUMBER = Integer().with_variant(BigInteger(), "postgresql")  # SQLite's integers have 64 bits whatever they are called

RUNS = Table(
    "runs",
    METADATA,
    Column("id", WORDS, primary_key=True),
    Column("name", WORDS, nullable=False),
    Column("dataset", WORDS, nullable=False),
    Column("dataset_info", WORDS, nullable=False, default="", server_default=""),
    Column("spec", WORDS, nullable=False),
    Column("config", WORDS, nullable=False),
    Column("status", WORDS, nullable=False, index=True),
    Column("wanted", WORDS, nullable=False, default="run"),
    Column("steps_wanted", NUMBER, nullable=False, default=0),
    Column("pace", Float(53), nullable=False, default=0.0, server_default="0"),
    Column("live", WORDS, nullable=False, default="{}", server_default="{}"),
    Column("note", WORDS, nullable=False, default="", server_default=""),
    Column("message", WORDS, nullable=False, default=""),
    Column("origin", WORDS, nullable=False, default="", server_default="", index=True),
    Column("failure", WORDS, nullable=False, default="", server_default=""),
    Column("number", NUMBER, nullable=False, default=0, server_default="0", index=True),
    Column("owner", WORDS, nullable=False, default=""),
    Column("person", WORDS, nullable=False, default="", server_default=""),
    Column("created", Float(53), nullable=False, index=True),
    Column("queued", Float(53), nullable=False),
    Column("heartbeat", Float(53), nullable=False, default=0.0),
    Column("lapses", NUMBER, nullable=False, default=0, server_default="0"),
    Column("lapsed_at", NUMBER, nullable=False, default=-1, server_default="-1"),
    Column("prepared", NUMBER, nullable=False, default=0, server_default="0"),
    Column("to_prepare", NUMBER, nullable=False, default=0, server_default="0"),
    Column("epoch", NUMBER, nullable=False, default=0),
    Column("step", NUMBER, nullable=False, default=0),
    Column("total_steps", NUMBER, nullable=False, default=0),
    Column("steps_per_epoch", NUMBER, nullable=False, default=0),
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
    Column("run_id", WORDS, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("step", NUMBER, primary_key=True, autoincrement=False),
    Column("epoch", NUMBER, nullable=False),
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
    Column("id", NUMBER, primary_key=True),
    Column("run_id", WORDS, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("step", NUMBER, nullable=False),
    Column("kind", WORDS, nullable=False),
    Column("text", WORDS, nullable=False),
)

EVIDENCE = Table(
    "evidence",
    METADATA,
    Column("run_id", WORDS, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("step", NUMBER, primary_key=True, autoincrement=False),
    Column("kind", WORDS, primary_key=True),
    Column("layer", WORDS, primary_key=True),
    Column("value", Float(53), nullable=False),
    Column("bins", WORDS, nullable=False, default="[]"),
)

WORKERS = Table(
    "workers",
    METADATA,
    Column("owner", WORDS, primary_key=True),
    Column("machine", WORDS, nullable=False),
    Column("slots", NUMBER, nullable=False),
    Column("room", NUMBER, nullable=False),
    Column("seen", Float(53), nullable=False),
)


def engine_of(url: str) -> Engine:
    """Return the SQLAlchemy engine of a URL, unconnected; raises `StorageError` if the URL is invalid."""
    if url.partition(":")[0] in postgres.NAMES:
        return _server(url)
    if not url.startswith("sqlite"):  # what else it is may hold a password and is not told
        raise StorageError(
            "CONVSCOPE_DATABASE_URL cannot be used: it names neither a SQLite file (sqlite:///…) nor a PostgreSQL "
            "server (postgresql+psycopg://…)."
        )
    try:
        engine = create_engine(url)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise StorageError(f"CONVSCOPE_DATABASE_URL cannot be used: {error}") from error
    prepare(engine)
    return engine


def _server(url: str) -> Engine:
    """Return the engine of a PostgreSQL server; what cannot be read may hold a part of the password and is not told."""
    try:
        where = postgres.readable(make_url(url))
        engine = create_engine(where, pool_pre_ping=True, connect_args=postgres.connecting(where))
    except ImportError as error:
        raise StorageError(postgres.NOT_INSTALLED) from error
    except (SQLAlchemyError, ValueError):
        raise StorageError(postgres.MALFORMED) from None
    prepare(engine)
    return engine


def complete(engine: Engine) -> None:
    """Create missing tables, columns and indexes; raises `StorageError` if that fails."""
    with failures_in_words(engine):
        if _missing(engine):
            _complete(engine)


def _missing(engine: Engine | Connection) -> list[Column[Any] | Index]:
    """Return the columns and indexes that the database does not have, be it new or of an earlier version."""
    inspector, names = inspect(engine), [table.name for table in METADATA.sorted_tables]
    columns = _names(inspector.get_multi_columns(filter_names=names))
    indexes = _names(inspector.get_multi_indexes(filter_names=names))
    missing: list[Column[Any] | Index] = []
    for table in METADATA.sorted_tables:
        missing += [column for column in table.columns if column.name not in columns.get(table.name, ())]
        missing += [index for index in table.indexes if index.name not in indexes.get(table.name, ())]
    return missing


def _names(parts: Mapping[Any, Any]) -> dict[str, set[str]]:
    """Return the names of columns or indexes by table."""
    return {table: {part["name"] for part in found} for (_, table), found in parts.items()}


def _complete(engine: Engine) -> None:
    """Create what is missing and fill new columns; each has a default in the database."""
    with writing(engine) as connection:
        postgres.alone(connection, setting_up=True)  # of several processes that open a new store, one makes it
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
        if connection.dialect.name != "sqlite":
            postgres.record_version(connection, VERSION)


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
