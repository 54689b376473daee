"""A unit's receptive field is exactly where its gradient on the input is not zero."""

import random

import numpy as np
import pytest
import torch

from core.errors import ConvScopeError
from core.model.build import build_model
from core.model.layers import (
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Residual,
)
from core.model.presets import PRESETS, preset
from core.model.shapes import summarize
from core.model.spec import ModelSpec
from core.probe.receptive_fields import receptive_field
from core.probe.unit_windows import inner_share


def seen_by_gradient(spec: ModelSpec, layer: str, row: int, col: int) -> tuple[int, int, int, int]:
    """Return the smallest rectangle of input pixels on which the unit depends, by its gradient."""
    head = spec.layer_names.index(layer) + 1
    net = build_model(spec).double().eval()[:head]
    for weight in net.parameters():
        weight.data.abs_().add_(0.1)
    image = torch.rand(1, *spec.input_shape, dtype=torch.float64, requires_grad=True)
    output = net(image)
    score = output[0, 0, row, col] if output.ndim == 4 else output.sum()
    (gradient,) = torch.autograd.grad(score, image)
    places = gradient[0].abs().sum(dim=0).nonzero()
    if len(places) == 0:
        return 0, 0, 0, 0
    (top, left), (bottom, right) = places.amin(dim=0).tolist(), (places.amax(dim=0) + 1).tolist()
    return top, left, bottom, right


def random_stack(draw: random.Random, shape: tuple[int, int, int]) -> ModelSpec:
    layers: list[Layer] = []
    for _ in range(draw.randint(1, 5)):
        kind = draw.choice(["conv", "conv", "pool", "residual", "point"])
        if kind == "conv":
            stride = draw.randint(1, 3)
            padding = draw.choice([0, 1, 2, "same"]) if stride == 1 else draw.randint(0, 3)
            layers.append(Conv(2, draw.randint(1, 5), stride, padding, draw.randint(1, 2)))
        elif kind == "pool":
            kernel = draw.randint(1, 4)
            layers.append(AvgPool(kernel, draw.randint(1, 4), draw.randint(0, kernel // 2)))
        elif kind == "residual":
            layers.append(Residual(2, draw.choice([1, 3, 5]), draw.randint(1, 4)))
        else:
            layers += [BatchNorm(), Activation("leaky_relu")]
    return ModelSpec("random", shape, 2, (*layers, GlobalAvgPool(), Dense(2)))


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_the_gradient_on_random_stacks(seed: int) -> None:
    draw = random.Random(seed)
    spec = random_stack(draw, (1, draw.randint(9, 30), draw.randint(9, 30)))
    while any(summary.problem for summary in summarize(spec)):
        spec = random_stack(draw, (1, draw.randint(9, 30), draw.randint(9, 30)))
    for summary in summarize(spec):
        assert summary.output_shape is not None
        sides = summary.output_shape[1:] or (1, 1)
        places = {(0, 0), (sides[0] - 1, sides[1] - 1), (draw.randrange(sides[0]), draw.randrange(sides[1]))}
        for row, col in places:
            found = receptive_field(spec, summary.name, row, col)
            assert found == seen_by_gradient(spec, summary.name, row, col), (spec.layers, summary.name, row, col)


def test_by_hand() -> None:
    spec = ModelSpec("n", (1, 12, 10), 2, (Conv(4), MaxPool(), Conv(4, padding=0), Flatten(), Dense(2)))
    assert receptive_field(spec, "conv1", 5, 5) == (4, 4, 7, 7)
    assert receptive_field(spec, "conv1", 0, 9) == (0, 8, 2, 10)
    assert receptive_field(spec, "pool1", 1, 1) == (1, 1, 5, 5)
    assert receptive_field(spec, "conv2", 1, 1) == (1, 1, 9, 9)
    assert receptive_field(spec, "dense1") == receptive_field(spec, "flatten1", 7, 7) == (0, 0, 12, 10)


def test_inside_the_image_the_side_is_that_of_the_summary() -> None:
    spec = ModelSpec("n", (3, 64, 64), 2, (Conv(2), Conv(2, 5), MaxPool(), Conv(2, dilation=2), GlobalAvgPool()))
    for summary in summarize(spec)[:4]:
        assert summary.output_shape is not None
        top, left, bottom, right = receptive_field(spec, summary.name, summary.output_shape[1] // 2, 15)
        assert bottom - top == right - left == summary.receptive_field


def test_a_unit_over_padding_alone_sees_nothing() -> None:
    spec = ModelSpec("n", (1, 4, 4), 2, (Conv(1, 1, padding=2), Flatten(), Dense(2)))
    assert receptive_field(spec, "conv1", 0, 3) == (0, 0, 0, 0)
    assert receptive_field(spec, "conv1", 2, 3) == (0, 1, 1, 2)


@pytest.mark.parametrize("name", PRESETS)
def test_every_layer_of_every_preset_has_one(name: str) -> None:
    spec = preset(name, (3, 32, 32), 10)
    assert all(receptive_field(spec, layer)[2] >= 1 for layer in spec.layer_names)


def test_bad_places_get_a_sentence() -> None:
    spec = ModelSpec("n", (1, 6, 6), 2, (Conv(4, 3, padding=0), Conv(4, 9, padding=0), Flatten(), Dense(2)))
    with pytest.raises(ConvScopeError, match="no layer named 'pool1': choose one of conv1"):
        receptive_field(spec, "pool1")
    with pytest.raises(ConvScopeError, match="4 rows and 4 columns"):
        receptive_field(spec, "conv1", 4, 0)
    with pytest.raises(ConvScopeError, match="mend it in Build"):
        receptive_field(spec, "dense1")


def test_the_inner_half_is_the_middle_and_its_share() -> None:
    slopes = np.zeros((10, 10))
    slopes[2:10, 1:5] = 1
    assert inner_share(slopes, (2, 1, 10, 5)) == ((4, 2, 8, 4), 8 / 32)
    assert inner_share(slopes, (2, 1, 3, 2)) == ((2, 1, 3, 2), 1 / 32)
    assert inner_share(np.zeros((4, 4)), (0, 0, 4, 4))[1] == 0
