"""A run whose data set is elsewhere, or was deleted: it carries what is needed to go on, and its images are offered."""

import io
import json
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load, save

from core.data import user_datasets
from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.errors import DataError
from core.exchange.__main__ import main as exchange
from core.exchange.card import model_card
from core.exchange.dataset import OFFERED_IMAGES, bring_in_images, offered_images
from core.exchange.export_archive import export_run
from core.exchange.import_archive import import_run
from core.exchange.layout import DATA, DATASET, PREDICTOR, ArchiveError
from core.exchange.predictor import to_predictor
from core.explain.__main__ import main as explain
from core.explain.cli.record import ExplanationCall, NetworkReference, command
from core.inference.library import open_network
from core.report.document import lab_report
from core.runs.store import RunStore
from core.runs.training_data import images_of, scale_of
from tests.exchange.foreign import CLASSES, Foreign, made


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    return made(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def elsewhere(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that makes the other machine's home the current one."""
    return lambda: monkeypatch.setenv("CONVSCOPE_HOME", str(foreign.home))


@pytest.fixture
def imported(foreign: Foreign, store: RunStore) -> str:
    return import_run(store, foreign.archive)


def parts_of(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def changed(archive: bytes, **said: object) -> bytes:
    """Return the archive, saying something else of its data set."""
    parts = parts_of(archive)
    parts[DATASET] = json.dumps(json.loads(parts[DATASET]) | said).encode()
    return repacked(parts)


def repacked(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return content.getvalue()


def goes_on(store: RunStore, run_id: str, home: Path, script: str) -> None:
    """Do everything that needs no images."""
    run = store.get(run_id)
    assert run.class_names == CLASSES
    assert run.dataset not in DATASETS
    assert to_predictor(run) == script
    card = model_card(store, run)
    assert "Trees & digits" in card.replace("\\", "") and "birch" in card and "松" in card
    report = lab_report(store, run_id)
    assert "birch" in report and "The images of Trees &amp; digits are not on this computer" in report
    Image.fromarray(np.full((20, 20, 3), 99, np.uint8)).save(home / "picture.png")
    asked = [str(home / "picture.png"), "--model", run_id, "--method", "saliency", "-o", str(home / "out.json")]
    assert explain([*asked, "--class", "1"]) == 0
    assert '"1"' in (home / "out.json").read_text(encoding="utf-8")
    assert exchange(["card", run_id, str(home / "card.md")]) == 0
    assert exchange(["report", run_id, str(home / "report.html")]) == 0
    assert exchange(["export", run_id, str(home / "again.zip")]) == 0


def test_an_imported_run_needs_no_data_set(
    foreign: Foreign, store: RunStore, imported: str, home: Path, elsewhere: Callable[[], None]
) -> None:
    goes_on(store, imported, home, parts_of(foreign.archive)[PREDICTOR].decode())
    here = scale_of(store.get(imported))
    elsewhere()
    there = load_dataset(foreign.dataset)
    assert (here.mean, here.std) == (there.mean, there.std)


def test_a_class_is_meant_by_its_name_before_its_index(imported: str) -> None:
    network = open_network(imported)
    assert [network.class_of(asked) for asked in ("1", "2", "3", "0", "10", "BIRCH", "#2")] == [0, 1, 2, 0, 10, 3, 2]
    assert network.class_names[0] == "1"
    for index in range(network.num_classes):  # as the command line that the app shows names it
        line = command(
            NetworkReference(imported, ""),
            "a.png",
            [ExplanationCall("saliency", index)],
            [],
            class_names=network.class_names,
        )
        assert network.class_of(shlex.split(line)[-1]) == index


def test_what_is_imported_is_exported_again_with_its_images(store: RunStore, foreign: Foreign, imported: str) -> None:
    again = io.BytesIO()
    export_run(store, imported, again)
    before, after = parts_of(foreign.archive), parts_of(again.getvalue())
    assert after[DATASET] == before[DATASET] and after["train.py"] == before["train.py"]
    old, new = load(before[DATA]), load(after[DATA])
    assert old.keys() == new.keys() and all(torch.equal(old[name], new[name]) for name in old)


def test_a_run_whose_images_were_deleted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = made(tmp_path)
    monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path))
    user_datasets.delete_dataset(foreign.dataset, remember=True)
    store = RunStore()
    goes_on(store, foreign.run, tmp_path, parts_of(foreign.archive)[PREDICTOR].decode())
    with pytest.raises(DataError, match="not on this computer"):
        images_of(store.get(foreign.run))
    store.close()


def test_a_run_keeps_its_classes_when_its_data_set_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = made(tmp_path)
    monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path))
    user_datasets.delete_dataset(foreign.dataset, remember=False)
    store = RunStore()
    goes_on(store, foreign.run, tmp_path, parts_of(foreign.archive)[PREDICTOR].decode())
    store.close()


def test_a_run_of_an_earlier_version_takes_over_what_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = made(tmp_path)
    monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path))
    store = RunStore()
    store.change(foreign.run, dataset_info="")
    store.close()
    RunStore().close()  # opened by this version
    user_datasets.delete_dataset(foreign.dataset, remember=False)
    store = RunStore()
    goes_on(store, foreign.run, tmp_path, parts_of(foreign.archive)[PREDICTOR].decode())
    store.close()


def test_its_images_become_the_data_set_that_it_names(
    foreign: Foreign, store: RunStore, imported: str, elsewhere: Callable[[], None]
) -> None:
    run = store.get(imported)
    assert offered_images(store, run) == 88
    assert bring_in_images(store, run) == foreign.dataset
    assert offered_images(store, run) == 0
    here, info = load_dataset(foreign.dataset), DATASETS[foreign.dataset]
    assert info.title == "Trees & digits"
    elsewhere()
    there = load_dataset(foreign.dataset)
    for split in ("train", "valid", "test"):
        assert torch.equal(getattr(here, split).images, getattr(there, split).images)
        assert torch.equal(getattr(here, split).labels, getattr(there, split).labels)
    assert (here.info, here.mean, here.std) == (there.info, there.mean, there.std)


def test_images_that_are_here_are_not_kept_twice(foreign: Foreign, store: RunStore, imported: str) -> None:
    bring_in_images(store, store.get(imported))
    second = import_run(store, foreign.archive)
    assert not (store.checkpoint(second).parent / OFFERED_IMAGES).exists()
    with pytest.raises(DataError):
        bring_in_images(store, store.get(second))


def test_the_command_says_and_does_it(
    foreign: Foreign, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.zip"
    path.write_bytes(foreign.archive)
    assert exchange(["import", str(path)]) == 0
    assert "--with-images" in capsys.readouterr().out and foreign.dataset not in DATASETS
    assert exchange(["import", str(path), "--with-images"]) == 0
    assert "88 images" in capsys.readouterr().out and foreign.dataset in DATASETS


def test_an_archive_of_the_version_before_tells_its_classes_too(foreign: Foreign, store: RunStore) -> None:
    parts = parts_of(foreign.archive)
    expected = json.loads(parts.pop(DATASET))
    tensors = load(parts[DATA])
    kept = {name: value for name, value in tensors.items() if "places" not in name}
    for name in ("train_images", "train_labels"):  # it took with it what the run learned from
        kept[name] = kept[name][:33].contiguous()
    parts[DATA] = save(kept)
    run = store.get(import_run(store, repacked(parts)))
    assert run.class_names == CLASSES
    assert list(scale_of(run).mean) == expected["mean"] and list(scale_of(run).std) == expected["std"]
    bring_in_images(store, run)
    assert len(load_dataset(foreign.dataset).train) == 33


def test_where_nothing_says_them_classes_are_numbered(foreign: Foreign, store: RunStore) -> None:
    parts = {name: part for name, part in parts_of(foreign.archive).items() if name not in (DATASET, DATA, PREDICTOR)}
    run = store.get(import_run(store, repacked(parts)))
    assert run.class_names[:2] == ("class 0", "class 1")
    with pytest.raises(DataError, match="not on this computer"):
        scale_of(run)


@pytest.mark.parametrize(
    "said",
    [
        {"class_names": ["a", "b"]},
        {"class_names": [3] * 11},
        {"class_names": "abcdefghijk"},
        {"mean": [0.5]},
        {"mean": [0.5, 0.5, 1e999]},
        {"std": [0.1, 0.0, 0.1]},
        {"std": []},
        {"split_sizes": [1, 2]},
        {"split_sizes": [-1, 2, 3]},
        {"title": ""},
        {"title": "x" * 10_000},
        {"centred": "yes"},
    ],
)
def test_what_cannot_be_of_a_data_set_is_refused(foreign: Foreign, store: RunStore, said: dict[str, object]) -> None:
    with pytest.raises(ArchiveError):
        import_run(store, changed(foreign.archive, **said))
    assert not store.list(1)


def test_a_field_of_a_later_version_is_passed_over(foreign: Foreign, store: RunStore) -> None:
    run = store.get(import_run(store, changed(foreign.archive, colour_space="display-p3")))
    assert run.class_names == CLASSES


@pytest.mark.parametrize("fault", ["labels", "shape", "kind", "missing", "cut"])
def test_images_that_are_damaged_are_refused(foreign: Foreign, store: RunStore, fault: str) -> None:
    parts = parts_of(foreign.archive)
    tensors = load(parts[DATA])
    if fault == "labels":
        tensors["train_labels"][0] = 11
    elif fault == "shape":
        tensors["test_images"] = tensors["test_images"][:, :, :5].contiguous()
    elif fault == "kind":
        tensors["train_images"] = tensors["train_images"].float()
    elif fault == "missing":
        del tensors["valid_labels"]
    parts[DATA] = save(tensors)[: 200 if fault == "cut" else None]
    with pytest.raises(ArchiveError):
        import_run(store, repacked(parts))
    assert not store.list(1) and not list(store.folder.iterdir())


def test_a_newer_archive_says_what_to_do(foreign: Foreign, store: RunStore) -> None:
    parts = parts_of(foreign.archive)
    parts["run.json"] = json.dumps(json.loads(parts["run.json"]) | {"format": 2, "soundtrack": 1}).encode()
    with pytest.raises(ArchiveError, match="newer version of ConvScope: update"):
        import_run(store, repacked(parts))
