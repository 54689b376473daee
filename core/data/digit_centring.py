"""Digits laid out as MNIST's were: scaled to a box of 20 pixels in 28, and centred by their mass."""

import numpy as np
from PIL import Image

BOX = 20 / 28  # of the side: LeCun, Bottou, Bengio and Haffner (1998), doi:10.1109/5.726791, section III.A
FAINT = 16  # a value below is no ink


def centre_digit(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scale the ink of a grey picture to the box and put its centre of mass on pixel (14, 14) of 28, or nearly.

    Args:
        image: Light strokes on black, mode "L"; without any ink it comes back black.
        size: Width and height of what is returned, in pixels.
    """
    laid = Image.new("L", size)
    ink = image.point(lambda value: value if value >= FAINT else 0)
    around = ink.getbbox()
    if around is None:
        return laid
    part = ink.crop(around)
    scale = BOX * min(size) / max(part.size)
    part = part.resize([max(1, round(side * scale)) for side in part.size], Image.Resampling.LANCZOS)
    values = np.asarray(part, np.float64)
    rows, columns = values.sum(axis=1), values.sum(axis=0)
    middle = [float((np.arange(len(mass)) * mass).sum() / mass.sum()) for mass in (columns, rows)]
    place = [round(side / 2 - at) for side, at in zip(size, middle, strict=True)]
    # Heavy on one side, it could stick out on the other: the whole digit counts more than its middle.
    place = [int(np.clip(at, 0, side - own)) for at, side, own in zip(place, size, part.size, strict=True)]
    laid.paste(part, (place[0], place[1]))
    return laid
