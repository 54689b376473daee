"""Drawings of networks: sizes against hand-computed values, a sign for every kind, text that stays text."""

import re
from itertools import pairwise
from math import sqrt
from xml.etree import ElementTree

import pytest

from core.figures.layer_signs import SIGNS, kind_title, sign_of
from core.figures.network_blocks import DrawnLayer, Scale, fold, place, spec_layers
from core.figures.network_drawing import network_svg
from core.model.layers import LAYERS, Activation, Conv, Dense, Flatten, Layer, MaxPool
from core.model.spec import ModelSpec

SVG = "{http://www.w3.org/2000/svg}"


def spec(*layers: Layer) -> ModelSpec:
    return ModelSpec("Small", (1, 28, 28), 10, layers)


SMALL = spec(Conv(16), Activation(), MaxPool(), Conv(64), Flatten(), Dense(10))


def groups(svg: str) -> dict[str, ElementTree.Element]:
    """Return the groups of a drawing's layers by name."""
    return {group.get("data-layer", ""): group for group in ElementTree.fromstring(svg).iter(f"{SVG}g")}


def test_fronts_are_as_high_as_the_square_root_of_the_map_and_as_thick_as_that_of_the_channels():
    layers = spec_layers(SMALL)
    blocks = {block.item.layer.name: block for block in place(fold(layers), Scale.of(layers))}
    assert [layer.shape for layer in layers] == [
        *[(1, 28, 28), (16, 28, 28), (16, 28, 28), (16, 14, 14), (64, 14, 14), (12544,), (10,)]
    ]
    assert (blocks["conv1"].width, blocks["conv1"].height) == (18.0, 96.0)  # 36 · √(16 / 64), 96 · √(28 / 28)
    assert blocks["conv1"].depth == pytest.approx(0.35 * 96)
    assert (blocks["conv2"].width, blocks["conv2"].height) == (36.0, pytest.approx(96 / sqrt(2)))
    assert (blocks["flatten1"].width, blocks["flatten1"].height) == (9.0, 96.0)
    assert blocks["dense1"].height == 3.0  # 96 · √(10 / 12544) = 2.7, but never below 3
    assert (blocks["relu1"].width, blocks["relu1"].height) == (5.0, 96.0)


def test_columns_stand_side_by_side_and_hold_their_labels():
    layers = spec_layers(SMALL)
    blocks = place(fold(layers), Scale.of(layers))
    assert all(one.column[1] < two.column[0] for one, two in pairwise(blocks))
    (conv,) = [block for block in blocks if block.item.layer.name == "conv2"]
    assert conv.column[1] - conv.column[0] >= 6.8 * len("64×14×14")


def test_the_drawing_holds_every_layer_with_its_exact_shape():
    drawn = groups(network_svg(spec_layers(SMALL), title="Small"))
    shapes = {name: [text.text for text in group.iter(f"{SVG}text")][1:] for name, group in drawn.items()}
    assert shapes == {
        "input": ["1×28×28"],
        "conv1": ["16×28×28"],
        "relu1": [],  # that of the block before
        "pool1": ["16×14×14"],
        "conv2": ["64×14×14"],
        "flatten1": ["12544"],
        "dense1": ["10"],
    }


@pytest.mark.parametrize("kind", [*LAYERS, "block", "input", "other"])
def test_every_kind_has_a_sign_of_its_own_a_title_and_colours(kind: str) -> None:
    svg = network_svg([DrawnLayer("layer", kind, (4, 8, 8))], title="One", legend=True)
    assert [path.get("d") for path in groups(svg)["layer"].iter(f"{SVG}path")].count(SIGNS[kind]) == 1
    assert [other for other in SIGNS if SIGNS[other] == sign_of(kind)] == [kind]
    assert f">{kind_title(kind)}</text>" in svg
    assert len(re.findall(rf"\.{kind} \.front\{{fill:#[0-9a-fA-F]{{6}}", svg)) == 2  # light and dark


def test_a_wrong_stack_is_drawn_up_to_the_layer_that_is_wrong():
    layers = spec_layers(spec(Conv(4), Dense(10), Activation(), Dense(10)))
    assert [layer.name for layer in layers] == ["input", "conv1", "dense1"]
    drawn = groups(network_svg(layers, title="Wrong"))
    assert "wrong" in str(drawn["dense1"].get("class")).split()
    assert "takes one row of numbers" in str(drawn["dense1"].findtext(f"{SVG}title"))


def test_text_of_users_is_text():
    hostile = '<script>alert("x")</script>&\''
    layers = [DrawnLayer(hostile, "conv", (1, 2, 2), hostile, hostile)]
    svg = network_svg(layers, title=hostile, targets=[hostile], legend=True)
    root = ElementTree.fromstring(svg)
    assert not list(root.iter(f"{SVG}script"))
    assert root.findtext(f"{SVG}title") == hostile
    assert root.find(f"{SVG}g").get("data-target") == hostile  # type: ignore[union-attr]


BLOCKS = [
    DrawnLayer("stem", "conv", (8, 16, 16)),
    *(
        DrawnLayer(f"{block}{end}", kind, (8, 16, 16))
        for block in ("a.0", "a.1")
        for end, kind in ((".conv", "conv"), (".inner.conv", "conv"), (".inner", "block"), ("", "block"))
    ),
]


def test_blocks_of_a_deep_network_are_folded_but_for_those_around_the_current_layer():
    names = [layer.name for layer in BLOCKS]
    folded = fold(BLOCKS, ["stem"], names, most=5)
    assert [(item.layer.name, item.folds, item.target) for item in folded] == [
        *[("stem", 0, "stem"), ("a.0", 3, "a.0"), ("a.1", 3, "a.1")]
    ]
    opened = fold(BLOCKS, ["a.1.conv"], names, most=5)
    assert [(item.label, item.group, item.folds, item.current) for item in opened] == [
        ("stem", "", 0, False),
        ("a.0", "", 3, False),
        ("conv", "a.1", 0, True),
        ("inner", "a.1", 1, False),
        ("a.1", "", 0, False),
    ]
    assert len(fold(BLOCKS, most=9)) == 9


def test_a_layer_stands_for_those_inside_it_that_can_be_gone_to():
    (item,) = fold([DrawnLayer("residual1", "residual", (8, 4, 4))], ["residual1.conv2"], ["residual1.conv1"])
    assert (item.target, item.current) == ("residual1.conv1", True)
