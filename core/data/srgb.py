"""Colours of a picture with a profile, converted to sRGB: what networks and screens take them for."""

from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

MAX_PROFILE = 4 * 1024**2  # bytes
SAME = 1  # levels of 255 by which a profile may differ from sRGB and still be taken for it
_MODES = {"RGB": 3, "CMYK": 4, "L": 1}


def to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, bool]:
    """Return a picture in sRGB, and whether its profile changed anything.

    Relative colorimetric with black point compensation, as browsers and photo programs do. Pictures whose profile is
    sRGB keep every value; a profile that is damaged, or made for other channels, is ignored.

    Args:
        image: Of mode "RGB", "CMYK" or "L"; an alpha channel is kept ("RGBA", "LA").
        profile: ICC profile, as the file holds it.
    """
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    plain = image.convert(image.mode[:-1]) if alpha is not None else image
    transform = transform_of(profile, plain.mode)
    if transform is None:
        return image, False
    converted = ImageCms.applyTransform(plain, transform)
    if converted is None:
        return image, False
    if alpha is not None:
        converted.putalpha(alpha)
    return converted, True


def transform_of(profile: bytes, mode: str) -> Any:
    """Return the transform from a profile to sRGB; None where there is none, or where it would change nothing."""
    if mode not in _MODES or not 128 < len(profile) <= MAX_PROFILE:
        return None
    return _transform(profile, mode)


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> Any:
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        probe = _probe(mode)
        seen = ImageCms.applyTransform(probe, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if seen is None or (mode != "CMYK" and _apart(seen, probe.convert("RGB")) <= SAME):
        return None
    return transform


def _probe(mode: str) -> Image.Image:
    """Return a picture of colours spread over all there are."""
    channels = _MODES[mode]
    steps = np.linspace(0, 255, 256 if channels == 1 else 9).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(*[steps] * min(channels, 3), indexing="ij"), axis=-1).reshape(1, -1, min(channels, 3))
    if channels == 4:
        grid = np.concatenate([grid, np.zeros((1, grid.shape[1], 1), np.uint8)], axis=2)
    return Image.frombytes(mode, (grid.shape[1], 1), grid.tobytes())


def _apart(one: Image.Image, other: Image.Image) -> int:
    return int(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).max())
