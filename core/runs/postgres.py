"""What is particular to a PostgreSQL server: its connections, its error codes as sentences, the version of a store.

Nothing here imports the driver: errors are told by their codes, and where a connection fails, which has none, by words.
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import DBAPIError

from core.errors import StorageError

NAMES = ("postgresql", "postgres", "postgresql+psycopg")
DRIVER = "postgresql+psycopg"
NOT_INSTALLED = (
    "CONVSCOPE_DATABASE_URL names a PostgreSQL server, and its driver is not installed here: "
    "pip install -r requirements-server.txt."
)
MALFORMED = (
    "CONVSCOPE_DATABASE_URL cannot be read: it is postgresql+psycopg://user:password@host:5432/database, and special "
    "characters in user and password are written in percent notation, %40 for @."
)

# Of a connection: who silently lost it notices after about 15 seconds, not after the system's hours.
_CONNECTING = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
    "application_name": "convscope",
}
IDLE_SECONDS = 8.0  # in a transaction: less than others wait for it
_SETTING_UP = 0x436F6E7653  # key of the lock that is held while tables are made
_NUMBERING = _SETTING_UP + 1  # … while a run is added

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING = ("08", "25P03", "40", "55P03", "57P01", "57P02", "57P03", "53300")
_FULL, _READ_ONLY, _NO_TABLE, _NO_COLUMN, _NULL, _FORBIDDEN = "53100", "25006", "42P01", "42703", "23502", "42501"

_STORE = Table("store_version", MetaData(), Column("version", Integer, nullable=False))


def readable(url: URL) -> URL:
    """Return the URL with the driver that is used; raises `StorageError` where a part of it is misplaced."""
    if not re.fullmatch(r"[\w.:%/-]*", url.host or "") or not url.database:
        raise StorageError(MALFORMED)
    return url.set(drivername=DRIVER)


def connecting(url: URL) -> dict[str, Any]:
    """Return the parameters of each connection that the URL does not name."""
    return {name: value for name, value in _CONNECTING.items() if name not in url.query}


def place(url: URL) -> str:
    """Return which server it is, as "host:port"."""
    return f"{url.host or 'localhost'}:{url.port or 5432}"


def begin(connection: Connection, options: Mapping[str, Any]) -> None:
    """Begin a transaction that writes: it waits no longer than it may for others, who hold what it needs only so long.

    A machine that stands still in the middle of a transaction would hold its rows until somebody wakes or misses it.
    """
    if options.get("writing"):
        connection.exec_driver_sql(
            f"SET LOCAL lock_timeout = {max(1, options['wait'] * 1000):.0f}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000:.0f}"
        )


def alone(connection: Connection, *, setting_up: bool = False) -> None:
    """Wait until no other transaction adds a run, or sets the store up; holds until this transaction ends.

    SQLite needs no such lock: there a transaction that writes is alone.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_SETTING_UP if setting_up else _NUMBERING)))


def insert_missing(table: Table) -> Any:
    """Return the INSERT of rows of which those whose key is there already are left out."""
    from sqlalchemy.dialects.postgresql import insert as insert_here  # not for those who have no server

    return insert_here(table).on_conflict_do_nothing()


def version(connection: Connection) -> int:
    """Return the version of the store's tables, 0 where none was recorded."""
    if not inspect(connection).has_table(_STORE.name):
        return 0
    return connection.execute(select(func.coalesce(func.max(_STORE.c.version), 0))).scalar_one()


def record_version(connection: Connection, number: int) -> None:
    """Record the version of the store's tables."""
    _STORE.create(connection, checkfirst=True)
    if version(connection) < number or not connection.execute(select(_STORE.c.version)).first():
        connection.execute(insert(_STORE).values(version=number))


def passes(error: DBAPIError) -> bool:
    """Return whether an error may be over at the next try: a lost connection, a server that starts, a deadlock."""
    code = _code(error)
    return error.connection_invalidated or code.startswith(_PASSING) or (not code and _connection_words(error) == "")


def lost_tables(error: BaseException) -> bool:
    """Return whether an error says that a table is missing."""
    return getattr(error, "sqlstate", None) == _NO_TABLE


def in_words(error: DBAPIError, url: URL) -> str:
    """Return the sentence for an error: cause and remedy."""
    cause, code, server = cause_of(error), _code(error), place(url)
    if error.connection_invalidated or (not code and error.statement is None):
        return _connection_words(error, url) or (
            f"The database server at {server} does not answer ({cause}): check that it runs and can be reached from "
            "here, then try again."
        )
    if passes(error):
        return f"The run database at {server} is busy ({cause}): try again in a moment."
    if code == _FULL:
        return f"The run database cannot be written ({cause}): make room on the disk of {server}, then try again."
    if code in (_READ_ONLY, _FORBIDDEN):
        return (
            f"The run database may only be read ({cause}): allow the user of CONVSCOPE_DATABASE_URL to write to and "
            f"make tables in {url.database} at {server}, then try again."
        )
    if code == _NO_TABLE:
        return f"The run database lost its tables ({cause}): try again, and they are made anew."
    if code == _NULL:
        return f"The run database was made by a newer version of ConvScope ({cause}): update this one, then try again."
    return f"The run database at {server} cannot be used ({cause}): look into the log of that server, then try again."


def cause_of(error: DBAPIError) -> str:
    """Return what the server said, in one line, without what is around it."""
    line = str(error.orig).strip().splitlines()[0]
    return re.sub(r"^.*(FATAL|ERROR|failed):\s+", "", line).rstrip(".")


def _connection_words(error: DBAPIError, url: URL | None = None) -> str:
    """Return why the server refuses connections until somebody changes something; "" where it may pass by itself."""
    cause = cause_of(error)
    server, name, user = (place(url), url.database, url.username) if url else ("", "", "")
    if "password" in cause or "pg_hba" in cause or re.search(r"role .* (does not exist|is not permitted)", cause):
        return (
            f"The database server at {server} refuses user {user} ({cause}): check user and password in "
            "CONVSCOPE_DATABASE_URL."
        )
    if re.search(r"database .* does not exist", cause):
        return f"There is no database {name} on the server at {server}: make it with createdb {name}, then try again."
    if "permission denied" in cause:
        return (
            f"The database server at {server} refuses user {user} ({cause}): let the owner of {name} grant access, "
            "then try again."
        )
    return ""


def _code(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


class ServerText(TypeDecorator[str]):
    """Text as the server takes it: NUL characters, which it refuses, are shown as what cannot be shown, "\\ufffd"."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Return what is sent."""
        return value.replace("\x00", "\ufffd") if isinstance(value, str) else value
