"""A network survives being written and read; nothing else is read."""

import json
from typing import Any

import pytest

from core.errors import SpecError
from core.model.layers import LAYERS, Activation, BatchNorm, Conv, Dense, Flatten, MaxPool
from core.model.presets import PRESETS, preset
from core.model.spec import ModelSpec

SPEC = ModelSpec("Mine", (3, 32, 32), 10, (Conv(8), Activation(), Flatten(), Dense(10)))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name: str) -> None:
    spec = preset(name, (3, 32, 32), 10)
    assert ModelSpec.from_json(spec.to_json()) == spec


def test_random_specs_and_names_in_any_script_survive_json(random_specs: list[ModelSpec]) -> None:
    for spec in (
        *random_specs,
        ModelSpec('卷积 "×" </script>', (1, 8, 8), 2, tuple(kind() for kind in LAYERS.values())),
    ):
        assert ModelSpec.from_json(spec.to_json()) == spec


def test_settings_that_are_not_mentioned_take_their_defaults() -> None:
    record = json.loads(SPEC.to_json())
    record["layers"] = [{"kind": "conv", "kernel_size": 5}]
    assert ModelSpec.from_json(json.dumps(record)).layers == (Conv(kernel_size=5),)


def test_names_are_counted_by_prefix() -> None:
    layers = (
        Conv(),
        BatchNorm(),
        Activation(),
        Conv(),
        Activation("tanh"),
        Activation(),
        MaxPool(),
        Flatten(),
        Dense(),
    )
    names = ModelSpec("x", (3, 8, 8), 10, layers).layer_names
    assert names == ("conv1", "bn1", "relu1", "conv2", "tanh1", "relu2", "pool1", "flatten1", "dense1")


def _changed(**changes: Any) -> str:
    return json.dumps(json.loads(SPEC.to_json()) | changes)


def _first_layer(**changes: Any) -> str:
    return _changed(layers=[{"kind": "conv"} | changes])


BAD = {
    "not JSON": ("{", "not valid JSON"),
    "empty": ("", "not valid JSON"),
    "a list": ("[]", "must be a JSON object"),
    "null": ("null", "must be a JSON object"),
    "python": ("__import__('os').system('true')", "not valid JSON"),
    "deep": ("[" * 50_000, "not valid JSON"),
    "long number": (_changed().replace("10", "1" * 5000), "not valid JSON"),
    "long text": (_changed() + " " * 100_000, "at most 100,000 characters"),
    "twice": ('{"name": "a", "name": "b"}', "the same field twice"),
    "lacks": ('{"name": "a"}', "lacks the field 'input_shape'"),
    "unknown field": (_changed(pickle="x"), "unknown field 'pickle'"),
    "name type": (_changed(name=3), "name must be one line"),
    "name empty": (_changed(name=""), "name must be one line"),
    "name of two lines": (_changed(name="a\nimport os"), "name must be one line"),
    "name long": (_changed(name="a" * 81), "1 to 80 characters"),
    "shape type": (_changed(input_shape="3x32x32"), "must be lists"),
    "shape short": (_changed(input_shape=[32, 32]), "three whole numbers"),
    "shape bool": (_changed(input_shape=[True, 32, 32]), "number of channels must be a whole number from 1 to 16"),
    "shape float": (_changed(input_shape=[3, 32.0, 32]), "image height must be"),
    "shape huge": (_changed(input_shape=[3, 32, 10**9]), "image width must be a whole number from 1 to 512"),
    "shape nested": (_changed(input_shape=[[3], 32, 32]), "number of channels must be"),
    "one class": (_changed(num_classes=1), "number of classes must be a whole number from 2 to 1000"),
    "layers type": (_changed(layers={}), "must be lists"),
    "layer type": (_changed(layers=["conv"]), "Layer 1 must be a JSON object"),
    "kind": (_first_layer(kind="os.system"), "Layer 1 has an unknown kind 'os.system'"),
    "kind missing": (_changed(layers=[{}]), "Layer 1 has an unknown kind None"),
    "kind unhashable": (_first_layer(kind=["conv"]), "Layer 1 has an unknown kind"),
    "setting": (_first_layer(bias=False), "Layer 1 has an unknown field 'bias'"),
    "bool": (_first_layer(out_channels=True), "Layer 1: Convolution: filters must be"),
    "float": (_first_layer(kernel_size=3.0), "kernel size must be a whole number"),
    "text": (_first_layer(stride="2"), "stride must be a whole number"),
    "range": (_first_layer(out_channels=10**12), "filters must be a whole number from 1 to 1024"),
    "NaN": (_changed(layers=[{"kind": "dropout", "p": float("nan")}]), "from 0.0 to 0.95, not nan"),
    "too many": (_changed(layers=[{"kind": "flatten"}] * 65), "at most 64"),
}


@pytest.mark.parametrize("case", BAD)
def test_anything_else_gets_one_plain_sentence(case: str) -> None:
    text, sentence = BAD[case]
    with pytest.raises(SpecError) as caught:
        ModelSpec.from_json(text)
    message = str(caught.value)
    assert sentence in message
    assert len(message) < 300 and "\n" not in message and message.endswith(".")


def test_only_known_layers_are_taken() -> None:
    with pytest.raises(SpecError, match="must be a tuple of these kinds"):
        ModelSpec("x", (3, 8, 8), 10, ("conv",))  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="must be a tuple"):
        ModelSpec("x", (3, 8, 8), 10, [Conv()])  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="has 65 layers: remove some"):
        ModelSpec("x", (3, 8, 8), 10, (Flatten(),) * 65)
