"""Photographs of digits on paper, made of test digits: plain, in shadow, turned, in pencil, on lined paper."""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from core.data.datasets import load_dataset

KINDS = ("plain", "shadow", "rotated", "pencil", "lined")
WIDTH, HEIGHT = 800, 600


def photograph(pixels: NDArray[np.uint8], kind: str, seed: int) -> Image.Image:
    """Return a digit (28, 28), light on black, as a photograph of 800 × 600 pixels that went through JPEG.

    The digit is 10 to 40 % of the height, anywhere on the page; paper, light, ink and grain differ.
    """
    rng = np.random.default_rng((KINDS.index(kind), seed))
    ink = np.zeros((HEIGHT, WIDTH), np.float32)
    stroke = _stroke(pixels, rng.uniform(0.1, 0.4) * HEIGHT, thin=kind == "pencil")
    margin = 90 if kind == "rotated" else 25
    top = rng.integers(margin, HEIGHT - margin - stroke.shape[0])
    left = rng.integers(margin, WIDTH - margin - stroke.shape[1])
    ink[top : top + stroke.shape[0], left : left + stroke.shape[1]] = stroke
    paper = np.full((HEIGHT, WIDTH), rng.uniform(190, 240), np.float32)
    darkness = rng.uniform(0.25, 0.4) if kind == "pencil" else rng.uniform(0.65, 0.9)
    if kind == "lined":
        _rule(paper, rng)
    page = paper * (1 - darkness * ink)
    if kind == "rotated":
        page = ndimage.rotate(page, rng.uniform(-12, 12), reshape=False, order=1, cval=rng.uniform(50, 110))
    elif kind == "lined":
        page = ndimage.rotate(page, rng.uniform(-2, 2), reshape=False, order=1, mode="nearest")
    rows, columns = np.indices(page.shape, np.float32) / max(page.shape)
    light = 1 - rng.uniform(0, 0.25) * np.hypot(rows - rng.uniform(0, 0.75), columns - rng.uniform(0, 1))
    if kind == "shadow":
        angle = rng.uniform(0, 2 * np.pi)
        across = (rows - 0.375) * np.sin(angle) + (columns - 0.5) * np.cos(angle) + rng.uniform(-0.15, 0.15)
        light *= 1 - rng.uniform(0.3, 0.6) / (1 + np.exp(-across / rng.uniform(0.005, 0.04)))
    tint = np.array([1, rng.uniform(0.95, 1), rng.uniform(0.85, 1)])
    photo = ndimage.gaussian_filter(page * light, 0.8)[..., None] * tint + rng.normal(0, 4, (HEIGHT, WIDTH, 1))
    file = BytesIO()
    Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=80)
    return Image.open(file).convert("RGB")


def _stroke(pixels: NDArray[np.uint8], height: float, *, thin: bool) -> NDArray[np.float32]:
    """Return the digit with sharp strokes, its longer side so many pixels high, from 0 to 1."""
    digit = Image.fromarray(pixels)
    digit = digit.crop(digit.getbbox())
    scale = height / max(digit.size)
    size = [max(1, round(side * scale)) for side in digit.size]
    large = np.pad(np.asarray(digit.resize(size, Image.Resampling.BICUBIC), np.float32) / 255, 4)
    if thin:  # what a pencil of a third of the width would have drawn
        inside = ndimage.distance_transform_edt(large > 0.5)
        ridge = (inside >= ndimage.maximum_filter(inside, 3) - 0.5) & (inside > 0.5)
        return ndimage.gaussian_filter(ndimage.grey_dilation(ridge.astype(np.float32), 3), 0.8).clip(0, 1)
    return (1 / (1 + np.exp(-12 * (large - 0.5)))).astype(np.float32)


def _rule(paper: NDArray[np.float32], rng: np.random.Generator) -> None:
    distance, darkness = int(rng.integers(38, 60)), rng.uniform(0.12, 0.3)
    for row in range(int(rng.integers(5, distance)), HEIGHT, distance):
        paper[row : row + 2] *= 1 - darkness


def fifty(kind: str) -> Iterator[tuple[Image.Image, NDArray[np.uint8], int]]:
    """Yield the ten photographs of a kind with their test digits (28, 28) and classes; the same at every call."""
    test, first = load_dataset("mnist5k").test, 10 * KINDS.index(kind)
    drawn = np.random.default_rng(7).permutation(len(test))[first : first + 10].tolist()
    for number, index in enumerate(drawn, start=first):
        pixels = test.images[index, 0].numpy()
        yield photograph(pixels, kind, number), pixels, int(test.labels[index])
