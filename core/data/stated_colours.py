"""Colours that a file states without an ICC profile, as such a profile: chunks of PNG, `nclx` of AVIF and HEIC, EXIF.

What is stated comes before what is not, in the order of PNG (third edition, section 4.3): code points of H.273 (cICP,
nclx), an ICC profile, sRGB, gAMA with cHRM; for JPEG the mark by which cameras say Adobe RGB (DCF 2.0, "R03").
The source of this module is printed in predict.py (`core.exchange.predictor`): functions and constants only.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

HDR = "hdr"
_SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))  # x, y of red, green, blue and white
_ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290))
_PRIMARIES = {  # H.273 (07/2024), table 2
    1: _SRGB,
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), (0.3127, 0.3290)),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), (0.3127, 0.3290)),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), (0.3127, 0.3290)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290)),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.3127, 0.3290)),
}
# Table 3: exponents; 0 is the curve of sRGB, for which that of television is taken, as browsers do.
_EXPONENTS = {1: 0.0, 4: 2.2, 5: 2.8, 6: 0.0, 8: 1.0, 13: 0.0, 14: 0.0, 15: 0.0}
_HIGH_RANGE = (16, 18)  # PQ and HLG
_USUAL = 2.2  # the exponent that programs state for sRGB
_NEAR = 0.05  # by which an exponent may differ from that and mean the same, as in libpng
_SLIGHT = 0.005  # by which x and y may
_EXPONENT_LIMITS = (0.1, 10.0)
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_BOXES = 1 << 16  # bytes of an AVIF or HEIC file in which its colours are stated


def stated_profile(data: bytes, image: Image.Image, mode: str) -> bytes | str:
    """Return an ICC profile of the colours that a file states: its own one, or one that says the same.

    Args:
        data: The file.
        image: What Pillow opened from it, loaded.
        mode: That of the picture by now: profiles of grey pictures ("L", "LA") are others than those of colours.

    Returns:
        Nothing where it states none, or sRGB; `HDR` where it states a range of light that 8 bits cannot show.
    """
    points = _code_points(data, image)
    if points is not None and points[1] in _HIGH_RANGE:
        return HDR
    if points is not None and points[0] in _PRIMARIES and points[1] in _EXPONENTS:
        return _profile(mode, _PRIMARIES[points[0]], _EXPONENTS[points[1]])
    own = image.info.get("icc_profile")
    if isinstance(own, bytes):
        return own
    if image.format == "PNG" and "srgb" not in image.info and "gamma" in image.info:
        return _of_gamma(mode, image.info["gamma"], image.info.get("chromaticity"))
    if image.format in ("JPEG", "MPO") and mode == "RGB" and _says_adobe_rgb(image):
        return _profile(mode, _ADOBE, 563 / 256)
    return b""


def _code_points(data: bytes, image: Image.Image) -> tuple[int, int] | None:
    """Return the code points of the primaries and of the curve, None where a file has none or they are no RGB."""
    if image.format == "PNG":
        place = 8
        while place + 12 <= len(data):
            length, kind = struct.unpack_from(">I4s", data, place)
            if kind == b"cICP" and length == 4:
                primaries, curve, matrix, full = data[place + 8 : place + 12]
                return (primaries, curve) if matrix == 0 and full == 1 else None
            if kind in (b"IDAT", b"IEND"):
                return None
            place += 12 + length
    if image.format in ("AVIF", "HEIF") and not image.info.get("icc_profile"):
        place = data.find(b"colrnclx", 0, _BOXES)
        if 0 <= place <= len(data) - 12:
            primaries, curve = struct.unpack_from(">HH", data, place + 8)
            return primaries, curve
    return None


def _of_gamma(mode: str, gamma: float, chromaticity: tuple[float, ...] | None) -> bytes:
    """Return the profile of PNG's gAMA and cHRM; nothing where they say sRGB, or nothing that makes sense."""
    least, most = _EXPONENT_LIMITS
    if not least <= gamma <= most:
        return b""
    primaries: Sequence[tuple[float, float]] = _SRGB
    if chromaticity is not None and len(chromaticity) == 8 and mode not in ("L", "LA"):
        white, *others = zip(chromaticity[::2], chromaticity[1::2], strict=True)
        primaries = (*others, white)
    apart = max(
        abs(one - other) for a, b in zip(primaries, _SRGB, strict=True) for one, other in zip(a, b, strict=True)
    )
    if abs(gamma * _USUAL - 1) <= _NEAR and apart <= _SLIGHT:
        return b""
    return _profile(mode, primaries, 1 / gamma)


def _says_adobe_rgb(image: Image.Image) -> bool:
    if "exif" not in image.info:
        return False
    try:
        exif = image.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    except Exception:  # Pillow answers damaged EXIF with almost any exception
        return False
    return space == 65_535 and index in ("R03", b"R03")


def _profile(mode: str, primaries: Sequence[tuple[float, float]], exponent: float) -> bytes:
    """Return an ICC profile (version 4.2) for the mode of a picture; nothing where it would be sRGB, or makes no sense.

    Args:
        mode: That of the picture.
        primaries: x and y of red, green, blue and white.
        exponent: Of the curve from values to light; 0 for that of sRGB.
    """
    if primaries == _SRGB and not exponent:
        return b""
    if exponent:
        curve = b"para" + bytes(8) + _fixed(exponent)
    else:
        curve = (
            b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
        )
    white = {b"wtpt": b"XYZ " + bytes(4) + _fixed(*_D50)}
    if mode in ("L", "LA"):
        return _packed(b"GRAY", white | {b"kTRC": curve})
    try:
        columns = _to_d50(primaries).T
    except (np.linalg.LinAlgError, ZeroDivisionError):
        return b""
    if not np.isfinite(columns).all() or np.abs(columns).max() > 4:
        return b""
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    colours = {name: b"XYZ " + bytes(4) + _fixed(*column) for name, column in zip(names, columns, strict=True)}
    return _packed(b"RGB ", white | colours | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def _to_d50(primaries: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Return the matrix from linear RGB to XYZ under D50, adapted by Bradford's method."""
    *colours, white = (np.array((x / y, 1.0, (1 - x - y) / y)) for x, y in primaries)
    matrix = np.stack(colours, axis=1)
    matrix = matrix * np.linalg.solve(matrix, white)
    cones = np.array(_BRADFORD)
    adapted: NDArray[np.float64] = np.linalg.solve(cones, np.diag(cones @ _D50 / (cones @ white)) @ cones @ matrix)
    return adapted


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65_536)) for value in values)


def _packed(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return a profile of a screen with these tags (ICC.1:2004-10, section 7)."""
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", start + len(body), b"", 0x04200000, b"mntr", space, b"XYZ ", b"", b"acsp")
    head += bytes(28) + _fixed(*_D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
