"""Uploaded pictures: opened safely, and brought to the size that a network takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from core.data.crop import MIDDLE, Crop
from core.data.exif import ExifOrientation, orientation_of
from core.data.formats import READABLE, foreign
from core.data.mnist_layout import centred
from core.data.paper_reading import PaperReading
from core.data.plain_rgb import ENOUGH, divisor_of, keep_small, open_picture, plain_rgb, reduce_jpeg
from core.data.sixteen_bits import Levels
from core.errors import ImageError
from core.settings import Settings, settings

if TYPE_CHECKING:
    from torch import Tensor

_FRACTIONS = {2: "half", 4: "a quarter", 8: "an eighth"}
COLOURS = {  # what becomes of colours that are not those of sRGB
    "profile": "Its colour profile is not sRGB: the colours were converted.",
    "stated": "It states other colours than those of sRGB: they were converted.",
    "hdr": "Its colours are for HDR screens and were left as they are: export it in sRGB if it looks pale.",
}


@dataclass(frozen=True)
class PreprocessingStep:
    """A picture on its way into a network.

    Attributes:
        title: What was done to it, fit to show.
        image: What it looks like after that.
    """

    title: str
    image: Image.Image


@dataclass(frozen=True)
class Decoded:
    """A picture from a file, and what was done to it on the way.

    Attributes:
        image: The picture in mode "RGB", upright, in sRGB, on white where it was transparent.
        lie: How it lies in its file, with its size there.
        shrunk: How many times smaller than in its file it was opened since it has too many pixels; 1 for all others.
        colours: What became of its colours, a key of `COLOURS`; empty where they are as they were.
        levels: Which values it uses, if it has 16 bits a value.
        stretched: Whether these were spread over the whole range.
    """

    image: Image.Image
    lie: ExifOrientation
    shrunk: int = 1
    colours: str = ""
    levels: Levels | None = None
    stretched: bool = False

    @property
    def looks_black(self) -> bool:
        """Whether it has more bits than it uses, and stretching would show what is in it."""
        return self.levels is not None and self.levels.few

    def notes(self) -> tuple[str, ...]:
        """Return what a person should know of it, a sentence each."""
        said = []
        if self.shrunk > 1:
            millions = self.lie.size[0] * self.lie.size[1] / 1e6
            said.append(f"It has {millions:,.0f} million pixels: opened at {_FRACTIONS[self.shrunk]} of its size.")
        if self.colours:
            said.append(COLOURS[self.colours])
        if self.levels is not None and self.looks_black:
            values = f"{self.levels.darkest:,} to {self.levels.lightest:,} of 0 to 65,535"
            words = "stretched over all of them" if self.stretched else "it looks nearly black unless it is stretched"
            said.append(f"Its 16-bit values are {values}: {words}.")
        return tuple(said)


def decode_image(
    data: bytes, limits: Settings | None = None, *, room: int | None = None, stretch: bool = False
) -> Image.Image:
    """Open an uploaded file as a picture in mode "RGB": the only door for them, see `decode`."""
    return decode(data, limits, room=room, stretch=stretch).image


def decode(data: bytes, limits: Settings | None = None, *, room: int | None = None, stretch: bool = False) -> Decoded:
    """Open an uploaded file as a picture, and say what was done to it.

    The picture is upright (EXIF rotation applied), on white where it was transparent, in sRGB whatever its colour
    profile, its 16-bit values scaled to 8 bits, and the first frame where it was animated. What a file claims about
    its size is checked before anything of that size is made.

    Args:
        data: Content of a PNG, JPEG, WebP, GIF, BMP, AVIF or HEIC file.
        limits: The settings that say how large it may be, where they are at hand: for thousands of pictures.
        room: How many pixels of the longer side are needed: a JPEG is then opened at a half, a quarter or an
            eighth of its size where that leaves so many, which is several times as quick. None for all of them.
        stretch: Whether 16-bit values are spread from the darkest to the lightest of the picture.

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
        with open_picture(data) as image:
            size = image.size
            shrunk = divisor_of(image, data, limits.max_pixels)
            if not shrunk:
                raise _too_many(f"{image.width:,} × {image.height:,} pixels", limits.max_pixels)
            reduce_jpeg(image, shrunk, room)
            plain, colours, levels = plain_rgb(data, image, stretch=stretch)
            lie = ExifOrientation(orientation_of(image), size)
            return Decoded(plain, lie, shrunk, colours, levels, stretch and levels is not None)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise _unknown(data) from error
    except Image.DecompressionBombError as error:
        raise _too_many("far too many pixels", limits.max_pixels) from error
    except MemoryError as error:
        raise ImageError("There is not enough memory for this picture: make it smaller and upload it again.") from error
    except Exception as error:  # Pillow answers damaged files with almost any exception
        raise ImageError(
            "The picture is damaged or incomplete: open it in a picture program, save it again and upload that copy."
        ) from error


def decode_upload(data: bytes, limits: Settings | None = None, *, stretch: bool = False) -> Decoded:
    """Open a file as large as the app keeps pictures: what networks learn from and are asked about, everywhere.

    Arguments and errors are those of `decode`.
    """
    decoded = decode(data, limits, room=ENOUGH, stretch=stretch)
    keep_small(decoded.image)
    return decoded


def _unknown(data: bytes) -> ImageError:
    known = foreign(data)
    if known is None:
        return ImageError(
            f"This file is no {READABLE} picture, or its beginning is damaged: save the picture as PNG or JPEG and "
            "upload that copy."
        )
    return ImageError(f"This is {known.name}, which is not read here: {known.remedy}.")


def _too_many(size: str, max_pixels: int) -> ImageError:
    return ImageError(
        f"The picture has {size}, more than the limit of {max_pixels / 1e6:,.3g} million: "
        "make it smaller and upload it again."
    )


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
        image: A picture as `decode_image` returns it.
        input_shape: Channels (1 or 3), height and width.
        invert: Whether to swap dark and light, for networks that learnt light strokes on black.
        crop: Which part to show instead of the middle.
        centre: Whether light strokes on black are laid out as in MNIST, for grey networks; see
            `core.data.mnist_layout`.
        paper: What `core.data.paper.read_paper` found in that part of it; a digit is then laid out as in MNIST and
            is light on black already.

    Returns:
        The pixels (C, H, W) uint8, and the stages from the original to what the network receives.
    """
    import torch  # this late, because pictures are opened and shown without it

    channels, height, width = input_shape
    stages = [PreprocessingStep("Your picture", image)]
    found = paper is not None and paper.ink is not None and channels == 1
    part = (0, 0, *image.size) if found and crop == MIDDLE else crop.box(image.size, (height, width))
    if part != (0, 0, *image.size):
        image = image.crop(part)
        stages.append(
            PreprocessingStep("Cropped to its middle" if crop == MIDDLE else "Cropped where you chose", image)
        )
    if paper is not None and paper.ink is not None and channels == 1:
        stages += [
            PreprocessingStep(title, picture) for title, picture in (("Found", paper.framed(image)), ("Ink", paper.ink))
        ]
        image, invert = centred(paper.ink, (width, height)).convert("RGB"), False
        stages.append(PreprocessingStep("Centred as MNIST's digits are", image))
    elif centre and channels == 1:
        image = centred(image.convert("L"), (width, height)).convert("RGB")
        stages.append(PreprocessingStep("Scaled and centred as in MNIST", image))
    elif image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
        stages.append(PreprocessingStep(f"Resized to {width} × {height}", image))
    if channels == 1:
        colourful = image.convert("L").convert("RGB") != image
        image = image.convert("L")
        if colourful:
            stages.append(PreprocessingStep("Turned grey", image))
    if invert:
        image = ImageOps.invert(image)
        stages.append(PreprocessingStep("Dark and light swapped", image))
    stages.append(PreprocessingStep("What the network receives", image))
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
