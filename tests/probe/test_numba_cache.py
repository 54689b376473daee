"""Where numba keeps what it compiles for UMAP: in the data directory if it could not beside its packages."""

import os
from pathlib import Path

import pytest

from core.errors import StorageError
from core.probe.embedding import umap


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Let the packages lie where nothing can be written, and return the folders that were tried."""
    tried: list[Path] = []
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setattr(umap, "_writable", lambda folder: tried.append(folder) or folder.name != "__pycache__")
    return tried


def test_the_data_directory_holds_it_where_packages_cannot_be_written(home: Path, written: list[Path]) -> None:
    umap.place_numba_cache()
    assert os.environ["NUMBA_CACHE_DIR"] == str(home / "numba")
    assert written[0].parts[-2:] == ("umap", "__pycache__") and (home / "numba").is_dir()


def test_a_place_of_the_user_s_own_stays(home: Path, written: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/elsewhere")
    umap.place_numba_cache()
    assert os.environ["NUMBA_CACHE_DIR"] == "/elsewhere" and not written


def test_one_sentence_where_nothing_can_be_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setattr(umap, "_writable", lambda folder: False)
    with pytest.raises(StorageError, match=r"cannot be written .*: set CONVSCOPE_HOME to a folder"):
        umap.place_numba_cache()
    assert not os.environ["NUMBA_CACHE_DIR"]


def test_what_is_no_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert umap._writable(tmp_path / "new") and not umap._writable(tmp_path / "file")
