"""Pictures of a concept, drawn from a seed: stripes in any colour, any pattern in red."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.synthetic.textures import Floats, clouds, grid, patterns, to_rgb
from core.errors import DataError

_PART = 16  # pictures drawn together
_KNOTS = 6
_NEAR = 0.035  # hues that count as the same colour
_NOISE = 4  # levels of 255


@dataclass(frozen=True)
class Concept:
    """Something that pictures can have in common.

    Attributes:
        name: Its key in `CONCEPTS`.
        title: Its name on the screen.
        summary: What its pictures have in common, in a few words.
        pattern: The pattern of all its pictures; None for any.
        hue: The hue of all its pictures, 0 to 1; None for any.
    """

    name: str
    title: str
    summary: str
    pattern: str | None = None
    hue: float | None = None


CONCEPTS: dict[str, Concept] = {
    concept.name: concept
    for concept in (
        Concept("stripes", "Stripes", "stripes of any width, direction and colour", pattern="stripes"),
        Concept("checks", "Checks", "checks of any size, direction and colour", pattern="checks"),
        Concept("dots", "Dots", "dots of any size and colour", pattern="dots"),
        Concept("red", "Red", "any pattern in reds", hue=0.0),
        Concept("yellow", "Yellow", "any pattern in yellows", hue=1 / 6),
        Concept("green", "Green", "any pattern in greens", hue=1 / 3),
        Concept("blue", "Blue", "any pattern in blues", hue=2 / 3),
    )
}


def concepts_for(channels: int) -> tuple[str, ...]:
    """Name the concepts that pictures of so many channels can show: without three, there are no colours."""
    return tuple(name for name, concept in CONCEPTS.items() if channels == 3 or concept.hue is None)


def draw_concept(name: str | None, num_images: int, shape: tuple[int, int, int], *, seed: int = 0) -> NDArray[np.uint8]:
    """Draw pictures that have one concept in common and nothing else.

    What a concept leaves open is drawn at random, so that pictures of stripes differ from random ones in their
    pattern alone, and red ones in their hues alone. The same seed gives the same pixels.

    Args:
        name: Key of `CONCEPTS`; None for random pictures: any pattern, any colours.
        num_images: How many.
        shape: (C, H, W) with one or three channels; patterns grow with the picture.
        seed: What they are drawn from.

    Returns:
        uint8 (N, C, H, W).

    Raises:
        DataError: There is no such concept, or it needs colours and the pictures have none.
    """
    if shape[0] not in (1, 3):
        raise DataError(f"Concepts are drawn in one or three channels, not in {shape[0]}.")
    if name is not None and name not in concepts_for(shape[0]):
        known = ", ".join(concepts_for(shape[0]))
        raise DataError(f"Pictures of {shape[0]} channels cannot show a concept {name!r}: choose one of {known}.")
    concept = Concept("", "", "") if name is None else CONCEPTS[name]
    rng = np.random.default_rng([seed, 0 if name is None else 1 + list(CONCEPTS).index(name)])
    counts = [min(_PART, num_images - start) for start in range(0, num_images, _PART)]
    return np.concatenate([_draw(concept, count, shape, rng) for count in counts])


def _draw(concept: Concept, count: int, shape: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    weight = _weights(concept.pattern, count, shape[1], shape[2], rng)[:, None]
    most = 1.0 if shape[0] == 3 else 0.0  # in grey, colours could differ and their patterns be unseen
    first, second = (_colours(concept.hue, count, value, most, rng) for value in ((0.05, 0.5), (0.6, 1.0)))
    swap = rng.random(count) < 0.5  # as often light on dark as dark on light
    first[swap], second[swap] = second[swap], first[swap]
    mixed = first[..., None, None] * (1 - weight) + second[..., None, None] * weight
    mixed = mixed[:, : shape[0]]
    noisy = mixed * 255 + rng.normal(0, _NOISE, size=mixed.shape)
    return np.clip(noisy, 0, 255).round().astype(np.uint8)


def _weights(pattern: str | None, count: int, height: int, width: int, rng: np.random.Generator) -> Floats:
    """Return how much of the second colour each pixel has: (N, H, W) in 0..1."""

    def each(low: float, high: float) -> Floats:
        return rng.uniform(low, high, size=(count, 1, 1))

    side = min(height, width)
    least = max(2.5, min(5.0, side / 3))
    y, x = grid(height, width)
    angle = each(0, 2 * math.pi)
    period = np.exp(each(math.log(least), math.log(max(side / 3.2, 1.2 * least))))
    u = x * np.cos(angle) + y * np.sin(angle) + each(0, 1) * period
    v = y * np.cos(angle) - x * np.sin(angle) + each(0, 1) * period
    by_kind = dict(patterns(u, v, period))
    by_kind["ramp"] = (x * np.cos(angle) + y * np.sin(angle)) / side + 0.5
    by_kind["clouds"] = clouds(rng.uniform(-0.2, 1.2, size=(count, _KNOTS, _KNOTS)), height, width)
    kinds = rng.integers(len(by_kind), size=count)
    if pattern is not None:
        kinds[:] = list(by_kind).index(pattern)
    return np.clip(np.stack(list(by_kind.values()))[kinds, np.arange(count)], 0, 1)


def _colours(
    hue: float | None, count: int, value: tuple[float, float], most: float, rng: np.random.Generator
) -> Floats:
    """Return (N, 3) in 0..1 whose brightest channel lies in the range `value`, with at most `most` saturation."""
    hues, saturation = rng.uniform(0, 1, size=count), rng.uniform(0.5, 1, size=count) * most
    if hue is not None:
        hues = (hue + (hues * 2 - 1) * _NEAR) % 1
    return to_rgb(hues, saturation, rng.uniform(*value, size=count))
