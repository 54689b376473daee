"""How many runs may wait and how much of the disk may be taken: refused in a sentence, with nothing lost."""

import io
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from core.data.importing.importer import import_images
from core.download import Download, receive
from core.errors import RunError, StorageError
from core.model.presets import preset
from core.runs.creation import _check_queue
from core.runs.store import RunStore
from core.train.config import TrainConfig

SPEC = preset("lenet5", (1, 28, 28), 10)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path))
    return RunStore()


def test_a_full_queue_takes_no_further_run_but_one_that_is_trained_at_once(store, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_MAX_QUEUED", "2")
    first, _ = (store.create(SPEC, TrainConfig(), "mnist5k") for _ in range(2))
    with pytest.raises(RunError, match="2 runs wait already"):
        store.create(SPEC, TrainConfig(), "mnist5k")
    store.create(SPEC, TrainConfig(), "mnist5k", owner="me")
    store.delete(first)
    store.create(SPEC, TrainConfig(), "mnist5k")
    assert len(store.list()) == 3


def test_one_person_does_not_fill_the_queue(store, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_MAX_QUEUED_EACH", "1")
    store.change(store.create(SPEC, TrainConfig(), "mnist5k"), person="ada")
    with store.database.reading() as connection:
        _check_queue(connection, "ben")
        _check_queue(connection, "")  # nobody knows whose they are
        with pytest.raises(RunError, match="1 of your runs wait already"):
            _check_queue(connection, "ada")


def test_a_disk_that_holds_as_much_as_it_may_takes_no_run_data_set_or_download(store, tmp_path, monkeypatch):
    (tmp_path / "weights").write_bytes(bytes(3 * 2**20))
    monkeypatch.setenv("CONVSCOPE_MAX_DISK_MB", "2")
    words = "MB is the most here: delete some that nobody needs"
    with pytest.raises(StorageError, match=words):
        store.create(SPEC, TrainConfig(), "mnist5k")
    with pytest.raises(StorageError, match=words):
        import_images(pictures(), "Two", size=8)
    with ExitStack() as files, pytest.raises(StorageError, match=words):
        receive(Download(("http://127.0.0.1:9/none",), "", 10, "00"), files, lambda _: None, folder="data")
    assert not store.list()
    monkeypatch.setenv("CONVSCOPE_MAX_DISK_MB", "9")
    store.create(SPEC, TrainConfig(), "mnist5k")


def pictures() -> bytes:
    file, picture = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    with zipfile.ZipFile(file, "w") as archive:
        for place in range(12):
            archive.writestr(f"{'ab'[place % 2]}/{place}.png", picture.getvalue())
    return file.getvalue()
