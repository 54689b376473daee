"""Loss landscapes of two weights for comparing optimisers: values, gradients and minima."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from core.maths.arrays import Floats, floats

Point = tuple[float, float]


@dataclass(frozen=True)
class Landscape:
    """A loss as a function of two weights.

    Attributes:
        title: What it is called on screen.
        summary: What it teaches, in one sentence.
        formula: f(x, y) in LaTeX.
        bounds: The part to draw: ((x from, x to), (y from, y to)).
        minima: All lowest points, (x, y) each.
        start: Where a race is worth watching from.
        lrs: Learning rate for each optimiser by name that suits the surface.
        height, slope: f and its two derivatives of x and y, arrays of the same shape.
    """

    title: str
    summary: str
    formula: str
    bounds: tuple[Point, Point]
    minima: tuple[Point, ...]
    start: Point
    lrs: Mapping[str, float] = field(hash=False)
    height: Callable[[Floats, Floats], Floats]
    slope: Callable[[Floats, Floats], tuple[Floats, Floats]]

    @property
    def minimum(self) -> Point:
        """The first of the lowest points."""
        return self.minima[0]

    def value(self, points: ArrayLike) -> Floats:
        """Return the height at each of the points: (…, 2) becomes (…)."""
        x, y = _coordinates(points)
        return floats(self.height(x, y), "heights")

    def gradient(self, points: ArrayLike) -> Floats:
        """Return the two derivatives at each of the points: (…, 2) stays (…, 2)."""
        return np.stack(self.slope(*_coordinates(points)), axis=-1)


def _coordinates(points: ArrayLike) -> tuple[Floats, Floats]:
    places = floats(points, "points")
    return places[..., 0], places[..., 1]


def _rates(plain: float, rolling: float, adaptive: float, squares: float) -> dict[str, float]:
    rates = dict.fromkeys(("adam", "adamw"), adaptive) | {"rmsprop": squares}
    return rates | dict.fromkeys(("nesterov", "momentum"), rolling) | dict.fromkeys(("sgd", "gd"), plain)


def _himmelblau_slope(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    first, second = x**2 + y - 11, x + y**2 - 7
    return 4 * x * first + 2 * second, 2 * first + 4 * y * second


_HOLLOWS = (
    (3, 2),
    (-2.805118086952745, 3.131312518250573),
    (-3.779310253377747, -3.28318599128617),
    (3.584428340330492, -1.848126526964404),
)
_BEALE = ((1.5, 1), (2.25, 2), (2.625, 3))


def _beale(x: Floats, y: Floats) -> Floats:
    return np.sum([(level - x + x * y**power) ** 2 for level, power in _BEALE], axis=0)


def _beale_slope(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    gaps = [(level - x + x * y**power, power) for level, power in _BEALE]
    right = np.sum([2 * gap * (y**power - 1) for gap, power in gaps], axis=0)
    return right, np.sum([2 * gap * power * x * y ** (power - 1) for gap, power in gaps], axis=0)


LANDSCAPES = {
    "bowl": Landscape(
        "Bowl",
        "Equally steep on all sides, so that the slope points straight at the minimum.",
        "x^2 + y^2",
        ((-2, 2), (-2, 2)),
        ((0, 0),),
        (-1.6, 1.2),
        _rates(0.1, 0.02, 0.1, 0.05),
        lambda x, y: x**2 + y**2,
        lambda x, y: (2 * x, 2 * y),
    ),
    "valley": Landscape(
        "Long valley",
        "Fifty times as steep across as along: plain descent zigzags between the walls and hardly moves on.",
        r"\tfrac{1}{2} x^2 + 25\,y^2",
        ((-2, 2), (-1, 1)),
        ((0, 0),),
        (-1.8, 0.7),
        _rates(0.035, 0.008, 0.1, 0.05),
        lambda x, y: 0.5 * x**2 + 25 * y**2,
        lambda x, y: (x, 50 * y),
    ),
    "rosenbrock": Landscape(
        "Rosenbrock's banana",
        "A bent valley with an almost flat floor: found at once, followed slowly.",
        r"(1 - x)^2 + 100\,(y - x^2)^2",
        ((-2, 2), (-1, 3)),
        ((1, 1),),
        (-1.5, 2),
        _rates(0.001, 0.0005, 0.1, 0.03),
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        lambda x, y: (2 * (x - 1) - 400 * x * (y - x**2), 200 * (y - x**2)),
    ),
    "saddle": Landscape(
        "Saddle",
        "Flat in the middle but no minimum: who comes along the ridge is held up there before it falls to a side.",
        r"x^2 - y^2 + \tfrac{1}{4} y^4",
        ((-2, 2), (-2, 2)),
        ((0, -(2**0.5)), (0, 2**0.5)),
        (-1.8, 0.001),
        _rates(0.1, 0.02, 0.1, 0.05),
        lambda x, y: x**2 - y**2 + 0.25 * y**4,
        lambda x, y: (2 * x, y**3 - 2 * y),
    ),
    "himmelblau": Landscape(
        "Himmelblau's four hollows",
        "Four minima of equal depth: where a race ends depends on its start and on the optimiser.",
        "(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
        ((-6, 6), (-6, 6)),
        _HOLLOWS,
        (0, -1),
        _rates(0.01, 0.002, 0.2, 0.1),
        lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
        _himmelblau_slope,
    ),
    "beale": Landscape(
        "Beale's plain",
        "Almost level ground between steep edges: small slopes call for large steps, and the edges punish them.",
        "(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2",
        ((-4.5, 4.5), (-4.5, 4.5)),
        ((3, 0.5),),
        (1, 1.5),
        _rates(0.01, 0.002, 0.1, 0.03),
        _beale,
        _beale_slope,
    ),
}
