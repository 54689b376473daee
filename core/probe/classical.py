"""Classical image operations of scikit-image: edges, corners, blobs, key points, lines, textures."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
import skimage as ski
from numpy.typing import ArrayLike, NDArray

from core.errors import ConvScopeError
from core.options import Option

Floats = NDArray[np.float64]
_MIN_SIDE = 4


@dataclass(frozen=True, eq=False)
class ClassicalResult:
    """The result of an operation; rows and columns are in pixels of the picture, 0 at the middle of the first.

    Attributes:
        values: (H, W) for a map, None for marks.
        signed: Whether the map's negative values mean something.
        points: (N, 4), key-points: row, column, radius and angle in radians, 0 to the right, π / 2 downwards.
        segments: (N, 4), straight lines: row and column of one end, then of the other.
        circles: (N, 3): row and column of the middle, radius; the surest first.
        note: Why there is nothing to see, or an empty text.
    """

    values: Floats | None = None
    signed: bool = False
    points: Floats = field(default_factory=lambda: np.empty((0, 4)))
    segments: Floats = field(default_factory=lambda: np.empty((0, 4)))
    circles: Floats = field(default_factory=lambda: np.empty((0, 3)))
    note: str = ""


@dataclass(frozen=True)
class Operation:
    """An operation on a grey picture: `kind` is "map" (a picture comes out) or "marks" (places in it)."""

    title: str
    summary: str
    kind: str
    function: Callable[..., ClassicalResult]
    options: tuple[Option, ...] = ()


def apply_classical(name: str, picture: ArrayLike, **settings: float) -> ClassicalResult:
    """Return the result of one operation of `CLASSICAL`.

    Args:
        name: Its key.
        picture: Grey, float (H, W) from 0 to 1, at least 4 × 4 pixels.
        **settings: Its settings; their defaults where none is given.

    Raises:
        ConvScopeError: The operation or a setting does not exist or is out of its range, or the picture is too
            small, has colours or holds values that are not numbers.
    """
    if name not in CLASSICAL:
        raise ConvScopeError(f"There is no operation {name!r}: choose one of {', '.join(CLASSICAL)}.")
    operation, grey = CLASSICAL[name], np.asarray(picture, dtype=np.float64)
    if grey.ndim != 2 or min(grey.shape) < _MIN_SIDE:
        raise ConvScopeError(
            f"{operation.title} needs a grey picture of at least {_MIN_SIDE} × {_MIN_SIDE} pixels, not one of shape "
            f"{grey.shape}."
        )
    if not np.isfinite(grey).all():
        raise ConvScopeError(f"{operation.title} needs a number in every pixel, and this picture lacks some.")
    options = {option.name: option for option in operation.options}
    values = {name: option.default for name, option in options.items()}
    for name, value in settings.items():
        try:
            values[name] = options[name].check(value)
        except (KeyError, ValueError) as error:
            ranges = [f"{option.name} from {option.min:g} to {option.max:g}" for option in options.values()]
            raise ConvScopeError(
                f"{operation.title} cannot take {name} = {value}: it takes {', '.join(ranges) or 'no settings'}."
            ) from error
    return operation.function(grey, **values)


def _map(values: ArrayLike, *, signed: bool = False, note: str = "") -> ClassicalResult:
    return ClassicalResult(np.asarray(values, dtype=np.float64), signed=signed, note=note)


def _canny(grey: Floats, sigma: float) -> ClassicalResult:
    edges = ski.feature.canny(grey, sigma=sigma)
    return _map(edges, note="" if edges.any() else _NOTHING.format("edge"))


def _gabor(grey: Floats, theta: float, frequency: float) -> ClassicalResult:
    return _map(ski.filters.gabor(grey, frequency, theta=np.radians(theta))[0], signed=True)


def _hog(grey: Floats, cell: float) -> ClassicalResult:
    side = min(int(cell), *grey.shape)
    _, picture = ski.feature.hog(grey, pixels_per_cell=(side, side), cells_per_block=(1, 1), visualize=True)
    return _map(picture)


def _orb(grey: Floats, count: float) -> ClassicalResult:
    large, factor = _enlarged(grey, 128)  # ORB needs 16 pixels on every side of a corner
    orb = ski.feature.ORB(n_keypoints=int(count))
    orb.detect(large)
    return _points(orb.keypoints, 15 * np.asarray(orb.scales), orb.orientations, factor)


def _sift(grey: Floats) -> ClassicalResult:
    large, factor = _enlarged(grey, 64)
    sift = ski.feature.SIFT()
    try:
        sift.detect(large)
    except RuntimeError:  # so scikit-image says that there are none
        return ClassicalResult(note=_NOTHING.format("key-point"))
    # its angles are counted from downwards to the right; a blob's radius is √2 sigma (Lindeberg 1998)
    return _points(sift.positions, np.sqrt(2) * sift.sigmas, np.pi / 2 - np.asarray(sift.orientations), factor)


def _enlarged(grey: Floats, side: int) -> tuple[Floats, int]:
    """Enlarge small pictures by an integer factor, because key-point detectors need a margin."""
    factor = ceil(side / min(grey.shape))
    return ski.transform.resize(grey, (grey.shape[0] * factor, grey.shape[1] * factor), order=1), factor


def _points(places: Any, radii: Any, angles: Any, factor: int) -> ClassicalResult:
    rows_columns = (np.reshape(places, (-1, 2)) + 0.5) / factor - 0.5
    points = np.column_stack([rows_columns, radii / factor, angles]).astype(np.float64)
    return ClassicalResult(points=points, note="" if len(points) else _NOTHING.format("key-point"))


def _lines(grey: Floats, sigma: float, length: float) -> ClassicalResult:
    least = max(3, round(length * min(grey.shape)))
    edges = ski.feature.canny(grey, sigma=sigma)
    pairs = ski.transform.probabilistic_hough_line(edges, threshold=least, line_length=least, line_gap=2, rng=0)
    segments = np.array([(*start[::-1], *end[::-1]) for start, end in pairs], dtype=np.float64).reshape(-1, 4)
    return ClassicalResult(segments=segments, note="" if len(segments) else _NOTHING.format("straight line"))


def _circles(grey: Floats, sigma: float, share: float) -> ClassicalResult:
    largest = max(3, min(grey.shape) // 2)
    count = min(largest - 2, 2**24 // grey.size)  # one number of votes for each radius and pixel: memory is bounded
    radii = np.linspace(3, largest, max(1, count)).round().astype(np.intp)
    votes = ski.transform.hough_circle(ski.feature.canny(grey, sigma=sigma), radii)
    _, columns, rows, sizes = ski.transform.hough_circle_peaks(
        votes, radii, min_xdistance=3, min_ydistance=3, threshold=share, total_num_peaks=8
    )
    circles = np.column_stack([rows, columns, sizes]).astype(np.float64)
    return ClassicalResult(circles=circles, note="" if len(circles) else _NOTHING.format("circle"))


_NOTHING = "There is no {} in this picture: it is too even, too small or too faint."
_BLUR = Option("sigma", "Blur, in pixels", 1.0, "", 0.1, 5.0, step=0.1)
_SIGMA = Option("sigma", "Blur before, in pixels", 1.0, "", 0.1, 5.0, step=0.1)
_THETA = Option("theta", "Direction of the wave, in degrees", 0, "", 0, 180, step=1)
_GABOR = _THETA, Option("frequency", "Waves in a pixel", 0.25, "", 0.05, 0.5, step=0.05)
_LINES = _SIGMA, Option("length", "Least length, in heights of the picture", 0.3, "", 0.1, 1.0, step=0.05)
_CIRCLES = _SIGMA, Option("share", "Least part of the circle that is an edge", 0.5, "", 0.2, 1.0, step=0.05)

# fmt: off
CLASSICAL: dict[str, Operation] = {
    "sobel_x": Operation("Sobel x", "How fast the brightness grows to the right: upright edges.", "map",
        lambda grey: _map(ski.filters.sobel_v(grey), signed=True)),
    "sobel_y": Operation("Sobel y", "How fast the brightness grows downwards: level edges.", "map",
        lambda grey: _map(ski.filters.sobel_h(grey), signed=True)),
    "sobel": Operation("Sobel magnitude", "How steep the brightness is, whatever the direction.", "map",
        lambda grey: _map(ski.filters.sobel(grey))),
    "laplacian": Operation("Laplacian", "How much darker a pixel is than those around it.", "map",
        lambda grey: _map(-ski.filters.laplace(grey), signed=True)),  # scikit-image's has the other sign
    "canny": Operation("Canny", "Edges one pixel thin: steepest places, two thresholds.", "map", _canny, (_SIGMA,)),
    "gaussian": Operation("Gaussian", "The picture blurred: the finest detail is gone.", "map",
        lambda grey, sigma: _map(ski.filters.gaussian(grey, sigma)), (_BLUR,)),
    "gabor": Operation("Gabor", "Where stripes of one direction and width are.", "map", _gabor, _GABOR),
    "hog": Operation("HOG", "In each cell, the directions of its edges as a star.", "map", _hog, (
        Option("cell", "Cell, in pixels", 4, "", 2, 32, step=1),)),
    "orb": Operation("ORB key-points", "Corners that are found again when the picture turns.", "marks", _orb, (
        Option("count", "At most", 40, "", 1, 200, step=1),)),
    "sift": Operation("SIFT key-points", "Blobs that are found again at other sizes and turns.", "marks", _sift),
    "hough_lines": Operation("Hough lines", "Straight lines on which many edges agree.", "marks", _lines, _LINES),
    "hough_circles": Operation("Hough circles", "Circles on which many edges agree.", "marks", _circles, _CIRCLES),
}
# fmt: on
