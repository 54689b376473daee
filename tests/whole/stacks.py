"""Random but valid networks, training settings and data sets, drawn from a seed."""

import random
from dataclasses import replace
from functools import cache
from typing import Any

from core.data.catalog import DATASETS
from core.data.importing.importer import import_images
from core.errors import SpecError
from core.model.layers import LAYERS, Activation, Dense, Flatten, GlobalAvgPool, Layer
from core.model.shapes import problems, summarize
from core.model.spec import ModelSpec
from core.model.zoo import BUNDLED
from core.options import options
from core.train.config import TrainConfig
from tests.data.archives import class_folders, packed

MAX_PARAMETERS, MAX_MACS = 60_000, 600_000  # of one image: three hundred stacks a minute

# Data sets of one's own: side, colour, number of classes.
OWN = ((28, False, 10), (9, False, 2), (12, True, 3), (16, True, 11))
BUILT_IN = ("digits",)  # `mnist5k` is validated on a thousand images: half of the seconds of such a walk

# Narrower than what the settings allow, where their whole range would take long or always diverge.
LAYER_RANGES = {
    "out_channels": (1, 12),
    "out_features": (1, 40),
    "kernel_size": (1, 5),
    "stride": (1, 3),
    "padding": (0, 2),
    "dilation": (1, 3),
    "groups": (1, 4),
    "up_to": (1, 3),
    "train_from": (0, 3),
}
TRAIN_RANGES = {
    "epochs": (1, 3),
    "batch_size": (1, 64),
    "lr": (1e-5, 0.05),
    "clip_norm": (0.01, 5.0),
    "weight_decay": (0.0, 0.1),
    "l1": (0.0, 0.01),
    "warmup_epochs": (0.0, 3.0),
    "step_epochs": (1, 3),
    "patience": (0, 2),
    "max_seconds": (0.0, 0.0),  # the only one whose effect depends on the machine
    "seed": (0, 2**31 - 1),
}
FIXED: dict[str, Any] = {"precision": "fp32", "device": "cpu", "max_seconds": 0.0}
STEPS = (4, 6)


@cache
def datasets(home: str) -> tuple[str, ...]:
    """Return the names of the data sets to draw from; some are imported into the data directory `home`."""
    names = list(BUILT_IN)
    for side, colour, classes in OWN:
        zipped = packed(class_folders({f"class {index}": 12 for index in range(classes)}))
        info = import_images(zipped, f"Own {side}", size=side, colour=colour, shares=(0.2, 0.2))
        names.append(info.name)
    return tuple(names)


def draw_stack(rng: random.Random, dataset: str) -> ModelSpec:
    """Return a valid network for a data set: layers of every kind, each setting drawn from its range."""
    info = DATASETS[dataset]
    spec = ModelSpec("Random stack", info.input_shape, len(info.class_names), ())
    kinds = tuple(LAYERS.values())
    maps = tuple(kind for kind in kinds if kind not in (Flatten, GlobalAvgPool, Dense))
    for among, count in ((maps, rng.randint(0, 7)), (kinds, rng.randint(0, 4))):
        for _ in range(count):
            kind = rng.choice(among)
            tries = (replace(spec, layers=(*spec.layers, draw_layer(rng, kind))) for _ in range(5))
            spec = next(filter(_fits, tries), spec)
    if not spec.layers or len(_shape(spec)) == 3:
        spec = replace(spec, layers=(*spec.layers, rng.choice((Flatten(), GlobalAvgPool()))))
    last = (Dense(spec.num_classes),) if rng.random() < 0.85 else (Dense(spec.num_classes), Activation(_function(rng)))
    spec = replace(spec, layers=(*spec.layers, *last))
    assert not problems(spec), problems(spec)
    return spec


def draw_layer(rng: random.Random, kind: type[Layer]) -> Layer:
    """Return a layer of a kind; its settings are drawn, and drawn again until they go together."""
    while True:
        try:
            drawn = {setting.name: _value(rng, setting, LAYER_RANGES) for setting in options(kind)}
            return kind(**(drawn | ({"network": BUNDLED} if "network" in drawn else {})))
        except SpecError:
            continue


def draw_config(rng: random.Random, dataset: str) -> TrainConfig:
    """Return settings of a training of a few steps: about half of them drawn, the others left as they are."""
    values: dict[str, Any] = {}
    for setting in options(TrainConfig):
        if setting.name not in FIXED and rng.random() < 0.4:
            values[setting.name] = _value(rng, setting, TRAIN_RANGES)
    classes, most = len(DATASETS[dataset].class_names), DATASETS[dataset].split_sizes[0]
    values |= {"epochs": rng.randint(1, 3), "batch_size": rng.randint(1, 24)}
    per_epoch = -(-rng.randint(*STEPS) // values["epochs"])
    rest = rng.randint(1, values["batch_size"])  # the last batch of an epoch may be any smaller
    images = (per_epoch - 1) * values["batch_size"] + rest
    values["train_images"] = min(max(images, classes), most)
    return TrainConfig(**(values | FIXED))


def _value(rng: random.Random, setting: Any, ranges: dict[str, tuple[Any, Any]]) -> Any:
    choices, low, high = setting.choices, setting.min, setting.max
    if choices and (low is None or rng.random() < 0.4):
        return rng.choice(list(choices))
    low, high = ranges.get(setting.name, (low, high))
    return rng.uniform(low, high) if isinstance(setting.default, float) else rng.randint(low, high)


def _function(rng: random.Random) -> str:
    function = next(setting for setting in options(Activation) if setting.name == "function")
    return str(rng.choice(list(function.choices)))


def _shape(spec: ModelSpec) -> tuple[int, ...]:
    shape = summarize(spec)[-1].output_shape
    assert shape is not None
    return shape


def _fits(spec: ModelSpec) -> bool:
    """Return whether all layers can work (the number of logits aside) and a step of it is quick."""
    layers = summarize(spec)
    if any(layer.output_shape is None for layer in layers):
        return False
    return (
        sum(layer.num_params for layer in layers) <= MAX_PARAMETERS
        and sum(layer.num_macs for layer in layers) <= MAX_MACS
    )
