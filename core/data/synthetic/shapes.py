"""Pictures of shapes drawn from a seed, with the exact place of each shape."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from core.data.arrays import Arrays
from core.data.catalog import DATASETS
from core.data.synthetic.textures import Floats, clouds, grid, patterns, to_rgb

SIZE = 32
FINE = 8  # shapes are drawn this many times larger and averaged down
REACH = 1.18  # no point of a shape is farther from its centre, in radii

Polygon = Floats


def _polygon(*points: tuple[float, float]) -> Polygon:
    return np.array(points, dtype=float)


def _arc(radius: float, start: float, stop: float, centre: float = 0.0) -> Polygon:
    """Return points on a circle about (centre, 0) between two angles in degrees."""
    angles = np.radians(np.linspace(start, stop, 49))
    return np.stack([centre + radius * np.cos(angles), radius * np.sin(angles)], axis=1)


def _corners(count: int, *radii: float) -> Polygon:
    """Return the corners of a regular figure whose points take the given radii in turn."""
    turns = np.arange(count) * 2 * math.pi / count - math.pi / 2
    reach = np.resize(radii, count)
    return np.stack([reach * np.cos(turns), reach * np.sin(turns)], axis=1)


def _heart() -> Polygon:
    t = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x, -y - 2.5], axis=1) / 15.5


# Points are in radii; the first polygon is filled, the second cut out of it.
SHAPES: dict[str, tuple[Polygon, ...]] = {
    "circle": (_arc(0.9, 0, 360),),
    "ring": (_arc(1, 0, 360), _arc(0.56, 0, 360)),
    "half disc": (_arc(1.08, -90, 90, centre=-0.45),),
    "crescent": (_arc(1.02, 0, 360), _arc(0.86, 0, 360, centre=0.52)),
    "triangle": (_corners(3, 1.08),),
    "square": (_corners(4, 1.08),),
    "star": (_corners(10, 1.12, 0.46),),
    "cross": (
        _polygon(
            (-0.3, -1), (0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3), (0.3, 0.3),
            (0.3, 1), (-0.3, 1), (-0.3, 0.3), (-1, 0.3), (-1, -0.3), (-0.3, -0.3),
        ),
    ),
    "heart": (_heart(),),
    "arrow": (
        _polygon((1.1, 0), (0.15, -0.85), (0.15, -0.3), (-1, -0.3), (-1, 0.3), (0.15, 0.3), (0.15, 0.85)),
    ),
}  # fmt: skip


def _coverage(shape: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one shape at a random place, size and angle; returns (SIZE, SIZE), 255 where it covers a pixel."""
    radius = rng.uniform(8, 12.5)
    centre = rng.uniform(REACH * radius, SIZE - REACH * radius, size=2)
    angle = rng.uniform(0, 2 * math.pi)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    canvas = Image.new("L", (SIZE * FINE, SIZE * FINE))
    draw = ImageDraw.Draw(canvas)
    for polygon, fill in zip(SHAPES[shape], (255, 0), strict=False):
        points = (polygon @ turn * radius + centre) * FINE
        draw.polygon([(x, y) for x, y in points.tolist()], fill=fill)
    return np.asarray(canvas.reduce(FINE))


def _texture(count: int, rng: np.random.Generator) -> Floats:
    """Return (count, SIZE, SIZE) in 0..1: stripes, checks, dots, gradients and clouds in equal shares."""

    def each(low: float, high: float) -> Floats:
        return rng.uniform(low, high, size=(count, 1, 1))

    y, x = grid(SIZE, SIZE)
    angle, period = each(0, 2 * math.pi), each(5, 10)
    u = x * np.cos(angle) + y * np.sin(angle) + each(0, 10)
    v = y * np.cos(angle) - x * np.sin(angle) + each(0, 10)
    ramp = (x * np.cos(angle) + y * np.sin(angle)) / SIZE + 0.5
    cloudy = clouds(rng.uniform(-0.2, 1.2, size=(count, 6, 6)), SIZE, SIZE)
    kinds = np.stack([*patterns(u, v, period).values(), ramp, cloudy])
    return np.clip(kinds[rng.integers(len(kinds), size=count), np.arange(count)], 0, 1)


def _paint(coverage: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Put shapes (N, SIZE, SIZE) in 0..1 on backgrounds that know nothing of them."""
    count = len(coverage)

    def each(low: float, high: float) -> Floats:
        return rng.uniform(low, high, size=count)

    hue, value = each(0, 1), each(0.25, 0.8)
    dark = to_rgb(hue, each(0.1, 0.5), value)
    light = to_rgb((hue + each(-0.08, 0.08)) % 1, each(0.1, 0.5), value + each(0.12, 0.2))
    candidates = np.stack([to_rgb(each(0, 1), each(0.55, 1), each(0.3, 1)) for _ in range(5)])
    apart = np.minimum(*(np.linalg.norm(candidates - back, axis=2) for back in (dark, light)))
    colour = candidates[apart.argmax(axis=0), np.arange(count)]  # the one that stands out most
    weight = _texture(count, rng)[:, None]
    back = dark[:, :, None, None] * (1 - weight) + light[:, :, None, None] * weight
    cover = coverage[:, None]
    mixed = back * (1 - cover) + colour[:, :, None, None] * cover
    return np.clip(mixed * 255 + rng.normal(0, 4, size=mixed.shape), 0, 255).round().astype(np.uint8)


def draw_shapes(num_images: int, *, seed: int = 0) -> Arrays:
    """Draw pictures of the ten shapes, as many of each as can be, in random order.

    Position, size, angle, colours and background are drawn independently of the shape; the same seed gives
    the same pixels.

    Returns:
        Images (N, 3, 32, 32), labels (N,), and masks (N, 32, 32) true where a shape covers half a pixel or more.
    """
    places, paints = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    names = DATASETS["shapes"].class_names
    labels = places.permutation(np.arange(num_images) % len(names))
    coverage = np.stack([_coverage(names[label], places) for label in labels])
    images = np.concatenate([_paint(part / 255, paints) for part in np.array_split(coverage, num_images // 250 + 1)])
    return Arrays(images=images, labels=labels.astype(np.int64), masks=coverage >= 128)
