"""Files of runs in an object store: written on one machine, read on another, over a wire that breaks."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import save_file

from core.data import user_datasets
from core.data.catalog import DATASETS
from core.data.importing.dataset_writer import publish, staging_folder
from core.errors import ConvScopeError, StorageError
from core.file_cache import USED_SECONDS, FileCache
from core.inference.stamped import load_stamped
from core.model.build import build_model
from core.model.presets import preset
from core.object_store import Fault, ObjectStore, ObjectStoreError, _file_system, object_store
from core.runs import uploads
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.housekeeping import tidy
from core.runs.ownership import new_owner
from core.runs.records import Status
from core.runs.store import RunStore
from core.runs.uploads import TROUBLE
from core.train.config import TrainConfig
from core.train.runner import Runner
from tests.object_store import KEY, SECRET, Wire, serving

# Looked for only: each process that collects the tests would import it.
pytestmark = pytest.mark.skipif(find_spec("s3fs") is None, reason="s3fs is not installed")
SPEC = preset("tutorial", (1, 8, 8), 10)
CONFIG = TrainConfig(epochs=2, train_images=128, batch_size=32)
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Place:
    """A bucket behind a wire, and what chooses a machine."""

    wire: Wire
    folder: Path
    homes: Path
    monkeypatch: pytest.MonkeyPatch

    @property
    def url(self) -> str:
        return f"s3://bucket/{self.homes.name}?endpoint_url=http://127.0.0.1:{self.wire.port}"

    def machine(self, name: str) -> RunStore:
        """Return the store as another machine opens it: with a data directory of its own, knowing nothing yet."""
        object_store.cache_clear()
        self.monkeypatch.setenv("CONVSCOPE_HOME", str(self.homes / name))
        return RunStore()

    def stored(self, run: str) -> set[str]:
        """Return the names of a run's files in the bucket."""
        return {path.name for path in (self.folder / "bucket" / self.homes.name / "runs" / run).glob("*")}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, Path]]:
    folder = tmp_path_factory.mktemp("s3")
    (folder / "bucket").mkdir()
    with serving(folder) as port:
        wire = Wire(port)
        yield wire, folder
        wire.close()


@pytest.fixture
def place(bucket: tuple[Wire, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    wire, folder = bucket
    place = Place(wire, folder, tmp_path, monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("CONVSCOPE_FILES", place.url)
    monkeypatch.setenv("CONVSCOPE_DATABASE_URL", f"sqlite:///{tmp_path}/runs.db")
    monkeypatch.setattr(uploads, "LONGEST_SECONDS", 0.5)
    yield place
    wire.limit = None
    wire.mend()


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def weights_of(step: int) -> Checkpoint:
    """Return untrained weights that say after how many steps they were written."""
    return Checkpoint(build_model(SPEC, seed=step).state_dict(), meta={"step": str(step)})


def train(store: RunStore, run: str, at_step: int = 0, act: Callable[[], None] = lambda: None) -> Status:
    """Train a run to its end, doing something after a step."""

    def on_step(training, step):
        if step.step == at_step:
            act()

    return Runner(store, run, "me", on_step=on_step).run()


def bring_in(name: str) -> None:
    """Bring in a data set of 128 pictures of two classes, as the importer does once it has read them."""
    labels = torch.arange(128) % 2
    images = (torch.rand(128, 1, 8, 8) * 127 + 128 * labels[:, None, None, None]).to(torch.uint8)
    record = {"format": 1, "title": "Two", "class_names": ["dark", "light"], "input_shape": (1, 8, 8)}
    record |= {"split_sizes": (96, 16, 16), "mean": [0.5], "std": [0.25], "report": {}}
    with staging_folder() as folder:
        save_file({"images": images.numpy(), "labels": labels.numpy()}, folder / "whole")
        publish(folder / "whole", name, record)


LOOK = """
import torch
from core.data.datasets import load_dataset
from core.explain import attribute
from core.runs.store import RunStore

def look(run):
    store = RunStore()
    model, images = store.load_model(run), load_dataset("own-two").test.images[:4].float() / 255
    return model(images).detach(), attribute(model, images[0], 1, "saliency").values, images
"""


def test_another_machine_trains_on_a_data_set_of_ones_own_and_its_run_is_read_like_one_trained_here(place):
    here = place.machine("b")
    bring_in("own-two")
    config = TrainConfig(epochs=2, batch_size=32)
    run = here.create(preset("tutorial", (1, 8, 8), 2), config, "own-two", owner="me")
    script = (
        LOOK
        + """
import sys
from core.train.runner import Runner
assert Runner(RunStore(), sys.argv[1], "me").run() == "finished"
torch.save(look(sys.argv[1]), sys.argv[2])
"""
    )
    place.monkeypatch.setenv("CONVSCOPE_HOME", str(place.homes / "a"))
    subprocess.run([sys.executable, "-c", script, run, place.homes / "seen"], cwd=ROOT, check=True, timeout=120)
    here = place.machine("b")
    names: dict[str, Any] = {}
    exec(LOOK, names)
    for ours, theirs in zip(names["look"](run), torch.load(place.homes / "seen"), strict=True):
        assert torch.equal(ours, theirs)
    assert here.epochs(run) == (0, 1, 2)
    assert [metric.step for metric in here.metrics(run)] == [1, 2, 3, 4, 5, 6]
    assert here.get(run).message == ""
    assert not [*(place.homes / "a").rglob("runs/*/*.safetensors")]  # what was sent lies in the cache
    assert SECRET not in str(here.files.place)

    user_datasets.rename_dataset("own-two", "Light and dark")
    place.machine("c")
    assert DATASETS["own-two"].title == "Light and dark"
    user_datasets.delete_dataset("own-two", remember=True)
    here.delete(run)
    place.machine("c")
    assert "own-two" not in DATASETS
    remembered = user_datasets.remembered("own-two")
    assert remembered is not None
    assert remembered.class_names == ("dark", "light")
    assert place.stored(run) == set()


def test_a_data_set_that_the_store_does_not_take_is_not_there(place):
    place.machine("a")
    place.wire.cut()
    with pytest.raises(ObjectStoreError, match="cannot be reached"):
        bring_in("own-two")
    place.wire.mend()
    place.machine("a")
    assert "own-two" not in DATASETS
    bring_in("own-two")
    assert "own-two" in DATASETS


def test_a_training_goes_on_without_the_store_and_sends_its_files_once_that_is_back(place):
    store = place.machine("a")
    run = store.create(SPEC, CONFIG, "digits", owner="me")
    assert train(store, run, 5, place.wire.cut) == Status.FINISHED
    assert store.get(run).message == TROUBLE[Fault.UNREACHABLE]
    assert store.get(run).step == 8
    with pytest.raises(StorageError, match="cannot be reached"):
        place.machine("b").load_model(run)
    place.wire.mend()
    wait_for(lambda: not store.files.waiting(run))
    assert store.get(run).message == ""
    other = place.machine("b")
    assert load_stamped(other, run).step == 8
    assert other.epochs(run) == (0, 1, 2)


def test_a_worker_that_leaves_a_run_to_others_sends_its_weights_first(place):
    store, owner = place.machine("a"), new_owner()
    run = store.create(SPEC, CONFIG, "digits", owner=owner)
    leaving = threading.Event()
    runner = Runner(
        store, run, owner, leaving=leaving.is_set, on_step=lambda training, step: step.step == 5 and leaving.set()
    )
    assert runner.run() == Status.QUEUED
    assert load_stamped(place.machine("b"), run).step == 5


def test_files_of_a_killed_worker_are_sent_at_the_next_start_unless_the_run_went_on_elsewhere(place):
    store = place.machine("a")
    run, elsewhere = (store.create(SPEC, CONFIG, "digits", owner="me", first=weights_of(1)) for _ in range(2))
    for each in (run, elsewhere):
        store.change(each, step=6, steps_per_epoch=4, status="interrupted")
        save_checkpoint(store.workspace(each) / "latest.safetensors", weights_of(4))
        save_checkpoint(store.workspace(each) / "epoch-0001.safetensors", weights_of(4))
    other = place.machine("b")
    save_checkpoint(other.workspace(elsewhere) / "latest.safetensors", weights_of(6))
    other.files.publish(elsewhere)
    again = place.machine("a")
    tidy(again)
    assert load_stamped(again, run).step == 4
    assert load_stamped(again, elsewhere).step == 6
    assert again.epochs(run) == (1,)
    assert not [*again.folder.rglob("*.safetensors")]


def test_what_comes_too_late_from_a_worker_that_lost_its_run_is_dropped(place):
    store = place.machine("a")
    run = store.create(SPEC, CONFIG, "digits", owner="me", first=weights_of(1))
    place.wire.cut()
    store.files.save(run, None, weights_of(2), "me")
    wait_for(lambda: store.files.trouble(run))
    store.change(run, owner="another")
    place.wire.mend()
    wait_for(lambda: not store.files.waiting(run))
    assert load_stamped(place.machine("b"), run).step == 1


def test_an_upload_that_breaks_off_leaves_the_file_that_was_there(place):
    store = place.machine("a")
    run = store.create(SPEC, CONFIG, "digits", first=weights_of(1))
    whole = store.checkpoint(run).read_bytes()
    place.wire.limit = len(whole) // 2
    store.files.save(run, None, weights_of(2))
    wait_for(lambda: store.files.trouble(run))
    place.wire.limit = None
    other = place.machine("b")
    assert other.checkpoint(run).read_bytes() in (whole, weights_bytes(place, 2))
    wait_for(lambda: not store.files.waiting(run))
    assert load_stamped(place.machine("c"), run).step == 2


def weights_bytes(place: Place, step: int) -> bytes:
    save_checkpoint(place.homes / "same.safetensors", weights_of(step))
    return (place.homes / "same.safetensors").read_bytes()


def test_a_download_that_breaks_off_is_no_file(place):
    store = place.machine("a")
    run = store.create(SPEC, CONFIG, "digits", first=weights_of(1))
    other = place.machine("b")
    assert other.has_weights(run)
    place.wire.cut()
    with pytest.raises(ObjectStoreError):
        other.checkpoint(run)
    assert not [path for path in (place.homes / "b").rglob("*") if path.is_file()]
    place.wire.mend()
    wait_for(lambda: other.files._store.list(f"runs/{run}", fresh=True))
    assert load_stamped(other, run).step == 1


def test_readers_see_whole_weights_that_only_get_newer_while_others_are_written(place):
    store = place.machine("a")
    run = store.create(SPEC, CONFIG, "digits", first=weights_of(0))
    other, seen, failures = place.machine("b"), [[], []], []

    def read(steps: list[int]) -> None:
        try:
            while not steps or steps[-1] < 6:
                other.files._store.list(f"runs/{run}", fresh=True)
                stamped = load_stamped(other, run)
                expected = build_model(SPEC, seed=stamped.step).state_dict()
                assert all(torch.equal(value, expected[name]) for name, value in stamped.model.state_dict().items())
                steps.append(stamped.step)
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read, args=(steps,)) for steps in seen]
    for reader in readers:
        reader.start()
    for step in range(1, 7):
        store.files.save(run, None, weights_of(step))
        wait_for(lambda: not store.files.waiting(run))
    for reader in readers:
        reader.join()
    assert not failures
    assert all(steps == sorted(steps) for steps in seen)
    assert not [*(place.homes / "b").rglob("*.part")]


def test_the_cache_keeps_what_is_in_use_and_drops_what_was_not_used_for_longest(place):
    store = place.machine("a")
    runs = [store.create(SPEC, CONFIG, "digits", first=weights_of(step)) for step in range(4)]
    files, size = object_store(place.url), len(weights_bytes(place, 0))
    cache = FileCache(files, place.homes / "cache", 2 * size + 10_000)

    def get(run: str) -> Path:
        return cache.get(f"runs/{run}/latest.safetensors", files.list(f"runs/{run}")["latest.safetensors"])

    paths = [get(run) for run in runs[:3]]
    assert all(path.is_file() for path in paths)  # more than there is room for, but all of it in use
    for age, path in zip((4, 3, 2), paths, strict=True):
        os.utime(path.parent, (time.time() - age * USED_SECONDS,) * 2)
    assert get(runs[0]) == paths[0]
    newest = get(runs[3])
    assert [path.is_file() for path in (*paths, newest)] == [True, False, False, True]
    assert get(runs[1]).is_file()


def test_a_store_that_refuses_is_named_in_one_sentence_and_nothing_is_lost(place):
    store = place.machine("a")
    run = store.create(SPEC, CONFIG, "digits", owner="me")
    place.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    _file_system.cache_clear()
    store = place.machine("a")
    with pytest.raises(StorageError, match="AWS_SECRET_ACCESS_KEY") as refused:
        store.create(SPEC, CONFIG, "digits", first=weights_of(0))
    assert "wrong" not in str(refused.value)
    assert [known.id for known in store.list()] == [run]
    store.files.save(run, 1, weights_of(4), "me")
    wait_for(lambda: store.get(run).message == TROUBLE[Fault.DENIED])
    assert (store.workspace(run) / "epoch-0001.safetensors").is_file()
    _file_system.cache_clear()


def test_a_full_store_is_told_from_one_that_cannot_be_reached(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    full = f'mount -t tmpfs -o size=200k tmpfs "{tmp_path}" && mkdir "{tmp_path}/bucket" && exec "$@"'
    if subprocess.run(["unshare", "-rm", "sh", "-c", full, "sh", "true"], capture_output=True).returncode:
        pytest.skip("no file system of a limited size can be mounted here")
    (tmp_path.with_name("large")).write_bytes(bytes(400_000))
    with serving(tmp_path, ("unshare", "-rm", "sh", "-c", full, "sh")) as port:
        store = ObjectStore(f"s3://bucket?endpoint_url=http://127.0.0.1:{port}")
        with pytest.raises(ObjectStoreError, match="it may be full") as refused:
            store.upload(tmp_path.with_name("large"), "runs/large")
        assert refused.value.fault is Fault.FULL
        assert store.list("runs", fresh=True) == {}


def test_a_deletion_that_the_store_misses_is_made_up_for(place):
    store = place.machine("a")
    run = store.create(SPEC, CONFIG, "digits", first=weights_of(0))
    place.wire.cut()
    store.delete(run)
    assert store.list() == ()
    assert place.stored(run) == {"latest.safetensors"}
    place.wire.mend()
    place.machine("a")
    assert place.stored(run) == set()


@pytest.mark.parametrize("url", ["s3://key:word@bucket", "s3://bucket?secret=word", "s3:///prefix", "ipfs://a/word"])
def test_a_wrong_url_is_refused_in_one_sentence_without_its_secrets(url, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_FILES", url)
    with pytest.raises(ConvScopeError, match="CONVSCOPE_FILES") as refused:
        RunStore()
    assert "word" not in str(refused.value)
