"""What a page says about a layer is what torch does."""

import itertools
from math import prod

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from core.model.build import build_model, make_module
from core.model.calls import module_call
from core.model.layer_result import formula
from core.model.layers import (
    LAYERS,
    Activation,
    AvgPool,
    Backbone,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Residual,
)
from core.model.presets import preset
from core.model.shapes import LayerSummary, problems, summarize
from core.model.spec import ModelSpec
from core.model.trace import RULES, trace

# Not "flat": torch would apply a dense layer to the last axis of maps. Nor global pooling of a vector, which it
# takes for one map, the batch being its height.
TORCH_RAISES = ("maps", "same", "groups", "half", "span")


def _spec(*layers: Layer, shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10) -> ModelSpec:
    return ModelSpec("test", shape, num_classes, layers)


def _only_problem(*layers: Layer, shape: tuple[int, int, int] = (3, 32, 32)) -> str:
    (found,) = problems(_spec(*layers, shape=shape))
    return found.message


@torch.no_grad()
def _run(module: nn.Module, images: torch.Tensor, summary: LayerSummary) -> torch.Tensor:
    with FlopCounterMode(display=False) as counter:
        result: torch.Tensor = module.eval()(images)
    assert tuple(result.shape[1:]) == summary.output_shape
    assert sum(p.numel() for p in module.parameters()) == summary.num_params
    assert counter.get_total_flops() == 2 * len(images) * summary.num_macs
    return result


GRIDS = [
    *(Conv(6, *v) for v in itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 3), (1, 2), (1, 3))),
    *(Conv(6, kernel, padding="same", dilation=d) for kernel in (1, 2, 3, 4, 15, 30) for d in (1, 2, 3)),
    *(pool(*v) for pool in (MaxPool, AvgPool) for v in itertools.product((1, 2, 3, 4), (1, 2, 3, 5), (0, 1, 2))),
    *(Residual(*v) for v in itertools.product((3, 8), (1, 3, 5, 7), (1, 2, 3, 8))),
    *(Activation(function) for function in ("relu", "leaky_relu", "sigmoid", "tanh", "gelu", "silu")),
    *(BatchNorm(), Dropout(), GlobalAvgPool(), Flatten(), Dense(7)),
]


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind != "backbone"])  # see test_backbone.py
@pytest.mark.parametrize("shape", [(3, 12, 12), (3, 7, 10), (3, 2, 1)])
def test_single_layers_agree_with_torch(kind: str, shape: tuple[int, int, int]) -> None:
    layers = [layer for layer in GRIDS if layer.kind == kind]
    assert layers
    for layer in layers:
        _compare(_spec(layer, shape=shape))


def test_random_stacks_agree_with_torch(random_specs: list[ModelSpec]) -> None:
    endings = [_compare(spec) for spec in random_specs]
    assert set(endings) >= {*TORCH_RAISES, "flat", "logits"}
    assert endings.count("logits") > 100


def _compare(spec: ModelSpec) -> str:
    """Run a stack layer by layer in torch and hold every number against its summary; return how it ended."""
    images = torch.rand(2, *spec.input_shape)
    code = failure.code if (failure := trace(spec).failure) else "none"
    for layer, summary in zip(spec.layers, summarize(spec), strict=True):
        if summary.output_shape is None:
            assert summary.problem and summary.problem.layer == summary.name
            if code in TORCH_RAISES and not isinstance(layer, GlobalAvgPool):
                with pytest.raises((RuntimeError, ValueError, IndexError)), torch.no_grad():
                    make_module(module_call(layer, tuple(images.shape[1:]))).eval()(images)
            return code
        assert summary.input_shape == tuple(images.shape[1:])
        images = _run(make_module(module_call(layer, summary.input_shape)), images, summary)
    return code


def test_arithmetic_is_spelled_out() -> None:
    conv, grouped, norm, block, flat, dense = summarize(
        _spec(Conv(32), Conv(64, groups=4), BatchNorm(), Residual(8, stride=2), Flatten(), Dense(10))
    )
    assert formula(conv.params) == "3 × 3 × 3 × 32 + 32 = 896"
    assert conv.macs_formula == "32 × 32 × 3 × 3 × 3 × 32 = 884,736"
    assert formula(grouped.params) == "3 × 3 × 8 × 64 + 64 = 4,672"
    assert formula(norm.params) == "2 × 64 = 128"
    assert formula(block.params) == "3 × 3 × 64 × 8 + 2 × 8 + 3 × 3 × 8 × 8 + 2 × 8 + 1 × 1 × 64 × 8 + 2 × 8 = 5,744"
    assert (formula(flat.params), flat.num_params, flat.macs_formula) == ("", 0, "")
    assert formula(dense.params) == "2,048 × 10 + 10 = 20,490"
    assert dense.macs_formula == "2,048 × 10 = 20,480"


def test_formulas_add_up(random_specs: list[ModelSpec]) -> None:
    for spec in random_specs[:100]:
        for summary in summarize(spec):
            for terms, value in ((summary.params, summary.num_params), (summary.macs, summary.num_macs)):
                left, _, right = (formula(terms) or "0 = 0").replace(",", "").partition(" = ")
                assert sum(prod(map(int, term.split(" × "))) for term in left.split(" + ")) == value == int(right)


def test_receptive_fields_of_the_tutorial_by_hand() -> None:
    fields = [(s.receptive_field, s.jump, s.offset) for s in summarize(preset("tutorial", (3, 32, 32), 10))]
    maps = [(3, 1, 0.0), (3, 1, 0.0), (4, 2, 0.5), (8, 2, 0.5), (8, 2, 0.5), (10, 4, 1.5)]
    maps += [(18, 4, 1.5), (18, 4, 1.5), (22, 8, 3.5)]
    assert fields[:9] == maps
    assert fields[9:] == [(22, None, None), *3 * [(46, None, None)]]  # 22 + 3 × 8: all places of the 4×4 maps


SEEING = [
    (Conv(2, 3, 2, 1), Conv(2, 5, 1, 0), AvgPool(3, 2, 1)),
    (Conv(2, 4, 1, 0, 2), AvgPool(), Conv(2, 3, 1, 3, 2)),
    (Conv(2, 4), Conv(2, 2, padding="same", dilation=3), AvgPool(2, 3)),
    (Residual(4, 3, 2), Residual(4, 5, 1), AvgPool(2, 1, 1)),
    (Conv(2, 1, 3, 2), Activation("sigmoid"), Conv(2, 3)),
]


@pytest.mark.parametrize("layers", SEEING)
def test_receptive_fields_agree_with_gradients(layers: tuple[Layer, ...]) -> None:
    """One number in the middle has gradients exactly where the recurrences say that it looks."""
    side = 61
    spec = _spec(*layers, shape=(1, side, side))
    modules = [
        make_module(module_call(layer, s.input_shape or ())) for layer, s in zip(layers, summarize(spec), strict=True)
    ]
    images = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    maps = images
    for module, summary in zip(modules, summarize(spec), strict=True):
        for weights in module.parameters():
            nn.init.constant_(weights, 0.01)  # nothing cancels out
        maps = module.double().eval()(maps)
        assert summary.jump is not None and summary.offset is not None and summary.receptive_field is not None
        index = maps.shape[-1] // 2
        (gradient,) = torch.autograd.grad(maps[0, 0, index, index], images, retain_graph=True)
        seen = gradient[0, 0].sum(0).nonzero()
        centre, half = summary.offset + index * summary.jump, (summary.receptive_field - 1) / 2
        assert (seen.min().item(), seen.max().item()) == (centre - half, centre + half)


def test_global_pooling_and_dense_see_all_places_together() -> None:
    pooled = summarize(_spec(Conv(10, padding=0), GlobalAvgPool()))[-1]
    assert (pooled.receptive_field, pooled.jump, pooled.offset, pooled.problem) == (32, None, None, None)
    *_, flat, dense = summarize(_spec(MaxPool(), Flatten(), Dense(10), shape=(3, 8, 6)))
    assert (flat.receptive_field, dense.receptive_field) == (2, 8)


MESSAGES = [
    ((Conv(8, 5, padding=0),), (3, 4, 4), "(4 − 5 + 2 × 0) / 1 + 1 = 0: the 5×5 kernel is larger than the 4×4 map."),
    (
        (Conv(8, 3, 2, 0, dilation=3),),
        (3, 9, 4),
        "⌊(4 − 7 + 2 × 0) / 2⌋ + 1 = −1: the 3×3 kernel, spread over 7 pixels by dilation, is larger than the 9×4 map.",
    ),
    (
        (Conv(8, 7, padding=1),),
        (3, 4, 4),
        "(4 − 7 + 2 × 1) / 1 + 1 = 0: the 7×7 kernel is larger than the 4×4 map with its padding of 1.",
    ),
    ((MaxPool(),), (3, 1, 1), "⌊(1 − 2 + 2 × 0) / 2⌋ + 1 = 0: the 2×2 window is larger than the 1×1 map."),
    (
        (AvgPool(3, 1, 2),),
        (3, 8, 8),
        "2 × 2 = 4 > 3: padding 2 is more than half of the 3×3 window, which would see only border.",
    ),
    (
        (Conv(32, groups=2),),
        (3, 8, 8),
        "3 / 2 = 1.5: 3 input channels cannot be shared out equally among 2 groups.",
    ),
    ((Conv(32, groups=3),), (3, 8, 8), "32 / 3 = 10.67: 32 filters cannot be shared out equally among 3 groups."),
    (
        (Conv(32, stride=2),),
        (3, 9, 9),
        "⌈9 / 2⌉ = 5 ≠ 9: padding 'same' keeps a map's size, which a stride of 2 cannot.",
    ),
    ((Dense(10),), (3, 8, 8), "3 × 8 × 8 = 192: a dense layer takes one row of numbers, but gets 3×8×8 maps."),
    ((Flatten(), Conv()), (3, 8, 8), "a convolution takes maps of C × H × W, but gets a row of 192 numbers."),
    ((Flatten(), MaxPool()), (3, 8, 8), "pooling takes maps of C × H × W, but gets a row of 192 numbers."),
    ((), (3, 8, 8), "0 layers: there is nothing yet that could learn."),
    ((Conv(10),), (3, 8, 8), "the network ends with 10×8×8 maps, but needs 10 numbers, one for each class."),
    (
        (Flatten(), Dense(7)),
        (3, 8, 8),
        "7 ≠ 10: the network ends with 7 numbers, but needs 10 numbers, one for each class.",
    ),
    (
        (Conv(1024, 31), Conv(1024, 31)),
        (3, 8, 8),
        "2,953,216 + 1,007,682,560 = 1,010,635,776 parameters: at most 50,000,000 are allowed.",
    ),
    ((Conv(3), Backbone()), (3, 8, 8), "layer 2: a pretrained backbone looks at pictures, as the first layer."),
    ((Backbone(),), (2, 8, 8), "2 channels: EfficientNet-Lite0 looks at grey or colour pictures, of 1 or 3."),
    ((Backbone(up_to=20),), (3, 8, 8), "20 > 18: EfficientNet-Lite0 has 18 blocks."),
    (
        (Conv(1024, 1),),
        (3, 512, 512),
        "0 + 268,435,456 = 268,435,456 numbers to keep for every image: at most 8,000,000 are allowed.",
    ),
    (
        (Conv(28, 31), Conv(28, 31)),
        (3, 300, 300),
        "7,265,160,000 + 67,808,160,000 = 75,073,320,000 multiply-adds for every image: "
        "at most 20,000,000,000 are allowed.",
    ),
]


@pytest.mark.parametrize(("layers", "shape", "message"), MESSAGES)
def test_problems_show_the_formula_with_its_numbers(
    layers: tuple[Layer, ...], shape: tuple[int, int, int], message: str
) -> None:
    assert _only_problem(*layers, shape=shape) == message


def test_every_rule_has_its_message() -> None:
    broken = {trace(_spec(*layers, shape=shape)).failure for layers, shape, _ in MESSAGES}
    assert {failure.code for failure in broken if failure} == set(RULES)


def test_summaries_go_on_without_shapes_behind_an_impossible_layer() -> None:
    above, wrong, below, last = summarize(_spec(Conv(4), Dense(10), Flatten(), Dense(10)))
    assert above.output_shape == (4, 32, 32) and above.problem is None
    assert wrong.input_shape == (4, 32, 32) and wrong.output_shape is None and wrong.problem
    assert [(s.input_shape, s.output_shape, s.problem, s.num_params) for s in (below, last)] == 2 * [
        (None, None, None, 0)
    ]
    assert (below.name, last.name, last.kind) == ("flatten1", "dense2", "dense")


def test_normalisation_dropout_and_activations_take_maps_and_vectors() -> None:
    layers = (
        BatchNorm(),
        Dropout(),
        Activation(),
        Flatten(),
        BatchNorm(),
        Dropout(),
        Activation(),
        Flatten(),
        Dense(10),
    )
    model = build_model(_spec(*layers))
    assert not problems(_spec(*layers))
    assert isinstance(model.bn1, nn.BatchNorm2d) and isinstance(model.bn2, nn.BatchNorm1d)


def test_legal_endings_that_are_seldom_meant_get_a_note() -> None:
    for layer in (Activation(), Dropout()):
        spec = _spec(Flatten(), Dense(10), layer)
        assert not problems(spec)
        assert [bool(summary.note) for summary in summarize(spec)] == [False, False, True]
