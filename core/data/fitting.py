"""Pictures brought to the shape that a network takes, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from core.data.crop import MIDDLE, Crop
from core.data.digit_centring import centre_digit
from core.data.paper_reading import PaperReading

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PreprocessingStep:
    """A picture on its way into a network.

    Attributes:
        title: What was done to it, fit to show.
        image: What it looks like after that.
    """

    title: str
    image: Image.Image


def fit_image(
    image: Image.Image,
    input_shape: tuple[int, int, int],
    *,
    invert: bool = False,
    crop: Crop = MIDDLE,
    centre: bool = False,
    paper: PaperReading | None = None,
) -> tuple[Tensor, tuple[PreprocessingStep, ...]]:
    """Bring a picture to the shape that a network takes: its middle, in grey if need be, at the right size.

    Nothing is done that need not be: a picture that fits already keeps every pixel. Sizes change with Lanczos
    filtering, which averages over what disappears, at any ratio, so that fine patterns turn grey instead of into
    false coarse ones.

    Args:
        image: A picture as `core.data.images.decode_image` returns it.
        input_shape: Channels (1 or 3), height and width.
        invert: Whether to swap dark and light, for networks that learnt light strokes on black.
        crop: Which part to show instead of the middle.
        centre: Whether light strokes on black are laid out as in MNIST, for grey networks; see
            `core.data.digit_centring`.
        paper: What `core.data.paper.read_paper` found in that part of it; a digit is then laid out as in MNIST and
            is light on black already.

    Returns:
        The pixels (C, H, W) uint8, and the stages from the original to what the network receives.
    """
    channels, height, width = input_shape
    ink = paper.ink if paper is not None and channels == 1 else None
    stages = [PreprocessingStep("Your picture", image)]
    if ink is None or crop != MIDDLE:  # of a digit on paper, the whole picture was read
        stages += _cropped(image, crop, (height, width))
    if paper is not None and ink is not None:
        stages += _from_paper(stages[-1].image, paper, ink, (width, height))
    else:
        stages += _resized(stages[-1].image, (width, height), centre=centre and channels == 1)
    received = stages[-1].image
    if channels == 1:
        received = received.convert("L")
        if received.convert("RGB") != stages[-1].image:
            stages.append(PreprocessingStep("Turned grey", received))
    if invert and ink is None:
        received = ImageOps.invert(received)
        stages.append(PreprocessingStep("Dark and light swapped", received))
    stages.append(PreprocessingStep("What the network receives", received))
    return _pixels(received, input_shape), tuple(stages)


def _pixels(image: Image.Image, shape: tuple[int, int, int]) -> Tensor:
    """Return a picture of the right size as (C, H, W) uint8."""
    import torch  # this late, because pictures are opened and shown without it

    channels, height, width = shape
    pixels = np.array(image).reshape(height, width, channels).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(pixels))


def _cropped(image: Image.Image, crop: Crop, sides: tuple[int, int]) -> tuple[PreprocessingStep, ...]:
    """Cut out the part that is shown, in the proportions of (height, width); nothing is done where it is all."""
    part = crop.box(image.size, sides)
    if part == (0, 0, *image.size):
        return ()
    title = "Cropped to its middle" if crop == MIDDLE else "Cropped where you chose"
    return (PreprocessingStep(title, image.crop(part)),)


def _from_paper(
    image: Image.Image, paper: PaperReading, ink: Image.Image, size: tuple[int, int]
) -> tuple[PreprocessingStep, ...]:
    """Lay out the digit that was found on a picture of paper."""
    return (
        PreprocessingStep("Found", paper.framed(image)),
        PreprocessingStep("Ink", ink),
        PreprocessingStep("Centred as MNIST's digits are", centre_digit(ink, size).convert("RGB")),
    )


def _resized(image: Image.Image, size: tuple[int, int], *, centre: bool) -> tuple[PreprocessingStep, ...]:
    """Bring a picture to a width and height, or lay it out as a digit of MNIST; nothing is done to one that fits."""
    if centre:
        centred = centre_digit(image.convert("L"), size).convert("RGB")
        return (PreprocessingStep("Scaled and centred as in MNIST", centred),)
    if image.size == size:
        return ()
    title = f"Resized to {size[0]} × {size[1]}"
    return (PreprocessingStep(title, image.resize(size, Image.Resampling.LANCZOS)),)


def looks_inverted(image: Image.Image) -> bool:
    """Say whether a picture looks dark on light: its border is nearer to its lightest tone than to its darkest.

    Digits and clothes in the data sets are light on black, ink on paper is not; `fit_image(..., invert=True)`
    swaps them. A hint to offer, not to act on unasked: a night photograph may be meant as it is.
    """
    grey = np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BOX))
    border = np.concatenate([grey[:3].ravel(), grey[-3:].ravel(), grey[:, :3].ravel(), grey[:, -3:].ravel()])
    darkest, lightest = np.percentile(grey, (2, 98))
    return bool(np.median(border) > (darkest + lightest) / 2)
