"""What every test shares: its own data directory, and one thread so that results do not depend on the machine."""

import gc
import itertools
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from tests.postgres import Server

os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests that mostly wait, for a browser or for worker processes: each kind in one process, beside the others' computing.
WAITING = {
    "browser": "browser",
    "train/test_engine.py": "workers",
    "train/test_faults.py": "workers",
    "train/test_two_apps.py": "workers",
}
# Tests that share a PostgreSQL server, in one process.
_ON_SERVERS = {
    "runs": ("curves", "lifecycle", "outlines", "postgres", "requests", "store"),
    "train": ("server_faults", "standalone"),
}
SERVED = {f"{room}/test_{name}.py": "served" for room, names in _ON_SERVERS.items() for name in names}
LONGEST = "whole/test_whole.py"


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield new paths below a folder of this process: `mktemp` would list all that there are, for each test."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the test an empty data directory."""
    path = next(homes)
    path.mkdir()
    monkeypatch.setenv("CONVSCOPE_HOME", str(path))
    monkeypatch.delenv("CONVSCOPE_DATABASE_URL", raising=False)
    yield path


@pytest.fixture(scope="session")
def postgres() -> Iterator["Server"]:
    """A PostgreSQL server for all tests of this process."""
    from tests.postgres import running

    with running() as server:
        yield server


@pytest.fixture(scope="session")
def _schema(postgres: "Server", tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A schema in which the tables are already, and its URL."""
    from core.runs.store import RunStore
    from tests.postgres import new_schema

    name, url = new_schema(postgres)
    RunStore(url, tmp_path_factory.mktemp("runs")).close()
    return name, url


@pytest.fixture
def postgres_url(postgres: "Server", _schema: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Let `RunStore()` mean an empty store on the server; return its URL."""
    name, url = _schema
    postgres.execute(f"TRUNCATE {name}.runs, {name}.workers CASCADE")
    monkeypatch.setenv("CONVSCOPE_DATABASE_URL", url)
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """Run the test on SQLite and on PostgreSQL, with an empty store that `RunStore()` opens."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_url")
    return str(request.param)


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    """Let each test draw the same numbers from the global states, whichever tests came before it in its process."""
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.manual_seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    random.seed(0)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave out what was imported, which stays: it takes a third of a second to look at."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes test: three for the whole suite, two of which wait most of the time; else this one."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return 3 if whole and not config.option.collectonly else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that wait start first, and then the longest file: none runs alone at the end."""
    first = [*dict.fromkeys(WAITING.values()), LONGEST]
    place = {group: at for at, group in enumerate(first)}
    items.sort(key=lambda item: place.get(Together.group(item.nodeid), len(first)))


class Together(LoadScopeScheduling):
    """Keeps the tests of a file in one process, and those that wait in one for each kind."""

    @staticmethod
    def group(nodeid: str) -> str:
        path = nodeid.split("::")[0].removeprefix("tests/")
        return WAITING.get(path) or SERVED.get(path) or WAITING.get(path.split("/")[0], path)

    def _split_scope(self, nodeid: str) -> str:
        return self.group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    return Together(config, log)
