"""Stacks that nobody would think of: half of them cannot work."""

import random
from dataclasses import replace

import pytest

from core.model.layers import LAYERS, Layer
from core.model.spec import ModelSpec
from core.options import options

SMALL = {
    "out_channels": (1, 2, 3, 4, 6, 8),
    "kernel_size": (1, 2, 3, 4, 5, 7),
    "stride": (1, 1, 1, 2, 3),
    "padding": ("same", 0, 0, 1, 2, 3),
    "dilation": (1, 1, 2, 3),
    "groups": (1, 1, 1, 2, 3),
    "out_features": (1, 5, 10),
    "p": (0.0, 0.5),
    "negative_slope": (0.01, 0.2),
}


def _layer(chance: random.Random) -> Layer:
    kind = LAYERS[chance.choice([kind for kind in LAYERS if kind != "backbone"])]  # that has tests of its own
    values = {}
    for setting in options(kind):
        wanted = chance.choice(SMALL.get(setting.name) or list(setting.choices))
        in_range = setting.min is not None and not isinstance(wanted, str)
        values[setting.name] = wanted if in_range or wanted in setting.choices else setting.default
    return kind(**values)


@pytest.fixture(scope="session")
def random_specs() -> list[ModelSpec]:
    """600 networks on images of 1 to 14 pixels, with 1 to 7 small layers of every kind and setting."""
    chance = random.Random(20)
    empty = ModelSpec("random", (1, 1, 1), 10, ())
    return [
        replace(
            empty,
            input_shape=(chance.randint(1, 4), chance.randint(1, 14), chance.randint(1, 14)),
            layers=tuple(_layer(chance) for _ in range(chance.randint(1, 7))),
        )
        for _ in range(600)
    ]
