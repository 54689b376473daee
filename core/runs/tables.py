"""The tables behind the run store, and its connection: plain SQLAlchemy Core, the same on SQLite and Postgres."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
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
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

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


def _tune_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def connect(url: str) -> Engine:
    """Open the database at `url` and make missing tables; raises `StorageError` if that cannot be done."""
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _tune_sqlite)
    except (SQLAlchemyError, ImportError) as error:
        raise StorageError(f"CONVSCOPE_DATABASE_URL cannot be used: {error}") from error
    with failures_in_words():
        METADATA.create_all(engine)
    return engine


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
