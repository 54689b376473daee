"""Uploaded pictures: opened safely, and brought to the size that a network takes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from core.data.centring import centred
from core.data.crop import MIDDLE, Crop
from core.errors import ImageError
from core.settings import Settings, settings

if TYPE_CHECKING:
    from torch import Tensor

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")


@dataclass(frozen=True)
class Stage:
    """A picture on its way into a network.

    Attributes:
        title: What was done to it, fit to show.
        image: What it looks like after that.
    """

    title: str
    image: Image.Image


def decode_image(data: bytes, limits: Settings | None = None, *, room: int | None = None) -> Image.Image:
    """Open an uploaded file as a picture: the only door for them.

    The picture is upright (EXIF rotation applied), on white where it was transparent, its 16-bit values scaled to
    8 bits, and the first frame where it was animated. What a file claims about its size is checked before
    anything of that size is made.

    Args:
        data: Content of a PNG, JPEG, WebP, BMP or GIF file.
        limits: The settings that say how large it may be, where they are at hand: for thousands of pictures.
        room: How many pixels of the longer side are needed: a JPEG is then opened at a half, a quarter or an
            eighth of its size where that leaves so many, which is several times as quick. None for all of them.

    Returns:
        The picture in mode "RGB".

    Raises:
        ImageError: The file is empty, too large, damaged or no such picture.
    """
    limits = limits or settings()
    if not data:
        raise ImageError("The file is empty: choose the picture again.")
    if len(data) > limits.max_upload_mb * 1024**2:
        raise ImageError(
            f"The file has {len(data) / 1024**2:,.1f} MB and the limit is {limits.max_upload_mb} MB: "
            "make the picture smaller and upload it again."
        )
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            _check_pixels(image.width, image.height, limits.max_pixels)
            if room is not None:
                share = room / max(image.size)
                image.draft(None, (int(image.width * share), int(image.height * share)))  # None keeps the mode
            return _plain_rgb(image)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            "This file is no PNG, JPEG, WebP, BMP or GIF picture, or its beginning is damaged: "
            "save the picture in one of these formats and upload it again."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many("far too many pixels", limits.max_pixels) from error
    except MemoryError as error:
        raise ImageError("There is not enough memory for this picture: make it smaller and upload it again.") from error
    except Exception as error:  # Pillow answers damaged files with almost any exception
        raise ImageError(
            "The picture is damaged or incomplete: open it in a picture program, save it again and upload that copy."
        ) from error


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise _too_many(f"{width:,} × {height:,} pixels", max_pixels)


def _too_many(size: str, max_pixels: int) -> ImageError:
    return ImageError(
        f"The picture has {size}, more than the limit of {max_pixels / 1e6:,.3g} million: "
        "make it smaller and upload it again."
    )


def _plain_rgb(image: Image.Image) -> Image.Image:
    """Decode an opened picture and drop all that is not red, green and blue."""
    image.load()
    with contextlib.suppress(Exception):  # a picture with damaged EXIF is still a picture
        if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:  # else it would be copied for nothing
            image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits: convert() would clip nearly everything to white
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        canvas = Image.new("RGBA", image.size, "white")
        canvas.alpha_composite(image.convert("RGBA"))
        image = canvas
    plain = image.convert("RGB")
    plain.info = {}
    return plain


def fit_image(
    image: Image.Image,
    input_shape: tuple[int, int, int],
    *,
    invert: bool = False,
    crop: Crop = MIDDLE,
    centre: bool = False,
) -> tuple[Tensor, tuple[Stage, ...]]:
    """Bring a picture to the shape that a network takes: its middle, in grey if need be, at the right size.

    Nothing is done that need not be: a picture that fits already keeps every pixel. Sizes change with Lanczos
    filtering, which averages over what disappears, at any ratio, so that fine patterns turn grey instead of into
    false coarse ones.

    Args:
        image: A picture as `decode_image` returns it.
        input_shape: Channels (1 or 3), height and width.
        invert: Whether to swap dark and light, for networks that learnt light strokes on black.
        crop: Which part to show instead of the middle.
        centre: Whether light strokes on black are laid out as in MNIST, for grey networks; see `core.data.centring`.

    Returns:
        The pixels (C, H, W) uint8, and the stages from the original to what the network receives.
    """
    import torch  # this late, because pictures are opened and shown without it

    channels, height, width = input_shape
    stages = [Stage("Your picture", image)]
    part = crop.box(image.size, (height, width))
    if part != (0, 0, *image.size):
        image = image.crop(part)
        stages.append(Stage("Cropped to its middle" if crop == MIDDLE else "Cropped where you chose", image))
    if centre and channels == 1:
        image = centred(image.convert("L"), (width, height)).convert("RGB")
        stages.append(Stage("Scaled and centred as in MNIST", image))
    elif image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
        stages.append(Stage(f"Resized to {width} × {height}", image))
    if channels == 1:
        colourful = image.convert("L").convert("RGB") != image
        image = image.convert("L")
        if colourful:
            stages.append(Stage("Turned grey", image))
    if invert:
        image = ImageOps.invert(image)
        stages.append(Stage("Dark and light swapped", image))
    stages.append(Stage("What the network receives", image))
    pixels = np.array(image).reshape(height, width, channels).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(pixels)), tuple(stages)


def looks_inverted(image: Image.Image) -> bool:
    """Say whether a picture looks dark on light: its border is nearer to its lightest tone than to its darkest.

    Digits and clothes in the data sets are light on black, ink on paper is not; `fit_image(..., invert=True)`
    swaps them. A hint to offer, not to act on unasked: a night photograph may be meant as it is.
    """
    grey = np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BOX))
    border = np.concatenate([grey[:3].ravel(), grey[-3:].ravel(), grey[:, :3].ravel(), grey[:, -3:].ravel()])
    darkest, lightest = np.percentile(grey, (2, 98))
    return bool(np.median(border) > (darkest + lightest) / 2)
