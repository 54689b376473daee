"""What the arithmetic of receptive fields says is what gradients show, on every preset and both ways."""

import random
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from core.errors import ConvScopeError
from core.model.build import build_model
from core.model.layers import Activation, AvgPool, BatchNorm, Conv, Dense, Flatten, GlobalAvgPool, MaxPool, Residual
from core.model.presets import PRESETS, preset
from core.model.shapes import summarize
from core.model.spec import ModelSpec
from core.probe.receptive_fields import field_steps, reach, receptive_field
from core.probe.units import effective_field
from tests.presets import OWN_PRESETS

Box = tuple[int, int, int, int]
ODD = (
    Conv(2, 3, 2, 2, 2),
    Activation(),
    MaxPool(3, 2, 1),
    BatchNorm(),
    Residual(2, 3, 2),
    Conv(2, 2),
    AvgPool(1, 2),
)


class MeanPool(nn.AvgPool2d):
    """Max pooling sends its gradient to one pixel; the mean of the same window sends it to all."""


@cache
def positive(spec: ModelSpec) -> nn.Sequential:
    """Return the network with all weights above 0 and means for maxima: nothing is cut off and nothing cancels."""
    torch.manual_seed(0)
    net = build_model(spec).double().eval()
    for name, module in net.named_children():
        if isinstance(module, nn.MaxPool2d):
            setattr(net, name, MeanPool(module.kernel_size, module.stride, module.padding))
    for weight in net.parameters():
        with torch.no_grad():
            weight.copy_(torch.rand_like(weight) + 0.5).div_(weight[0].numel() if weight.ndim > 1 else 1)
    return net


def box(places: Tensor) -> Box:
    """Return the smallest rectangle around what is not zero."""
    at = places.nonzero()
    if len(at) == 0:
        return 0, 0, 0, 0
    (top, left), (bottom, right) = at.amin(dim=0).tolist(), (at.amax(dim=0) + 1).tolist()
    return top, left, bottom, right


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 12, 11)])
def test_on_every_preset_the_rectangle_is_where_the_gradient_is(name: str, shape: tuple[int, int, int]) -> None:
    spec = preset(name, shape, 10)
    net, image = positive(spec), torch.rand(shape, dtype=torch.float64)
    for summary in summarize(spec):
        assert summary.output_shape is not None
        if summary.kind in ("activation", "batch_norm", "dropout"):
            continue  # they see what the layer before them sees
        if len(summary.output_shape) == 3:
            _, height, width = summary.output_shape
            for row, col in {(height // 2, width // 2), (height - 1, 0)}:
                found = effective_field(net, image, summary.name, 0, row, col)
                assert box(found) == receptive_field(spec, summary.name, row, col), (summary.name, row, col)
        elif summary.kind != "flatten":  # one number of it has a place yet
            assert box(effective_field(net, image, summary.name, 0)) == receptive_field(spec, summary.name)


def test_real_max_pooling_stays_inside_and_fills_the_rectangle_over_many_images() -> None:
    spec = ModelSpec("n", (1, 12, 12), 2, (Conv(3), MaxPool(3, 2, 1), Conv(3), MaxPool(), Flatten(), Dense(2)))
    net, generator = build_model(spec), torch.Generator().manual_seed(0)
    fields = [effective_field(net, torch.randn(1, 12, 12, generator=generator), "pool2", 0, 1, 2) for _ in range(60)]
    assert box(torch.stack(fields).sum(dim=0)) == receptive_field(spec, "pool2", 1, 2)
    assert (fields[0] > 0).sum() < (torch.stack(fields).sum(dim=0) > 0).sum()


@pytest.mark.parametrize("name", OWN_PRESETS)
def test_on_every_preset_a_pixel_reaches_the_units_that_it_moves(name: str) -> None:
    spec = preset(name, (1, 12, 11), 10)
    net = positive(spec)
    plain, hidden = torch.rand(1, 1, 12, 11, dtype=torch.float64), {}
    for part, module in net.named_children():
        module.register_forward_hook(lambda module, inputs, output, part=part: hidden.update({part: output}))
    for row, col in ((0, 0), (5, 4), (11, 10), (0, 7)):
        moved = plain.clone()
        moved[0, 0, row, col] += 1
        with torch.no_grad():
            net(plain)
            before = dict(hidden)
            net(moved)
        for layer in spec.layer_names:
            change = (hidden[layer] - before[layer])[0].abs()
            seen = change.amax(dim=0) if change.ndim == 3 else change.amax().reshape(1, 1)
            assert box(seen > 1e-13 * plain.abs().max()) == reach(spec, layer, row, col), (layer, row, col)


@pytest.mark.parametrize("layers", [ODD, (Conv(1, 2, 3, 0), Conv(1, 3, 1, "same", 2), AvgPool(2, 3, 1)), (Conv(1, 4),)])
def test_reach_is_the_inverse_of_the_receptive_field(layers: tuple) -> None:
    spec = ModelSpec("n", (1, 15, 13), 2, (*layers, Flatten(), Dense(2)))
    for layer, summary in zip(spec.layer_names, summarize(spec), strict=True):
        assert summary.output_shape is not None
        height, width = summary.output_shape[1:] or (1, 1)
        net, seen = positive(spec), {}
        for row in range(height):
            for col in range(width):
                image = torch.rand(1, 1, 15, 13, dtype=torch.float64, requires_grad=True)
                output = net[: spec.layer_names.index(layer) + 1](image)
                score = output[0, 0, row, col] if output.ndim == 4 else output.sum()
                seen[row, col] = torch.autograd.grad(score, image)[0][0, 0] != 0
                assert box(seen[row, col]) == receptive_field(spec, layer, row, col)
        for pixel in random.Random(0).sample([(row, col) for row in range(15) for col in range(13)], 20):
            units = torch.zeros(height, width)
            for place, field in seen.items():
                units[place] = field[pixel]
            assert reach(spec, layer, *pixel) == box(units), (layer, pixel)


def test_steps_agree_with_the_summaries_of_every_preset() -> None:
    for spec in [preset(name, (3, 32, 32), 10) for name in PRESETS]:
        for summary in summarize(spec):
            step = field_steps(spec, summary.name)[-1]
            assert (step.size, step.jump, step.offset) == (summary.receptive_field, summary.jump, summary.offset)
            assert step.sides == (summary.output_shape or ())[1:]


def test_the_arithmetic_by_hand() -> None:
    layers = (Conv(2, 3), MaxPool(2, 2), Residual(2, 3), Conv(2, 3, 2, 1, 2), GlobalAvgPool(), Dense(2))
    steps = field_steps(ModelSpec("n", (1, 16, 16), 2, layers), "dense1")
    assert [step.name for step in steps] == [
        "conv1",
        "pool1",
        "residual1.conv1",
        "residual1.conv2",
        "conv2",
        "gap1",
        "dense1",
    ]
    assert steps[0].arithmetic == {"size": "1 + (3 − 1) × 1 = 3", "jump": "1 × 1 = 1", "start": "0 − 1 × 1 = −1"}
    assert steps[1].arithmetic == {"size": "3 + (2 − 1) × 1 = 4", "jump": "1 × 2 = 2", "start": "−1 − 0 × 1 = −1"}
    assert (steps[3].size, steps[3].jump, steps[3].start) == (12, 2, -5)
    assert steps[4].arithmetic == {
        "span": "2 × (3 − 1) + 1 = 5",
        "size": "12 + (5 − 1) × 2 = 20",
        "jump": "2 × 2 = 4",
        "start": "−5 − 1 × 2 = −7",
    }
    assert steps[5].arithmetic == {"size": "20 + (3 − 1) × 4 = 28: all 3 places together"}
    assert steps[6].arithmetic == {"size": "28 stays"}


def test_a_dense_layer_joins_what_flatten_still_keeps_apart() -> None:
    flat, dense = field_steps(ModelSpec("n", (1, 8, 6), 2, (Conv(2, 3, 2, 1), Flatten(), Dense(2))), "dense1")[1:]
    assert (flat.arithmetic, flat.size) == ({"size": "3 stays"}, 3)
    assert (dense.arithmetic, dense.size) == ({"size": "3 + (4 − 1) × 2 = 9: all 4 places together"}, 9)


def test_the_effective_field_of_a_linear_network_is_its_kernel() -> None:
    net = nn.Sequential()
    net.add_module("conv1", nn.Conv2d(2, 3, 3))
    net.add_module("relu1", nn.ReLU(inplace=True))
    before = [module.training for module in net.modules()]
    field = effective_field(net, torch.randn(2, 6, 5), "conv1", 2, 1, 0)
    expected = torch.zeros(6, 5)
    expected[1:4, 0:3] = net[0].weight[2].detach().abs().sum(dim=0)
    assert torch.equal(field, expected)
    assert [module.training for module in net.modules()] == before
    assert net[0].weight.grad is None and net[0].weight.requires_grad and not net[0]._forward_hooks


def test_what_is_not_there_gets_a_sentence() -> None:
    spec = ModelSpec("n", (1, 6, 6), 2, (Conv(4, 3, padding=0), Conv(4, 9, padding=0), Flatten(), Dense(2)))
    with pytest.raises(ConvScopeError, match="no layer named 'pool1': choose one of conv1"):
        field_steps(spec, "pool1")
    with pytest.raises(ConvScopeError, match="mend it in Build"):
        reach(spec, "conv2", 0, 0)
    with pytest.raises(ConvScopeError, match="no pixel at row 6, column 0: it has 6 rows"):
        reach(spec, "conv1", 6, 0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3))
    with pytest.raises(ConvScopeError, match="no unit at channel 2, row 0, column 0"):
        effective_field(net, torch.zeros(1, 4, 4), "0", 2)
    with pytest.raises(ConvScopeError, match="no layer named 'a'"):
        effective_field(net, torch.zeros(1, 4, 4), "a", 0)
    with pytest.raises(ConvScopeError, match="normalize first"):
        effective_field(net, torch.zeros(1, 4, 4, dtype=torch.uint8), "0", 0)


def test_a_pixel_between_the_windows_reaches_nothing() -> None:
    spec = ModelSpec("n", (1, 7, 7), 2, (Conv(1, 1, 3, 0), Flatten(), Dense(2)))
    assert reach(spec, "conv1", 3, 6) == (1, 2, 2, 3)
    assert reach(spec, "conv1", 3, 5) == reach(spec, "dense1", 3, 5) == (0, 0, 0, 0)
    assert reach(spec, "dense1", 0, 0) == (0, 0, 1, 1)
