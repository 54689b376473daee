"""What every test shares: its own data directory, and one thread so that results do not depend on the machine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the test an empty data directory."""
    path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CONVSCOPE_HOME", str(path))
    monkeypatch.delenv("CONVSCOPE_DATABASE_URL", raising=False)
    yield path
