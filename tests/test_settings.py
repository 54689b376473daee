"""Where things are kept, whatever folder a process starts in and whatever the environment lacks."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from core.errors import ConvScopeError
from core.runs.store import RunStore
from core.settings import _directory, absolute_environment, data_directory, settings

ROOT = Path(__file__).resolve().parents[1]
ODD = "50 %20 & more?"  # a folder whose name means something else in a URL


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
    [
        "sqlite:////data/runs.db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://host/runs",
        "sqlite+pysqlite://",
        "sqlite:///file:///data/runs.db?uri=true",
        "sqlite:///file:runs?mode=memory&cache=shared&uri=true",
    ],
)
def test_urls_that_are_whole_stay_as_they_are(url, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_DATABASE_URL", url)
    assert settings().database_url == url


@pytest.mark.parametrize("url", ["sqlite:///own.db", "sqlite:///file:own.db?uri=true"])
def test_a_store_is_the_same_files_from_any_folder(url, tmp_path, monkeypatch):
    for name in (ODD, "else"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / ODD)
    store = RunStore(url, Path("weights"))
    store.close()
    monkeypatch.chdir(tmp_path / "else")
    for again in (RunStore(store.url, store.folder), store):
        again.list()
        again.close()
    assert store.folder == tmp_path / ODD / "weights"
    assert (tmp_path / ODD / "own.db").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == [ODD, "else"]
    assert not list((tmp_path / "else").iterdir())


def test_the_database_lies_in_the_data_directory_whatever_that_is_called(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path / ODD))
    RunStore().close()
    assert (tmp_path / ODD / "runs.db").is_file()


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


@pytest.mark.parametrize("name", ["CONVSCOPE_HOME", "CONVSCOPE_DATABASE_URL"])
def test_a_relative_path_in_a_folder_that_was_deleted_is_one_sentence(name, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setenv(name, "sqlite:///own.db" if name.endswith("URL") else "relative-and-gone")
    with pytest.raises(ConvScopeError, match=f"set {name} to the full path"):
        settings()


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("core.train", ["--epochs", "1"]),
        ("core.explain", ["{picture}", "--model", "0123456789", "--method", "saliency", "-o", "out.png"]),
        ("core.exchange", ["card", "0123456789", "card.md"]),
        ("core.exchange", ["images", "digits", "images.npz"]),
        ("core.demo", []),
    ],
)
@pytest.mark.parametrize(
    ("name", "value"),
    [("CONVSCOPE_HOME", "~nobody-of-this-name"), ("CONVSCOPE_ENGINE", "x"), ("CONVSCOPE_DATABASE_URL", "nonsense")],
)
def test_a_command_says_a_wrong_setting_in_one_sentence(module, words, name, value, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    picture = tmp_path / "picture.png"
    Image.new("L", (8, 8)).save(picture)
    main = importlib.import_module(f"{module}.__main__").main
    needs_no_database = name == "CONVSCOPE_DATABASE_URL" and "images" in words
    assert main([word.format(picture=picture) for word in words]) == (0 if needs_no_database else 1)
    said = capsys.readouterr().err.splitlines()
    assert [name in line for line in said] == ([] if needs_no_database else [True])
