"""A picture file as plain RGB, whatever it holds: the steps that `decode` and the exported predict.py have in common.

The source of this module is printed in predict.py (`core.exchange.predictor`): functions and constants only.
"""

from __future__ import annotations

import struct
from io import BytesIO

from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from core.data.exif import TURNS, UPRIGHT, orientation_of
from core.data.formats import PILLOW, is_heic
from core.data.jpeg import decodes_in_rows
from core.data.sixteen_bits import Levels, eight_bits
from core.data.srgb import to_srgb
from core.data.stated_colours import HDR, stated_profile
from core.errors import ImageError

SHRUNK = 4  # how many times as many pixels as the limit a JPEG may have, to be opened at a fraction of its size
KEPT_SIDE = 1024  # pixels of a picture's longer side that are kept
ENOUGH = 900  # pixels of the longer side of a photograph, for every network
LEAST_SIDE = 256  # pixels of its shorter side, however long the other: data sets and networks take squares up to that


def open_picture(data: bytes) -> Image.Image:
    """Open a file without decoding it.

    Raises:
        UnidentifiedImageError: It is no picture that is read here.
        ImageError: It is a HEIC picture, and the package that reads these is missing.
    """
    if data.startswith(b"\xff\xd8\xff"):
        try:  # not by Image.open: it refuses large ones that are decoded at a fraction of their size here
            return JpegImagePlugin.jpeg_factory(BytesIO(data))
        except (SyntaxError, IndexError, TypeError, KeyError, EOFError, struct.error) as error:
            raise UnidentifiedImageError("no JPEG") from error
    if not is_heic(data):
        return Image.open(BytesIO(data), formats=PILLOW)
    try:
        from pillow_heif import register_heif_opener  # this late: few pictures need it
    except ImportError as error:
        raise ImageError(
            "This is a HEIC picture, and pillow-heif, which reads it, is missing here: export it as JPEG and upload "
            "that copy."
        ) from error
    register_heif_opener()
    return Image.open(BytesIO(data), formats=("HEIF",))


def divisor_of(image: Image.Image, data: bytes, max_pixels: int) -> int:
    """Return by how much the sides of a picture are divided while it is opened; 0 where it is too large even so."""
    total = image.width * image.height
    if total <= max_pixels:
        return 1
    if image.format in ("JPEG", "MPO") and total <= SHRUNK * max_pixels and decodes_in_rows(data):
        for times in (2, 4, 8):
            if -(-image.width // times) * -(-image.height // times) <= max_pixels:
                return times
    return 0


def reduce_jpeg(image: Image.Image, divisor: int, room: int | None) -> None:
    """Have a JPEG decoded at a fraction of its size: divided so, and only as large as `room` for its longer side."""
    if divisor > 1 or room is not None:
        share = min(1 / divisor, _longer_side(image.size, room) / max(image.size) if room is not None else 1)
        image.draft(None, (max(1, int(image.width * share)), max(1, int(image.height * share))))  # mode is kept


def keep_small(picture: Image.Image) -> None:
    """Reduce a picture, in place, to as many pixels as are kept."""
    side = _longer_side(picture.size, KEPT_SIDE)
    picture.thumbnail((side, side))


def _longer_side(size: tuple[int, int], side: int) -> int:
    """Return how long the longer side is to become so that the shorter one is no less than `LEAST_SIDE`."""
    return max(side, -(-LEAST_SIDE * max(size) // max(1, min(size))))


def plain_rgb(data: bytes, image: Image.Image, *, stretch: bool = False) -> tuple[Image.Image, str, Levels | None]:
    """Decode an opened picture and drop all that is not red, green and blue.

    Returns:
        The picture; what became of its colours: "" as they are, "profile" or "stated" converted to sRGB from a profile
        or from what else the file states, "hdr" not converted since they are for HDR screens; and which values it uses
        if these have 16 bits.
    """
    image.load()
    orientation = orientation_of(image)
    own = image.info.get("icc_profile")
    opened = image
    image, levels = eight_bits(data, image, stretch=stretch)
    if orientation != UPRIGHT:
        image = image.transpose(TURNS[orientation])
    if image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode in ("P", "1"):
        image = image.convert("RGB")
    profile = stated_profile(data, opened, image.mode)
    colours = HDR if profile == HDR else ""
    if isinstance(profile, bytes) and profile:
        image, converted = to_srgb(image, profile)
        colours = ("profile" if profile is own else "stated") if converted else ""
    if image.mode in ("RGBA", "LA"):
        canvas = Image.new("RGBA", image.size, "white")
        canvas.alpha_composite(image.convert("RGBA"))
        image = canvas
    plain = image.convert("RGB")
    plain.info = {}
    return plain, colours, levels
