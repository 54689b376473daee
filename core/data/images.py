"""Uploaded pictures, opened safely."""

from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from core.data.exif import ExifOrientation, orientation_of
from core.data.formats import READABLE, foreign
from core.data.plain_rgb import ENOUGH, divisor_of, keep_small, open_picture, plain_rgb, reduce_jpeg
from core.data.sixteen_bits import Levels
from core.errors import ImageError
from core.settings import Settings, settings

_FRACTIONS = {2: "half", 4: "a quarter", 8: "an eighth"}
COLOURS = {  # what becomes of colours that are not those of sRGB
    "profile": "Its colour profile is not sRGB: the colours were converted.",
    "stated": "It states other colours than those of sRGB: they were converted.",
    "hdr": "Its colours are for HDR screens and were left as they are: export it in sRGB if it looks pale.",
}


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
