"""Where things are kept, whatever folder a process starts in and whatever the environment lacks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ConvScopeError
from core.settings import _directory, absolute_environment, data_directory, settings

ROOT = Path(__file__).resolve().parents[1]


def test_relative_paths_mean_the_same_in_a_process_that_starts_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVSCOPE_HOME", "reldata")
    monkeypatch.setenv("CONVSCOPE_DATABASE_URL", "sqlite:///own.db")
    code = "import json; from core.settings import settings as s; print(json.dumps([str(s().home), s().database_url]))"
    surroundings = absolute_environment() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd="/", env=surroundings, capture_output=True, text=True)
    assert json.loads(done.stdout) == [str(tmp_path / "reldata"), f"sqlite:///{tmp_path / 'own.db'}"]


@pytest.mark.parametrize(
    "url",
    ["sqlite:////data/runs.db", "sqlite://", "sqlite:///:memory:", "postgresql://host/runs", "sqlite+pysqlite://"],
)
def test_urls_that_are_whole_stay_as_they_are(url, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_DATABASE_URL", url)
    assert settings().database_url == url


@pytest.mark.parametrize("home", ["~nobody-of-this-name/data", "~nobody-of-this-name"])
def test_a_home_of_nobody_is_one_sentence(home, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_HOME", home)
    with pytest.raises(ConvScopeError, match="set CONVSCOPE_HOME to the full path"):
        data_directory()


def test_a_user_without_home_and_name_gets_one_sentence(monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setenv("CONVSCOPE_HOME", "")
    monkeypatch.setattr("os.getuid", lambda: 54321)  # whom the system does not know
    _directory.cache_clear()
    with pytest.raises(ConvScopeError, match="set CONVSCOPE_HOME to the full path"):
        data_directory()
