"""How a photograph lies in its file, before it is turned upright."""

from typing import NamedTuple

from PIL import ExifTags, Image

UPRIGHT = 1
# The turn that an EXIF orientation asks for (EXIF 2.32, tag 0x0112), and what undoes it.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


class ExifOrientation(NamedTuple):
    """How a picture lies in its file.

    Attributes:
        orientation: As EXIF says, 1 to 8; 1 where it states none or nothing that makes sense.
        size: Width and height there, in pixels; zeros where they cannot be read.
    """

    orientation: int = UPRIGHT
    size: tuple[int, int] = (0, 0)


UNKNOWN = ExifOrientation()


def orientation_of(image: Image.Image) -> int:
    """Return how an opened picture lies in its file, 1 to 8; Pillow loads a PNG for that."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # Pillow answers damaged EXIF with almost any exception
        orientation = UPRIGHT
    return orientation if orientation in TURNS else UPRIGHT


def as_in_file(image: Image.Image, orientation: int) -> Image.Image:
    """Return an upright picture as it lies in its file."""
    return image.transpose(_BACK[orientation]) if orientation in _BACK else image
