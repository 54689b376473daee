"""Pictures with 16 bits a value, and transparent colours of PNG files, read as exactly as the file states them."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

FULL = 65_535
_PNG = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOUR = 0, 2  # colour types of PNG (section 11.2.1)


@dataclass(frozen=True)
class Levels:
    """Which of the 65,536 values that 16 bits can hold a picture uses.

    Attributes:
        darkest, lightest: The least and the greatest.
    """

    darkest: int
    lightest: int

    @property
    def few(self) -> bool:
        """Whether all are in the lowest quarter, as those of 10, 12 or 14 bits are: the picture looks nearly black."""
        return self.darkest < self.lightest <= FULL // 4


def png_header(data: bytes) -> tuple[int, int]:
    """Return the bits a value and the colour type of a PNG file; zeros for anything else."""
    return (data[24], data[25]) if data.startswith(_PNG) and len(data) > 25 else (0, 0)


def eight_bits(data: bytes, image: Image.Image, *, stretch: bool) -> tuple[Image.Image, Levels | None]:
    """Return an opened picture with 8 bits a value and what it shows transparent as alpha, and what values it had.

    Pillow keeps the upper half of 16-bit colours, and compares them with the whole of a transparent colour; it does
    not scale a transparent grey of 2 or 4 bits as it does the pixels.

    Args:
        data: The file.
        image: What Pillow opened from it, loaded.
        stretch: Whether the values of 16 bits are spread from the darkest to the lightest of the picture; else the
            whole range is scaled.

    Returns:
        A picture of mode "L", "LA", "RGB" or "RGBA" where there was something to do, else the same one, and the
        values used, None for pictures of fewer bits.
    """
    bits, kind = png_header(data)
    transparent = image.info.get("transparency")
    if bits in (2, 4) and image.mode == "L" and isinstance(transparent, int):
        grey = np.asarray(image)
        return _with_alpha(grey[..., None], grey != transparent * 255 // (2**bits - 1)), None
    if bits != 16 and not image.mode.startswith("I"):
        return image, None
    values = _values(data, image, kind)
    shown = values[..., :3] if values.shape[-1] > 2 else values[..., :1]
    levels = Levels(int(shown.min()), int(shown.max()))
    pixels = _stretched(shown, levels) if stretch and levels.darkest < levels.lightest else shown >> 8
    alpha: NDArray[Any] | None = None
    if values.shape[-1] in (2, 4):
        alpha = values[..., -1] >> 8
    elif kind in (_GREY, _COLOUR) and transparent is not None:
        alpha = ~(values == np.array(transparent)).all(axis=-1)
    return _with_alpha(pixels.astype(np.uint8), alpha), levels


def _stretched(values: NDArray[np.uint16], levels: Levels) -> NDArray[Any]:
    share = 255 / (levels.lightest - levels.darkest)
    stretched: NDArray[Any] = ((values.astype(np.float32) - levels.darkest) * np.float32(share)).round()
    return stretched


def _values(data: bytes, image: Image.Image, kind: int) -> NDArray[np.uint16]:
    """Return all values (H, W, channels) of a picture of 16 bits a value."""
    if image.mode.startswith("I"):
        return np.asarray(image).clip(0, FULL).astype(np.uint16)[..., None]
    upper: NDArray[np.uint16] = np.asarray(image).astype(np.uint16)
    if image.mode == "RGBA" and kind not in (_COLOUR, 6):  # grey with alpha: its lower half cannot be had
        upper = upper[..., [0, 3]]
        return upper * np.uint16(257)
    with Image.open(BytesIO(data), formats=("PNG",)) as again:
        assert isinstance(again, ImageFile.ImageFile)
        # Read as if the lower byte came last, which is the half that Pillow keeps.
        again.tile = [tile._replace(args=str(tile.args).replace("16B", "16L")) for tile in again.tile]
        again.load()
        lower = np.asarray(again)
    if lower.shape != upper.shape:
        return upper * np.uint16(257)
    return upper * np.uint16(256) + lower


def _with_alpha(pixels: NDArray[np.uint8], alpha: NDArray[Any] | None) -> Image.Image:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    if alpha is not None:
        opaque = alpha.astype(np.uint8) * 255 if alpha.dtype == np.bool_ else alpha.astype(np.uint8)
        image.putalpha(Image.fromarray(opaque))
    return image
