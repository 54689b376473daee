"""The two kinds of databases that the run store works with."""

import itertools
from collections.abc import Iterator

import pytest

from core.runs.store import RunStore
from tests.postgres import Server, running

_NUMBERS = itertools.count()


def schema_url(server: Server) -> str:
    """Return the URL of a new schema, in which nothing is."""
    schema = f"test_{next(_NUMBERS)}"
    server.execute(f"CREATE SCHEMA {schema}")
    return f"{server.url()}?options=-csearch_path%3D{schema}"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for all tests of this process."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def _schema(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a schema in which the tables are already."""
    url = schema_url(server)
    RunStore(url, tmp_path_factory.mktemp("runs")).close()
    return url


@pytest.fixture
def postgres_url(server: Server, _schema: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let `RunStore()` mean an empty store on the server; return its URL."""
    server.execute("TRUNCATE test_0.runs CASCADE")
    monkeypatch.setenv("CONVSCOPE_DATABASE_URL", _schema)
    return _schema


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """Run the test on SQLite and on PostgreSQL, with an empty store that `RunStore()` opens."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_url")
    return str(request.param)
