"""Rules about single layers: gradients that do not reach the first ones, and units that answer nothing."""

from dataclasses import replace

import numpy as np

from core.model.layers import Activation, Dense, Flatten, GlobalAvgPool, Layer
from core.model.spec import ModelSpec
from core.train.describe import USUAL_LR, rounded
from core.train.diagnosis.finding import Finding, Severity, number
from core.train.diagnosis.run_arrays import RunArrays

FAINT = 0.01  # share of the last layer's gradient that is left in the first one; 0.03 and more while a network learns
DEAD_CHANNELS, DEAD_FEATURES = 0.7, 0.85  # networks that learn well have up to 0.3 and 0.65
SATURATING = ("sigmoid", "tanh")


def vanishing(s: RunArrays) -> Finding | None:
    """Find a gradient that all but fades out on its way to the first layer, for half of the early measurements."""
    layers = [name for name in s.run.spec.layer_names if name in s.gradients]
    if len(layers) < 3:
        return None
    first, last = s.gradients[layers[0]], s.gradients[layers[-1]]
    count = min(len(first.values), len(last.values))
    share = first.values[:count] / np.maximum(last.values[:count], 1e-30)
    faint = share < FAINT
    early = max(4, count // 4)
    bends = {layer.function for layer in s.run.spec.layers if isinstance(layer, Activation)}
    if count < 4 or faint[:early].mean() < 0.5:
        return None
    place = int(np.flatnonzero(faint)[len(np.flatnonzero(faint)) // 2])
    saturating = bool(bends & set(SATURATING))
    return Finding(
        rule="vanishing",
        title="Vanishing gradients",
        evidence=(
            f"In step {first.steps[place]:,.0f} the gradient was {number(last.values[place])} in {layers[-1]}, "
            f"but only {number(first.values[place])} in {layers[0]}."
        ),
        remedy=(
            f"Put ReLU in place of {' and '.join(word for word in SATURATING if word in bends)}."
            if saturating
            else "Put batch norm after the convolutions, or use residual blocks."
        ),
        severity=Severity.LOST if s.level > 0.95 * s.guess else Severity.HARM,
        spec=_bent(s, dict.fromkeys(SATURATING, "relu")) if saturating else None,
        measure="gradient",
        last=s.at(first.steps[np.flatnonzero(faint)[-1]]),
    )


def dead(s: RunArrays) -> Finding | None:
    """Find a layer most of whose units answer all images alike."""
    worst = max(s.dead, key=lambda name: s.dead[name].values[-1] / _limit(s, name), default=None)
    if worst is None or s.dead[worst].values[-1] < _limit(s, worst):
        return None
    course = s.dead[worst]
    since = np.flatnonzero(course.values < _limit(s, worst))
    start = course.steps[since[-1]] if len(since) else course.steps[0]
    typical = USUAL_LR[s.settings.optimizer]
    rectified = any(isinstance(layer, Activation) and layer.function == "relu" for layer in s.run.spec.layers)
    bend = rectified and s.settings.lr < 3 * typical
    lr = typical if s.settings.lr > typical else rounded(s.settings.lr / 10)
    return Finding(
        rule="dead",
        title="Dead units",
        evidence=f"In {worst} {course.values[-1]:.0%} of the units answer all images alike, whatever is shown.",
        remedy=(
            "Use leaky ReLU, which lets dead units come back."
            if bend
            else f"Lower the learning rate from {s.settings.lr:g} to {lr:g}, so that no update switches units off."
        ),
        severity=Severity.LOST if course.values[-1] > 0.99 else Severity.HARM,
        changes={} if bend else {"lr": lr},
        spec=_bent(s, {"relu": "leaky_relu"}) if bend else None,
        measure="dead",
        first=s.at(start),
        last=s.at(course.steps[-1]),
    )


def _limit(s: RunArrays, name: str) -> float:
    """Return the share of dead units that is too much: of the many features of a dense layer, few are needed."""
    stack = dict(zip(s.run.spec.layer_names, s.run.spec.layers, strict=True))
    before = list(stack.values())[: list(stack).index(name)] if name in stack else []
    flat = any(isinstance(layer, Flatten | GlobalAvgPool | Dense) for layer in before)
    return DEAD_FEATURES if flat else DEAD_CHANNELS


def _bent(s: RunArrays, functions: dict[str, str]) -> ModelSpec:
    """Return the network of the run with other activation functions."""

    def bend(layer: Layer) -> Layer:
        if isinstance(layer, Activation) and layer.function in functions:
            return Activation(functions[layer.function])
        return layer

    return replace(s.run.spec, layers=tuple(bend(layer) for layer in s.run.spec.layers))
