"""What was measured inside a network: one line for each layer, coloured by depth, and bounded."""

import json

import numpy as np
import pytest

from core.figures.internals import (
    ALL_LAYERS,
    MAX_ROWS,
    NETWORK_LABEL,
    layer_chart,
    layer_key,
    layer_rows,
    lr_chart,
    lr_rows,
    thinned,
)
from core.figures.palette import luminance
from core.runs.history import Point
from core.runs.records import Evidence


def rgb(colour: str) -> np.ndarray:
    return np.array(list(bytes.fromhex(colour[1:])), dtype=np.uint8)


def test_rows_hold_the_chosen_layers_by_epoch():
    evidence = [
        Evidence(2, "gradient", "conv1", 0.5),
        Evidence(2, "gradient", ALL_LAYERS, 0.75),
        Evidence(4, "gradient", "x", 1),
    ]
    assert layer_rows(evidence, ("conv1", ALL_LAYERS), 4) == [
        {"epoch": 0.5, "value": 0.5, "layer": "conv1"},
        {"epoch": 0.5, "value": 0.75, "layer": NETWORK_LABEL},
    ]


def test_many_layers_and_moments_are_thinned_alike_for_all_layers():
    layers = tuple(f"conv{number}" for number in range(64))
    evidence = [Evidence(step, "gradient", layer, 1.0) for step in range(1, 201) for layer in layers]
    rows = layer_rows(evidence, layers, 1)
    assert len(rows) <= MAX_ROWS
    epochs = {layer: [row["epoch"] for row in rows if row["layer"] == layer] for layer in layers}
    assert all(of_layer == epochs["conv0"] for of_layer in epochs.values())
    assert (epochs["conv0"][0], epochs["conv0"][-1]) == (1, 200)


def test_thinning_keeps_the_ends_and_the_order():
    assert thinned([1, 2, 3], 5) == [1, 2, 3]
    assert thinned(list(range(101)), 5) == [0, 25, 50, 75, 100]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_colours_grow_lighter_with_depth(theme, count):
    key = layer_key([f"conv{number}" for number in range(count)], theme)
    light = [float(luminance(rgb(colour))) for colour in key.values()]
    assert len(key) == count
    assert light == sorted(light)


def test_the_whole_network_is_a_dashed_line_of_its_own():
    key = layer_key(["conv1", ALL_LAYERS])
    assert list(key) == ["conv1", NETWORK_LABEL]
    line = next(layer for layer in layer_chart("Norm", ["conv1", ALL_LAYERS], epochs=3)["layer"] if "params" in layer)
    assert line["encoding"]["color"]["scale"] == {"domain": list(key), "range": list(key.values())}
    assert NETWORK_LABEL in line["encoding"]["strokeDash"]["condition"]["test"]


def test_a_logarithmic_axis_leaves_zeros_out_and_shares_reach_from_none_to_all():
    line = next(layer for layer in layer_chart("Norm", ["a"], epochs=3, log=True)["layer"] if "params" in layer)
    assert line["encoding"]["y"]["scale"]["type"] == "log"
    assert line["transform"] == [{"filter": "datum.value > 0"}]
    line = next(layer for layer in layer_chart("Dead", ["a"], epochs=3, share=True)["layer"] if "params" in layer)
    assert line["encoding"]["y"]["scale"]["domain"] == [0, 1]


def test_the_learning_rate_is_drawn_at_every_point():
    rows = lr_rows((Point(1, 0.5, 9, 9, 0.01), Point(2, 1.0, 9, 9, 0.0001)))
    assert rows == [{"epoch": 0.5, "value": 0.01}, {"epoch": 1.0, "value": 0.0001}]


def test_descriptions_are_plain_json():
    for chart in (layer_chart("Norm", ["a", ALL_LAYERS], epochs=3), lr_chart(epochs=3)):
        assert json.loads(json.dumps(chart)) == chart
        assert chart["encoding"]["x"]["scale"]["domain"] == [0, 3]
