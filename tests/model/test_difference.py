"""What changes between two networks is told with names and values, and with as few changes as there are."""

import random
from dataclasses import replace
from functools import lru_cache

import pytest

from core.model.difference import align, spec_changes
from core.model.layers import LAYERS, Activation, AvgPool, BatchNorm, Conv, Dense, Dropout, Flatten, Layer, MaxPool
from core.model.presets import PRESETS, preset
from core.model.spec import ModelSpec
from core.options import options


def network(*layers: Layer) -> ModelSpec:
    return ModelSpec("Network", (1, 8, 8), 10, layers)


@pytest.mark.parametrize("name", PRESETS)
def test_nothing_changes_from_a_network_to_itself_whatever_it_is_called(name: str) -> None:
    spec = preset(name, (3, 32, 32), 10)
    assert spec_changes(spec, replace(spec, name="Another name")) == ()


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ((Conv(32), Conv(64)), (Conv(32), Conv(32)), ("conv2: 64 → 32 filters",)),
        ((Conv(32), Conv(64)), (Conv(64), Conv(64)), ("conv1: 32 → 64 filters",)),
        ((Conv(8),), (Conv(8, 5, padding=0),), ("conv1: kernel size 3 → 5, padding same → 0",)),
        ((Dense(1024),), (Dense(8),), ("dense1: 1,024 → 8 outputs",)),
        ((Activation(),), (Activation("tanh"),), ("relu1: ReLU → Tanh",)),
        ((Dropout(0.5),), (Dropout(0.25),), ("dropout1: share dropped 0.5 → 0.25",)),
        ((MaxPool(),), (AvgPool(),), ("pool1: max pooling → average pooling",)),
        ((MaxPool(),), (AvgPool(3),), ("pool1: max pooling → average pooling, window 2 → 3",)),
        ((Dense(16),), (Dense(16), Dropout(0.3)), ("dropout1 (share dropped 0.3) added after dense1",)),
        ((Dense(16),), (BatchNorm(), Dense(16)), ("bn1 added in front",)),
        ((Conv(8), BatchNorm(), Flatten()), (Conv(8), Flatten()), ("bn1 removed",)),
        (
            (Conv(8), Activation()),
            (Conv(8), Activation(), Conv(8), Activation(), MaxPool()),
            ("conv2 (8 filters), relu2 and pool1 (window 2) added after relu1",),
        ),
        (
            (Conv(8), Flatten()),
            (Dense(4),),
            ("conv1 (8 filters) and flatten1 removed", "dense1 (4 outputs) added in front"),
        ),
    ],
)  # fmt: skip
def test_changes_are_told_with_names_and_values(
    before: tuple[Layer, ...], after: tuple[Layer, ...], changes: tuple[str, ...]
) -> None:
    assert spec_changes(network(*before), network(*after)) == changes


def test_the_images_and_the_classes_count_too() -> None:
    one = network(Dense(10))
    assert spec_changes(one, replace(one, input_shape=(3, 32, 32), num_classes=1000)) == (
        "images: 1×8×8 → 3×32×32",
        "classes: 10 → 1,000",
    )


@pytest.mark.parametrize(
    ("kind", "setting"), [(kind, setting) for kind, layer in LAYERS.items() for setting in options(layer)]
)
def test_every_setting_of_every_layer_is_told(kind: str, setting: object) -> None:
    layer = LAYERS[kind]()
    old = getattr(layer, setting.name)
    new = next(value for value in (*setting.choices, 1, 2, 0.125) if value != old and _allowed(layer, setting, value))
    (change,) = spec_changes(network(layer), network(replace(layer, **{setting.name: new})))
    assert " → " in change
    assert setting.label.lower() in change or setting.name == "function"


def _allowed(layer: Layer, setting: object, value: object) -> bool:
    try:
        replace(layer, **{setting.name: value})
    except Exception:
        return False
    return True


def test_two_stacks_are_paired_in_order_with_the_least_difference() -> None:
    kinds = (Conv(8), Conv(16), Activation(), Activation("tanh"), MaxPool(), AvgPool(), Dropout())
    source = random.Random(0)
    for _ in range(60):
        a, b = (tuple(source.choices(kinds, k=source.randrange(6))) for _ in "ab")
        pairs = align(a, b)
        assert [i for i, _ in pairs if i is not None] == list(range(len(a)))
        assert [j for _, j in pairs if j is not None] == list(range(len(b)))
        assert all(i is None or j is None or a[i].prefix == b[j].prefix for i, j in pairs)
        spent = sum(2 if i is None or j is None else a[i] != b[j] for i, j in pairs)
        assert spent == _least(a, b)


def _least(a: tuple[Layer, ...], b: tuple[Layer, ...]) -> int:
    @lru_cache
    def distance(i: int, j: int) -> int:
        if i == len(a) or j == len(b):
            return 2 * (len(a) - i + len(b) - j)
        ways = [2 + distance(i + 1, j), 2 + distance(i, j + 1)]
        if a[i].prefix == b[j].prefix:
            ways.append((a[i] != b[j]) + distance(i + 1, j + 1))
        return min(ways)

    return distance(0, 0)
