"""Every fix that is offered does what it says."""

from dataclasses import replace

import pytest

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
from core.model.shapes import problems
from core.model.spec import ModelSpec
from core.model.trace import trace


def _fixes(*layers: Layer, shape: tuple[int, int, int] = (3, 32, 32)) -> dict[str, tuple[Layer, ...]]:
    (found,) = problems(ModelSpec("test", shape, 10, layers))
    assert len({fix.label for fix in found.fixes}) == len(found.fixes) == len({fix.layers for fix in found.fixes})
    return {fix.label: fix.layers for fix in found.fixes}


def test_every_problem_of_random_stacks_is_solved_by_every_fix(random_specs: list[ModelSpec]) -> None:
    seen = set()
    for spec in random_specs:
        failed = trace(spec)
        for problem in problems(spec):
            assert 1 <= len(problem.fixes) <= 3
            for fix in problem.fixes:
                tried = trace(replace(spec, layers=fix.layers))
                assert tried.failure is None or tried.progress > failed.progress
                if failed.failure and failed.failure.code in ("logits", "empty"):
                    assert not problems(replace(spec, layers=fix.layers))
                seen.add(failed.failure and failed.failure.code)
    assert seen == {"maps", "flat", "same", "groups", "half", "span", "logits"}


def test_clicking_the_first_fix_again_and_again_ends_in_a_network(random_specs: list[ModelSpec]) -> None:
    for spec in random_specs:
        for _ in range(20):
            if not (found := problems(spec)):
                break
            spec = replace(spec, layers=found[0].fixes[0].layers)
        assert not problems(spec)


FIXES: list[tuple[tuple[Layer, ...], tuple[int, int, int], dict[str, tuple[Layer, ...]]]] = [
    (
        (MaxPool(), Conv(8, 5, padding=0), GlobalAvgPool(), Dense(10)),
        (3, 8, 8),
        {
            "Use padding 2 in conv1": (MaxPool(), Conv(8, 5, padding=2), GlobalAvgPool(), Dense(10)),
            "Remove pool1": (Conv(8, 5, padding=0), GlobalAvgPool(), Dense(10)),
            "Use a 3×3 kernel in conv1": (MaxPool(), Conv(8, 3, padding=0), GlobalAvgPool(), Dense(10)),
        },
    ),
    (
        (Conv(8, 3, padding=0, dilation=4), Flatten()),
        (3, 8, 8),
        {
            "Use padding 4 in conv1": (Conv(8, 3, padding=4, dilation=4), Flatten()),
            "Use dilation 3 in conv1": (Conv(8, 3, padding=0, dilation=3), Flatten()),
            "Use a 1×1 kernel in conv1": (Conv(8, 1, padding=0, dilation=4), Flatten()),
        },
    ),
    (
        (MaxPool(), AvgPool(5), Flatten()),
        (3, 8, 8),
        {
            "Use a 4×4 window in pool2": (MaxPool(), AvgPool(4), Flatten()),
            "Remove pool2": (MaxPool(), Flatten()),
            "Remove pool1": (AvgPool(5), Flatten()),
        },
    ),
    (
        (MaxPool(3, 2, 2), Flatten()),
        (3, 8, 8),
        {
            "Use padding 1 in pool1": (MaxPool(3, 2, 1), Flatten()),
            "Use a 4×4 window in pool1": (MaxPool(4, 2, 2), Flatten()),
            "Remove pool1": (Flatten(),),
        },
    ),
    (
        (Conv(32, groups=3), Flatten()),
        (3, 8, 8),
        {
            "Use groups = 1 in conv1": (Conv(32), Flatten()),
            "Use 33 filters in conv1": (Conv(33, groups=3), Flatten()),
            "Remove conv1": (Flatten(),),
        },
    ),
    (
        (Conv(8, 5, stride=2), Flatten()),
        (3, 8, 8),
        {
            "Use stride 1 in conv1": (Conv(8, 5), Flatten()),
            "Use padding 2 in conv1": (Conv(8, 5, stride=2, padding=2), Flatten()),
            "Remove conv1": (Flatten(),),
        },
    ),
    (
        (Conv(8), Dense(10)),
        (3, 8, 8),
        {
            "Insert flatten before dense1": (Conv(8), Flatten(), Dense(10)),
            "Insert global average pooling before dense1": (Conv(8), GlobalAvgPool(), Dense(10)),
        },
    ),
    (
        (Flatten(), BatchNorm(), Residual(8), Dense(10)),
        (3, 8, 8),
        {
            "Move residual1 before flatten1": (Residual(8), Flatten(), BatchNorm(), Dense(10)),
            "Remove residual1": (Flatten(), BatchNorm(), Dense(10)),
            "Remove flatten1": (BatchNorm(), Residual(8), Dense(10)),
        },
    ),
    (
        (Flatten(), Dense(7)),
        (3, 8, 8),
        {
            "Set dense1 to 10 outputs": (Flatten(), Dense(10)),
            "Add a dense layer with 10 outputs": (Flatten(), Dense(7), Dense(10)),
        },
    ),
    (
        (Conv(8),),
        (3, 8, 8),
        {
            "Add flatten and a dense layer with 10 outputs": (Conv(8), Flatten(), Dense(10)),
            "Add global average pooling and a dense layer with 10 outputs": (Conv(8), GlobalAvgPool(), Dense(10)),
        },
    ),
    (
        (Conv(8), GlobalAvgPool()),
        (3, 8, 8),
        {
            "Set conv1 to 10 filters": (Conv(10), GlobalAvgPool()),
            "Add a dense layer with 10 outputs": (Conv(8), GlobalAvgPool(), Dense(10)),
        },
    ),
    (
        (Flatten(), Dense(8192), Dense(10)),
        (3, 64, 64),
        {
            "Put global average pooling in place of flatten1": (GlobalAvgPool(), Dense(8192), Dense(10)),
            "Use 2048 outputs in dense1": (Flatten(), Dense(2048), Dense(10)),
            "Remove dense1": (Flatten(), Dense(10)),
        },
    ),
]


@pytest.mark.parametrize(("layers", "shape", "fixes"), FIXES)
def test_fixes_of(layers: tuple[Layer, ...], shape: tuple[int, int, int], fixes: dict[str, tuple[Layer, ...]]) -> None:
    found = _fixes(*layers, shape=shape)
    assert found == fixes
    assert list(found) == list(fixes)


def test_no_layers_at_all_start_from_something_that_works() -> None:
    for shape in ((1, 1, 1), (3, 32, 32), (16, 512, 512)):
        found = _fixes(shape=shape)
        assert all(not problems(ModelSpec("test", shape, 10, layers)) for layers in found.values())
    assert "Start with the tutorial's network" in _fixes(shape=(3, 32, 32))


def test_a_full_stack_and_a_costly_one_can_still_be_mended() -> None:
    full = ModelSpec("full", (3, 8, 8), 10, (Activation(),) * 64)
    large = ModelSpec("large", (16, 512, 512), 1000, (Activation(), Activation(), Activation()))
    for spec in (
        full,
        large,
        replace(large, layers=(Flatten(),)),
        replace(full, layers=(*full.layers[:63], Flatten())),
    ):
        (problem,) = problems(spec)
        assert problem.fixes
        for _ in range(10):
            if found := problems(spec):
                spec = replace(spec, layers=found[0].fixes[0].layers)
        assert not problems(spec)
        assert len(spec.layers) <= 64


def test_costly_layers_are_made_smaller() -> None:
    assert list(_fixes(Conv(1024, 31), Conv(1024, 31), GlobalAvgPool(), shape=(3, 8, 8))) == [
        "Use 32 filters in conv2",
        "Use a 5×5 kernel in conv2",
        "Remove conv2",
    ]
    assert list(_fixes(Conv(64, 1), GlobalAvgPool(), shape=(3, 512, 512)))[:2] == [
        "Use 16 filters in conv1",
        "Insert max pooling before conv1",
    ]
    build_model(
        ModelSpec(
            "test", (3, 64, 64), 10, _fixes(Flatten(), Dense(8192), Dense(10), shape=(3, 64, 64))["Remove dense1"]
        )
    )
