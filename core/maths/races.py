"""Paths of several optimisers from the same start on a landscape."""

from collections.abc import Iterable, Mapping

import numpy as np

from core.errors import ConvScopeError
from core.maths.arrays import Floats
from core.maths.landscapes import LANDSCAPES, Landscape, Point
from core.maths.optimizers import OptimizerState, update

NEAR = 0.05  # of the landscape's width: as good as there


def race(
    landscape: Landscape | str,
    start: Point,
    names: Iterable[str],
    steps: int,
    lrs: Mapping[str, float] | None = None,
    *,
    noise: float = 0.0,
    seed: int = 0,
    **settings: float,
) -> dict[str, Floats]:
    """Return the path of each optimiser, (steps + 1, 2) by its name, the start first.

    A path that comes to lie further outside the landscape's bounds than these are wide ends there; NaN follows.

    Args:
        landscape: A landscape, or its name in `LANDSCAPES`.
        start: Where all begin, (x, y).
        names: Names in `core.maths.optimizers.OPTIMIZERS`.
        steps: How many each one takes.
        lrs: Learning rates by name; the landscape's own where one is missing.
        noise: Spread of what is added to each derivative, as a share of the slope at the start, the same for all
            but "gd", which sees every image: what batches do to a gradient.
        seed: Which noise.
        settings: Other settings of `core.maths.optimizers.update` (momentum, beta1, …).

    Raises:
        ConvScopeError: A name is unknown, or a setting is out of its range.
    """
    ground = _ground(landscape)
    rates, runners = {**ground.lrs, **(lrs or {})}, tuple(names)
    for name in runners:
        if name not in rates:
            raise ConvScopeError(f"There is no learning rate for {name!r}: choose from {', '.join(ground.lrs)}.")
    spread = noise * float(np.linalg.norm(ground.gradient(start)))
    errors = spread * np.random.default_rng(seed).normal(size=(steps, 2))
    return {name: _path(ground, start, name, errors * (name != "gd"), rates[name], settings) for name in runners}


def _ground(landscape: Landscape | str) -> Landscape:
    if isinstance(landscape, Landscape):
        return landscape
    if landscape not in LANDSCAPES:
        raise ConvScopeError(f"There is no landscape {landscape!r}: choose one of {', '.join(LANDSCAPES)}.")
    return LANDSCAPES[landscape]


def _path(
    ground: Landscape, start: Point, name: str, errors: Floats, lr: float, settings: Mapping[str, float]
) -> Floats:
    low, high = np.array(ground.bounds).T
    path = np.full((len(errors) + 1, 2), np.nan)
    path[0], state = start, OptimizerState()
    for step, error in enumerate(errors):
        if ((path[step] < 2 * low - high) | (path[step] > 2 * high - low)).any():
            break
        done = update(name, path[step], ground.gradient(path[step]) + error, state, lr=lr, **settings)
        path[step + 1], state = done.weight, done.state
    return path


def arrival(ground: Landscape, path: Floats) -> str:
    """Say from which step on a path stays near one lowest point, or what became of it."""
    if not np.isfinite(path).all():
        return f"left at {int(np.isfinite(path).all(axis=1).sum()) - 1}"
    (left, right), _ = ground.bounds
    gaps = np.linalg.norm(path[:, None] - np.array(ground.minima, dtype=np.float64), axis=2)
    near = gaps[:, int(gaps[-1].argmin())] < NEAR * (right - left) / 2
    if not near[-1]:
        return "not yet"
    away = np.flatnonzero(~near)
    return f"step {int(away[-1]) + 1 if len(away) else 0}"
