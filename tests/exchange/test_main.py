"""The command line takes runs out and in like the app."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from core.compression.saving import to_file
from core.exchange.__main__ import main
from core.exchange.onnx import to_onnx
from core.inference import open_network
from core.runs.store import RunStore
from tests.exchange.keras.make import images_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
KERAS = Path(__file__).parent / "keras"


def test_a_run_goes_out_and_comes_in(trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "run.zip"
    assert main(["export", trained, str(target)]) == 0
    assert main(["import", str(target)]) == 0
    store = RunStore()
    first, second = store.list()
    assert (first.name, first.created) == (second.name, second.created)
    assert f"run {next(run.id for run in (first, second) if run.id != trained)} (Ünï → run): finished" in (
        capsys.readouterr().out
    )
    store.close()


def test_what_cannot_be_done_is_said_in_a_sentence(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    for arguments, words in (
        (["export", "0123456789", str(tmp_path / "a.zip")], "no such run"),
        (["export", "0123456789", str(tmp_path / "no" / "a.zip")], "cannot be written"),
        (["import", str(tmp_path / "bad.zip")], "no zip archive"),
        (["import", str(tmp_path / "gone.zip")], "gone.zip cannot be read"),
    ):
        assert main(arguments) == 1
        assert words in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.zip"]


def test_the_images_of_a_script_are_written(home: Path, tmp_path: Path) -> None:
    assert main(["images", "digits", str(tmp_path / "data.safetensors"), "--train-images", "50"]) == 0
    data = load_file(tmp_path / "data.safetensors")
    assert {name: array.shape[0] for name, array in data.items() if name.endswith("_labels")} == {
        "train_labels": 50,
        "valid_labels": 300,
        "test_labels": 300,
    }


def opened(store: RunStore, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the id of the run that the command says it made."""
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("run ")]
    run_id = line.split()[1]
    assert line == f"run {run_id} ({store.get(run_id).name}): finished"
    return run_id


def test_a_keras_file_becomes_a_run_with_the_logits_of_keras(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"--class=kind {number}" for number in range(10)]
    assert main(["import", str(KERAS / "tutorial.keras"), "--name", "From Keras", *names]) == 0
    run = store.get(opened(store, capsys))
    assert (run.name, run.class_names[3]) == ("From Keras", "kind 3")
    images = torch.from_numpy(images_of((16, 16, 3), 1)).permute(0, 3, 1, 2)
    network = open_network(run.id)
    with torch.no_grad():
        logits = network.model(network.normalize((255 * images).round().to(torch.uint8)))
        exact = network.model(images)
    np.testing.assert_allclose(exact, json.loads((KERAS / "logits.json").read_text())["tutorial"], atol=1e-5)
    np.testing.assert_allclose(
        logits, exact, atol=0.05
    )  # the pixels that it is given are those of Keras, in 256 levels


def test_onnx_and_safetensors_of_a_run_become_the_same_network(
    trained: str, store: RunStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnx")
    weights = {name: array.numpy() for name, array in store.load_model(trained).state_dict().items()}
    with_spec, bare = tmp_path / "network.safetensors", tmp_path / "bare.safetensors"
    with_spec.write_bytes(to_file(store.get(trained).spec, store.load_model(trained)))
    save_file(weights, bare)
    (tmp_path / "network.onnx").write_bytes(to_onnx(store, trained))
    images = torch.rand(4, *store.get(trained).spec.input_shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = store.load_model(trained).eval()(images)
        for file, more in (("network.onnx", []), (with_spec.name, []), (bare.name, ["--like", trained])):
            assert main(["import", str(tmp_path / file), "--dataset", "digits", *more]) == 0
            run_id = opened(store, capsys)
            assert run_id != trained and store.get(run_id).foreign
            torch.testing.assert_close(store.load_model(run_id).eval()(images), expected, atol=1e-5, rtol=0)


def test_a_file_that_is_no_network_is_refused_in_one_sentence(
    store: RunStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file({"a.weight": np.zeros((2, 3), np.float32)}, tmp_path / "weights.safetensors")
    files = {
        "bad.keras": b"PK no zip",
        "bad.onnx": b"\x00" * 40,
        "bad.safetensors": b"x" * 40,
        "a.pt": b"x",
        "a.txt": b"x",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for name, more, words in (
        ("bad.keras", [], "Keras"),
        ("bad.onnx", [], "ONNX"),
        ("bad.safetensors", [], "no safetensors file"),
        ("a.pt", [], "is not opened: it may hold a program"),
        ("a.txt", [], ""),
        ("gone.keras", [], "gone.keras cannot be read"),
        ("weights.safetensors", [], "give a run that has these by --like"),
        ("weights.safetensors", ["--like", "0123456789"], "no such run"),
    ):
        assert main(["import", str(tmp_path / name), *more]) == 1
        said = capsys.readouterr()
        assert words in said.err and said.err.count("\n") == (3 if name == "a.pt" else 1) and not said.out
    classes = ["--class=one", "--class=two"]
    assert main(["import", str(KERAS / "tutorial.keras"), *classes]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not store.list()
