"""Weights leave bit for bit, and the exported program and script compute the same logits in a process of their own."""

import ast
import io
import json
import runpy
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load

from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.errors import DataError, RunError, StorageError
from core.exchange.export_archive import export_run
from core.exchange.predictor import to_predictor
from core.exchange.weights import to_program, to_weights
from core.model.build import build_model
from core.model.presets import preset
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.train.config import TrainConfig
from tests.presets import OWN_PRESETS

_RELOAD = """
import sys, torch
program, images, logits = sys.argv[1:]
torch.save(torch.export.load(program).module()(torch.load(images, weights_only=True)), logits)
assert not any(name.split(".")[0] in ("core", "safetensors") for name in sys.modules)
"""
_PREDICT = """
import json, runpy, sys
folders, names = json.loads(sys.argv[1]), sys.argv[2:]
for folder in folders:
    sys.argv = ["predict.py", *names]
    try:
        runpy.run_path(folder + "/predict.py", run_name="__main__")
    except SystemExit as end:
        assert not end.code
    script = runpy.run_path(folder + "/predict.py")
    pictures = [script["decode"](open(name, "rb").read()) for name in names]
    print(json.dumps([script["logits_of"](script["prepare"](picture)).tolist() for picture in pictures]))
"""


def fresh(*command: str) -> str:
    """Run Python in a process that knows nothing of ConvScope, and return what it prints."""
    done = subprocess.run([sys.executable, "-I", *command], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_weights_are_the_run_s_to_the_last_bit_and_nothing_else(trained, store):
    found, model = load(to_weights(store, trained)), store.load_model(trained)
    assert set(found) == set(model.state_dict())
    assert all(torch.equal(found[name], weight) for name, weight in model.state_dict().items())
    assert len(to_weights(store, trained)) < store.checkpoint(trained).stat().st_size  # the optimiser's state stays


def test_a_fresh_process_computes_the_same_logits_from_the_program(trained, store, tmp_path):
    (tmp_path / "run.pt2").write_bytes(to_program(store, trained))
    images = torch.randn(7, 1, 8, 8)
    torch.save(images, tmp_path / "images.pt")
    fresh("-c", _RELOAD, *(str(tmp_path / name) for name in ("run.pt2", "images.pt", "logits.pt")))
    logits = torch.load(tmp_path / "logits.pt", weights_only=True)
    with torch.no_grad():
        torch.testing.assert_close(logits, store.load_model(trained)(images), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", OWN_PRESETS)
def test_every_preset_becomes_a_program_of_any_batch_size(name, store, tmp_path):
    spec = preset(name, (3, 32, 32), 10)
    run_id = store.create(spec, TrainConfig(), "cifar10")
    model = build_model(spec, seed=3).eval()
    save_checkpoint(store.checkpoint(run_id), Checkpoint(model.state_dict()))
    (tmp_path / "run.pt2").write_bytes(to_program(store, run_id))
    program = torch.export.load(tmp_path / "run.pt2").module()
    for count in (1, 5):
        images = torch.randn(count, 3, 32, 32)
        with torch.no_grad():
            torch.testing.assert_close(program(images), model(images), rtol=1e-4, atol=1e-5)


def test_without_whole_weights_there_is_none(trained, store):
    for make in (to_weights, to_program):
        store.checkpoint(trained).write_bytes(b"damaged")
        with pytest.raises(StorageError, match="damaged"):
            make(store, trained)
    store.checkpoint(trained).unlink()
    for make in (to_weights, to_program):
        with pytest.raises(RunError, match="no weights yet"):
            make(store, trained)


def test_the_script_gives_the_same_logits_in_a_fresh_process(trained, store, tmp_path):
    beside, archive = tmp_path / "beside", tmp_path / "archive"
    for folder in (beside, archive / "weights"):
        folder.mkdir(parents=True)
    (beside / "n-run.safetensors").write_bytes(to_weights(store, trained))
    latest = store.checkpoint(trained).read_bytes()  # with the state of the training in it
    (archive / "weights" / "latest.safetensors").write_bytes(latest)
    for folder in (beside, archive):
        (folder / "predict.py").write_text(to_predictor(store.get(trained)), encoding="utf-8")
    dataset, names = load_dataset("digits"), []
    for index in range(6):
        names.append(str(tmp_path / f"{index}.png"))
        Image.fromarray(dataset.test.images[index, 0].numpy()).save(names[-1])
    lines = fresh("-c", _PREDICT, json.dumps([str(beside), str(archive)]), *names).splitlines()
    assert len(lines) == 2 * 7
    with torch.no_grad():
        expected = store.load_model(trained)(dataset.normalize(dataset.test.images[:6]))
    best = expected[0].softmax(0)
    for *printed, logits in (lines[:7], lines[7:]):
        torch.testing.assert_close(torch.tensor(json.loads(logits)), expected, rtol=1e-5, atol=1e-5)
        assert printed[0].startswith(f"{names[0]}: {int(best.argmax())} {best.max():.1%}, ")


@pytest.mark.parametrize("inputs", ["unit", "raw"])
def test_the_script_normalises_as_the_run_was_trained(inputs, store, tmp_path, monkeypatch):
    monkeypatch.setitem(DATASETS, "shapes", replace(DATASETS["shapes"], split_sizes=(60, 20, 20)))
    run_id = store.create(preset("lenet5", (3, 32, 32), 10), TrainConfig(inputs=inputs), "shapes", "Mine")
    save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(store.get(run_id).spec).state_dict()))
    (tmp_path / "predict.py").write_text(to_predictor(store.get(run_id)), encoding="utf-8")
    (tmp_path / "mine.safetensors").write_bytes(to_weights(store, run_id))
    dataset = load_dataset("shapes").scaled(inputs)
    pixels, content = dataset.test.images[3].numpy().transpose(1, 2, 0), io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(content, "PNG")
    script = runpy.run_path(str(tmp_path / "predict.py"))
    found = script["logits_of"](script["prepare"](script["decode"](content.getvalue())))
    with torch.no_grad():
        expected = store.load_model(run_id)(dataset.normalize(dataset.test.images[3:4]))[0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ['"""\nimport os\n"""', "{x} %s", "a\\", "x\u2028y"])
def test_what_people_wrote_cannot_become_code(name, trained, store):
    info = replace(store.get(trained).dataset_info, class_names=(name, *"123456789"))
    store.change(trained, name=name, dataset_info=info.to_json())
    code = ast.parse(to_predictor(store.get(trained)))
    (classes,) = [
        node.value for node in code.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CLASSES"
    ]
    assert ast.literal_eval(classes) == (name, *"123456789")
    imported = {alias.name for node in ast.walk(code) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"sys", "struct", "numpy", "torch"}


def test_a_run_that_carries_no_normalisation_and_has_no_data_set_has_no_script(trained, store):
    store.change(trained, dataset="gone", dataset_info="")
    with pytest.raises(DataError, match="not on this computer"):
        to_predictor(store.get(trained))
    other = store.create(preset("lenet5", (3, 32, 32), 10), TrainConfig(), "cifar10")
    with pytest.raises(DataError, match="download them on the page Data"):  # nothing is downloaded unasked
        to_predictor(store.get(other))


def test_the_archive_s_training_script_ends_with_the_run_s_logits(trained, store, tmp_path):
    with (tmp_path / "run.zip").open("wb") as file:
        export_run(store, trained, file)
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        archive.extractall(tmp_path / "run")
    with torch.random.fork_rng():
        names = runpy.run_path(str(tmp_path / "run" / "train.py"), run_name="__main__")
    found = names["model"].eval()(names["prepare"](names["test_images"][:20])).detach()
    dataset = load_dataset("digits")
    with torch.no_grad():
        expected = store.load_model(trained)(dataset.normalize(dataset.test.images[:20]))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
