"""Keras models open with Keras' own logits; whatever else a file holds gets one sentence. No Keras is needed."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from core.exchange.foreign import hdf5
from core.exchange.foreign.hdf5 import read_here
from core.exchange.foreign.keras import read_keras
from core.exchange.foreign.matching import fitting, left_over, matches, network_of
from core.exchange.foreign.network import ForeignError, ForeignNetwork, Limits
from core.exchange.foreign.registry import PickleRefusedError, read
from core.exchange.foreign.tensors import ForeignWeights
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten
from core.model.presets import preset
from core.model.spec import ModelSpec
from tests.exchange.keras.make import images_of

HERE = Path(__file__).parent / "keras"
LOGITS = json.loads((HERE / "logits.json").read_text())
TUTORIAL = (HERE / "tutorial.keras").read_bytes()


def computed(network: ForeignNetwork, images: np.ndarray) -> np.ndarray:
    """Return the logits for images of Keras (N, H, W, C)."""
    model = build_model(network.spec).eval()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in network.weights.items()})
    if network.scale:
        images = images * np.float32(network.scale.factor) + np.float32(network.scale.offset)
    with torch.no_grad():
        return model(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()


@pytest.mark.parametrize(
    ("name", "largest"), [("tutorial.keras", 1), ("every_kind.keras", 255), ("every_kind.h5", 255)]
)
def test_the_logits_are_those_that_keras_computed(name, largest):
    network = read(name, (HERE / name).read_bytes())
    assert isinstance(network, ForeignNetwork)
    channels, height, width = network.spec.input_shape
    logits = computed(network, images_of((height, width, channels), largest))
    np.testing.assert_allclose(logits, LOGITS[name.partition(".")[0]], rtol=0, atol=1e-5)
    assert len(network.origins) == len(network.spec.layers)


def test_the_tutorial_s_network_has_the_layers_of_ours():
    network = read_keras(TUTORIAL)
    ours = preset("tutorial", (3, 16, 16), 10)
    assert [type(layer) for layer in network.spec.layers] == [type(layer) for layer in ours.layers]
    assert network.scale is None
    assert [layer.padding for layer in network.spec.layers if isinstance(layer, Conv)] == ["same"] * 3


def test_weights_alone_are_matched_by_shape_and_order_and_by_hand():
    whole = read_keras(TUTORIAL)
    weights = read("model.weights.h5", zipfile.ZipFile(io.BytesIO(TUTORIAL)).read("model.weights.h5"))
    assert isinstance(weights, ForeignWeights)
    other = ModelSpec("Other", (3, 16, 16), 10, (*whole.spec.layers[:-1], Dense(11), Dense(10)))
    assert fitting(weights, (other, whole.spec)) == (whole.spec,)
    found = matches(whole.spec, weights)
    assert [match.chosen for match in found] == ["conv2d", "conv2d_1", "conv2d_2", "dense", "dense_1"]
    assert left_over(found, weights) == ()
    network = network_of(whole.spec, weights, found)
    np.testing.assert_allclose(computed(network, images_of((16, 16, 3), 1)), LOGITS["tutorial"], rtol=0, atol=1e-5)


def test_of_two_layers_of_one_shape_the_choice_of_a_person_holds():
    rng = np.random.default_rng(0)
    groups = {name: {"weight": rng.random((4, 4), np.float32)} for name in ("a_2", "a_10", "b")}
    weights = ForeignWeights("safetensors", groups)
    spec = ModelSpec("Two", (4, 1, 1), 4, (Flatten(), Dense(4), Dense(4)))
    assert [match.chosen for match in matches(spec, weights)] == ["a_2", "a_10"]
    chosen = matches(spec, weights, {"dense1": "b"})
    assert [match.chosen for match in chosen] == ["b", "a_2"]
    assert np.array_equal(network_of(spec, weights, chosen).weights["dense1.weight"], groups["b"]["weight"])
    twice = matches(spec, weights, {"dense1": "b", "dense2": "b"})
    with pytest.raises(ForeignError, match="chosen for two layers"):
        network_of(spec, weights, twice)


def _config(change: Callable[[list[dict[str, Any]]], object]) -> bytes:
    """Return the tutorial's file with another configuration."""
    with zipfile.ZipFile(io.BytesIO(TUTORIAL)) as file:
        files = {name: file.read(name) for name in file.namelist()}
    config = json.loads(files["config.json"])
    change(config["config"]["layers"])
    return _packed(files | {"config.json": json.dumps(config).encode()})


def _packed(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return content.getvalue()


def _set(number: int, **settings: Any) -> Callable[[list[dict[str, Any]]], object]:
    return lambda layers: layers[number]["config"].update(settings)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda layers: layers[2].update(class_name="Lambda"), "max_pooling2d is a Lambda, and there is no such layer"),
        (_set(1, activation="selu"), r"conv2d \(Conv2D\) bends by 'selu'"),
        (_set(1, activation="softmax"), "comes behind the softmax"),
        (_set(1, strides=[2, 1]), "has two strides, 2 and 1"),
        (_set(2, pool_size=[3, 3], padding="same"), "puts a border on one side of the maps alone"),
        (_set(1, data_format="channels_first"), "keeps channels first"),
        (_set(1, name="other"), "The weights of conv2d stand where those of other should"),
        (_set(0, batch_shape=[None, None, None, 3]), "pictures of one size"),
        (_set(0, batch_shape=[None, 5000, 16, 3]), "1 to 512 pixels"),
        (_set(1, kernel_size=[3, 3], padding=[1]), "has the padding"),
        (_set(1, strides=[10**9, 10**9]), "not two whole numbers"),
        (_set(1, use_bias=False), "holds 2 arrays for the layer conv2d, and it has 1"),
        (lambda layers: layers.pop(3), "stand where|does not fit|take"),
        (lambda layers: layers.clear(), "has no layers"),
        (lambda layers: layers.insert(1, 7), "does not describe its layers"),
    ],
)
def test_what_cannot_be_a_network_here_is_named(change, sentence):
    with pytest.raises(ForeignError, match=sentence):
        read_keras(_config(change))


@pytest.mark.parametrize("data", [b"", b"PK", _packed({}), _packed({"config.json": b"{}"}), TUTORIAL[:-200]])
def test_a_damaged_keras_file_gets_a_sentence(data):
    with pytest.raises(ForeignError):
        read_keras(data)


def _file(tmp_path: Path, write: Callable[[Any], object]) -> Path:
    path = tmp_path / "hostile.h5"
    with h5py.File(path, "w") as file:
        write(file)
    return path


def _external(file: Any) -> None:
    file.create_dataset("a", (4,), "f4", external=[("/etc/hostname", 0, 16)])


def _virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "a", (4,))
    file.create_virtual_dataset("a", layout)


def _looped(file: Any) -> None:
    file.create_group("a")["b"] = file["/"]


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda file: file.__setitem__("a", h5py.ExternalLink("/etc/other.h5", "/")), "a link to somewhere else"),
        (lambda file: file.__setitem__("a", h5py.SoftLink("/b")), "a link to somewhere else"),
        (_looped, "leads back"),
        (_external, "lies in another file"),
        (_virtual, "lies in another file"),
        (lambda file: file.create_dataset("a", (10**9,), "f4", chunks=(10**6,), compression="gzip"), "MB allowed"),
        (lambda file: file.create_dataset("a", (10**7,), "f4", chunks=(10**6,), compression="gzip"), "unpack to far"),
        (lambda file: file.create_dataset("a", (10,), "f4", chunks=(10,), compression="lzf"), "packed in a way"),
        (lambda file: [file.create_group(str(number)) for number in range(60)], "more than 50 arrays"),
        (lambda file: file.attrs.__setitem__("model_config", np.arange(9)), "is no text"),
        (lambda file: file.attrs.__setitem__("model_config", "x" * 2_000), "is too long"),
        (lambda file: file.__setitem__("a", np.dtype("f4")), "neither a group nor an array"),
    ],
)
def test_a_hostile_hdf5_file_gets_one_sentence(write, sentence, tmp_path):
    with pytest.raises(ForeignError, match=sentence):
        read_here(_file(tmp_path, write), Limits(numbers=100 * 1024**2, arrays=50, text=1_000))


def test_a_process_that_an_hdf5_file_brings_down_takes_nothing_along(tmp_path, monkeypatch):
    damaged = bytearray(
        _file(tmp_path, lambda file: file.create_dataset("a", data=np.ones(9, np.float32))).read_bytes()
    )
    assert list(hdf5.read(bytes(damaged)).arrays) == ["a"]
    with pytest.raises(ForeignError, match="no HDF5 file, or it is damaged"):
        hdf5.read(bytes(damaged[:700]))
    monkeypatch.setattr(hdf5, "PATIENCE", 0.01)
    with pytest.raises(ForeignError, match="takes too long"):
        hdf5.read(bytes(damaged))


@pytest.mark.parametrize("ending", [".pt", ".pth", ".pt2", ".bin", ".ckpt", ".PKL"])
def test_a_pickle_is_refused_with_two_lines_that_make_safetensors_of_it(ending):
    with pytest.raises(PickleRefusedError, match="is not opened") as refused:
        read(f'my"); import os{ending}', b"whatever")
    assert len(refused.value.code.splitlines()) == 2
    assert '"); import' not in refused.value.code
    compile(refused.value.code, "two lines", "exec")
