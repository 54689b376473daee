"""A digit on paper found in a photograph: its ink, light on black, without shadow, rulings and the page around it.

The paper's brightness is estimated by a grey closing (whatever is narrower than its window goes) and divided out, so
that shadows and uneven light go. Rulings that cross the whole picture tell how far the page is turned; they are
turned straight and taken out. Ink is what differs from the paper by more than its grain and a share of the darkest
stroke; of its connected groups that do not touch the edge, the heaviest is the digit. A page without rulings stays as
it lies: nothing else tells a turned page from slanted writing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from core.data.fitting import looks_inverted
from core.data.paper_reading import PaperReading

Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]

SMALL = 100  # pixels of the shorter side: below, there is no grain and no ruling to mind
WORKING_SIDE = 800  # pixels of the longer side in which the digit is looked for
WINDOW = 0.3  # of the shorter side: wider than any stroke
FEWEST_RULINGS, THICKEST_RULING = 3, 0.03  # to tell an angle by; of the side
STEEPEST = 15.0  # degrees by which rulings may be turned
FAINTEST, FAINTEST_RULING = 0.07, 0.025  # of the paper's brightness: what differs less is no ink
GRAIN = 5.0  # standard deviations of the paper's grain that ink exceeds
THINNEST, WIDEST = 0.1, 0.45  # strokes, of the longer side: MNIST's are 2 to 3 of 20 pixels wide
MOST_INK, LEAST_SHARE = 0.35, 0.6  # of the picture; of all ink that is the digit's


def read_paper(image: Image.Image) -> PaperReading:
    """Find the digit in a picture of any size and polarity: a photograph, a scan, or one that is MNIST-like already."""
    small = image.convert("L")
    small.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    grey = np.asarray(small, np.float32)
    if min(grey.shape) < SMALL:  # strokes may reach the edge of a picture that was cut out
        rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
        grey = np.pad(grey, 2, constant_values=float(np.median(rim)))
    dark = _read(grey)
    if not dark.code and looks_inverted(small):
        return dark
    light = _read(255 - grey)
    return max((dark, light), key=_extent)  # the paper inside a light 0 is a dark spot, and smaller


def _extent(reading: PaperReading) -> float:
    left, top, right, bottom = reading.box
    return 0.0 if reading.code else (right - left) * (bottom - top)


def _read(grey: Floats) -> PaperReading:
    """Find a digit that is darker than its paper."""
    contrast = _residue(grey)
    angle = _angle_of_rulings(contrast)
    if angle:
        contrast, grey = (_turned(values, angle) for values in (contrast, grey))
    contrast, rows = _without_rulings(contrast)
    contrast, columns = _without_rulings(contrast.T)
    contrast, ruled = contrast.T, rows or columns
    digit = _digit(contrast)
    if isinstance(digit, str):
        return PaperReading(angle=angle, ruled=ruled, code=digit)
    mask, box = digit
    if _stroke_width(mask) > WIDEST * max(box[2] - box[0], box[3] - box[1]):
        return PaperReading(angle=angle, ruled=ruled, code="empty")  # a spot of light or shadow
    if not _stands_out(grey, mask, box):
        return PaperReading(angle=angle, ruled=ruled, code="crowded")
    part = tuple(slice(*ends) for ends in ((box[1], box[3]), (box[0], box[2])))
    ink, thickened = _ink(contrast[part], mask[part])
    height, width = contrast.shape
    shares = box[0] / width, box[1] / height, box[2] / width, box[3] / height
    return PaperReading(Image.fromarray(ink), shares, angle, ruled, thickened)


def _turned(values: Floats, angle: float) -> Floats:
    """Return a picture turned counter-clockwise by so many degrees, its edge continued into the corners."""
    return np.asarray(ndimage.rotate(values, angle, reshape=False, order=1, mode="nearest"), np.float32)


def _stands_out(grey: Floats, mask: NDArray[np.bool_], box: Box) -> bool:
    """Say whether ink differs more from what lies around its box than the rest of the box does.

    Of light strokes on dark, what is dark among them is as dark as what lies around them: that is no ink.
    """
    left, top, right, bottom = box
    reach = max(1, round(0.1 * max(right - left, bottom - top)))
    around = np.zeros(mask.shape, bool)
    around[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach] = True
    around[top + 1 : bottom - 1, left + 1 : right - 1] = False
    within = np.zeros(mask.shape, bool)
    within[top:bottom, left:right] = ~mask[top:bottom, left:right]
    outside = float(np.median(grey[around]))
    ink, rest = (float(np.abs(grey[where] - outside).mean()) for where in (mask, within))
    return ink > 1.5 * rest


def _residue(grey: Floats) -> Floats:
    """Return how much darker than the paper around it each pixel is, as a share; grain has the median 0."""
    side = min(grey.shape)
    window = max(3, round(WINDOW * side))
    smooth = grey
    if side >= SMALL:
        small = Image.fromarray(grey).resize([max(1, length // 2) for length in grey.shape[::-1]], Image.Resampling.BOX)
        closed = ndimage.grey_closing(ndimage.median_filter(np.asarray(small), 3), window // 2)
        closed = ndimage.gaussian_filter(closed, 1)
        paper = np.asarray(Image.fromarray(closed).resize(grey.shape[::-1], Image.Resampling.BILINEAR))
        smooth = ndimage.gaussian_filter(grey, 0.7)
    else:
        paper = ndimage.grey_closing(grey, window)
    residue = (paper - smooth) / np.maximum(paper, 100)
    return np.asarray(residue - np.median(residue), np.float32)


def _grain(contrast: Floats) -> float:
    """Return the standard deviation of the paper's grain, from the quieter half of the pixels."""
    return 1.4826 * float(np.median(np.abs(contrast)))


def _angle_of_rulings(contrast: Floats) -> float:
    """Return by how many degrees to turn the picture so that its rulings are straight; 0 without rulings."""
    if min(contrast.shape) < SMALL:
        return 0.0
    limit = max(3 * _grain(contrast), FAINTEST_RULING)
    height, width = contrast.shape
    lines = np.clip(contrast, 0, 2 * limit)[:, : width // 6 * 6].reshape(height, -1, 6).mean(axis=2)

    def sharpness(angle: float) -> float:
        profile = _profile(lines, angle, 6.0)
        return float(np.square(np.diff(profile)).sum())

    best = max(np.arange(-STEEPEST, STEEPEST + 0.25, 0.5), key=sharpness)
    for step in (0.25, 0.1):
        best = max((best - step, best, best + step), key=sharpness)
    if abs(best) < 0.2 or len(_rulings(_turned(contrast, best))) < FEWEST_RULINGS:
        return 0.0
    return round(float(best), 2)


def _profile(lines: Floats, angle: float, column: float) -> Floats:
    """Return the mean along lines that fall by so many degrees, one for each row; `column` is a column's width."""
    height, width = lines.shape
    shift = np.round(np.tan(np.radians(angle)) * column * (np.arange(width) - width / 2)).astype(np.intp)
    rows = np.clip(np.arange(height)[:, None] + shift[None], 0, height - 1)
    return np.asarray(lines[rows, np.arange(width)[None]].mean(axis=1))


def _rulings(contrast: Floats) -> list[NDArray[np.intp]]:
    """Return the rows of each thin band that is ink nearly from edge to edge."""
    limit = max(1.5 * _grain(contrast), FAINTEST_RULING)
    broad = ndimage.maximum_filter1d(contrast, 3, axis=0) > limit
    ends = max(1, broad.shape[1] // 8)
    reaches = [part.mean(axis=1) > 0.5 for part in (broad[:, :ends], broad[:, -ends:])]
    rows = np.flatnonzero((broad.mean(axis=1) > 0.7) & reaches[0] & reaches[1])
    bands = np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1)
    return [band for band in bands if 0 < len(band) <= THICKEST_RULING * len(contrast)]


def _without_rulings(contrast: Floats) -> tuple[Floats, bool]:
    """Take out rows that are rulings, and say whether there are any; strokes that cross them stay."""
    bands = _rulings(contrast) if min(contrast.shape) >= SMALL else []
    cleared = contrast.copy()
    for band in bands:
        top, bottom = max(0, band[0] - 1), min(len(contrast), band[-1] + 2)
        level = np.percentile(contrast[top:bottom], 75, axis=1, keepdims=True)
        above, below = contrast[max(0, top - 2)], contrast[min(len(contrast) - 1, bottom + 1)]
        ink = np.where(contrast[top:bottom] > 1.6 * np.maximum(level, FAINTEST), contrast[top:bottom], 0)
        cleared[top:bottom] = np.maximum(ink, np.minimum(above, below)[None])
    return cleared, bool(bands)


def _digit(contrast: Floats) -> tuple[NDArray[np.bool_], Box] | str:
    """Return where the digit's ink is, and its box; a key of `core.data.paper_reading.NO_DIGIT` where there is none."""
    least = max(GRAIN * _grain(contrast), FAINTEST)
    solid = ndimage.minimum_filter(contrast, 2) if min(contrast.shape) >= SMALL else contrast
    strong = solid[solid > least]
    if len(strong) < max(6, 2e-4 * contrast.size):
        return "empty"
    limit = max(least, 0.35 * float(np.percentile(strong, 80)))
    mask = contrast > limit
    if mask.mean() > MOST_INK:
        return "crowded"
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    weights = ndimage.sum_labels(np.where(mask, contrast, 0), labels, numbers)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    inside = ~np.isin(numbers, rim)
    if not inside.any():
        return "edge"
    main = numbers[inside][weights[inside].argmax()]
    if (
        weights[~inside].size
        and weights[~inside].max() > 4 * weights[main - 1]
        and not _frames(labels, numbers[~inside])
    ):
        return "edge"
    boxes = ndimage.find_objects(labels)
    group = _grouped(boxes, weights, numbers[inside], int(main))
    of_digit = np.isin(labels, group)
    others = weights[inside].sum()
    if weights[np.array(group) - 1].sum() < LEAST_SHARE * others:
        return "crowded"
    rows, columns = (np.flatnonzero(of_digit.any(axis=axis)) for axis in (1, 0))
    margin = max(2, round(0.06 * max(len(rows), len(columns))))
    height, width = contrast.shape
    box = (
        max(0, int(columns[0]) - margin),
        max(0, int(rows[0]) - margin),
        min(width, int(columns[-1]) + 1 + margin),
        min(height, int(rows[-1]) + 1 + margin),
    )
    return of_digit, box


def _frames(labels: NDArray[np.int32], numbers: NDArray[np.intp]) -> bool:
    """Say whether ink at the edge stays near to it, as a table around the page does."""
    height, width = labels.shape
    inner = labels[height // 6 : -height // 6, width // 6 : -width // 6]
    touching = np.isin(labels, numbers).sum()
    return bool(np.isin(inner, numbers).sum() < 0.3 * touching)


def _grouped(boxes: list[tuple[slice, slice]], weights: Floats, inside: NDArray[np.intp], main: int) -> list[int]:
    """Return the numbers of the components that belong to the main one: near to it, and no specks."""
    rows, columns = boxes[main - 1]
    reach = 0.2 * max(rows.stop - rows.start, columns.stop - columns.start)
    group = [main]
    for number in inside.tolist():
        other = boxes[number - 1]
        gaps = [max(0, a.start - b.stop, b.start - a.stop) for a, b in zip((rows, columns), other, strict=True)]
        if number != main and max(gaps) <= reach and weights[number - 1] >= 0.02 * weights[main - 1]:
            group.append(number)
    return group


def _stroke_width(mask: NDArray[np.bool_]) -> float:
    """Return the mean width of strokes in pixels: four times their mean depth, less what pixels add."""
    rows, columns = ndimage.find_objects(mask.astype(np.uint8))[0]
    part = np.pad(mask[rows, columns], 1)
    return 4 * float(ndimage.distance_transform_edt(part)[part].mean()) - 1


def _ink(contrast: Floats, mask: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], bool]:
    """Return the digit's ink as grey light strokes, and whether they were thickened."""
    near = ndimage.binary_dilation(mask, iterations=2)
    full = float(np.percentile(contrast[mask], 75))
    ink = np.clip(np.where(near, contrast, 0) / full, 0, 1)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    missing = THINNEST * longer - _stroke_width(mask)
    thin = missing > 0.3 * THINNEST * longer and longer > 40
    if thin:
        pad = round(missing) + 1
        radius = missing / 2
        spread = np.arange(-int(radius) - 1, int(radius) + 2)
        disc = np.square(spread)[:, None] + np.square(spread)[None] <= radius**2
        ink = ndimage.grey_dilation(np.pad(ink, pad), footprint=disc)
        ink = ndimage.gaussian_filter(ink, 0.5)
    return np.round(255 * ink).astype(np.uint8), thin
