"""The tables behind the run store, and its connection: plain SQLAlchemy Core, the same on SQLite and Postgres."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import (
    DDL,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.schema import CreateColumn

from core.errors import StorageError

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(10), primary_key=True),
    Column("name", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("wanted", String(8), nullable=False, default="run"),
    Column("steps_wanted", Integer, nullable=False, default=0),
    Column("pace", Float(53), nullable=False, default=0.0, server_default="0"),
    Column("live", Text, nullable=False, default="{}", server_default="{}"),
    Column("note", Text, nullable=False, default="", server_default=""),
    Column("message", Text, nullable=False, default=""),
    Column("owner", Text, nullable=False, default=""),
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


def _tune_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def connect(url: str) -> Engine:
    """Open the database at `url`, make missing tables and columns; raises `StorageError` if that cannot be done."""
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _tune_sqlite)
    except (SQLAlchemyError, ImportError) as error:
        raise StorageError(f"CONVSCOPE_DATABASE_URL cannot be used: {error}") from error
    with failures_in_words():
        METADATA.create_all(engine)
        _add_missing_columns(engine)
    return engine


def _add_missing_columns(engine: Engine) -> None:
    """Bring a database of an earlier version up to date: every column that came later has a default in the database."""
    for table in METADATA.sorted_tables:
        present = {column["name"] for column in inspect(engine).get_columns(table.name)}
        for column in table.columns:
            if column.name in present:
                continue
            description = CreateColumn(column).compile(dialect=engine.dialect)
            with suppress(OperationalError, ProgrammingError), engine.begin() as connection:  # another process did it
                connection.execute(DDL(f"ALTER TABLE {table.name} ADD COLUMN {description}"))


@contextmanager
def failures_in_words() -> Iterator[None]:
    """Turn the database's complaints into one sentence."""
    try:
        yield
    except DBAPIError as error:
        cause = str(error.orig).strip().splitlines()[0]
        raise StorageError(
            f"The run database cannot be used ({cause}): check that its disk has room and may be written, "
            "then try again."
        ) from error


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Run a block as one transaction; raises `StorageError` if the database fails."""
    with failures_in_words(), engine.begin() as connection:
        yield connection
