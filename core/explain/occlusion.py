"""Covering one square of the picture after the other."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING

from core.errors import ExplainError
from core.explain.gradients import BASELINE
from core.explain.method import Method
from core.explain.option import Choice, Option, Shape

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.question import Question

COVER = Option("baseline", "Cover", "mean", "What a covered part shows.", choices=BASELINE.choices)
LOWERS = "covering these lowers the score, so they speak for the class"
RAISES = "covering these raises it, so they speak against"
UNMOVED = "covering any part leaves the score as it is."


def windows(length: int, window: int, stride: int) -> int:
    """Return how many squares of width `window` cover a side of `length` pixels, the last cut at the edge."""
    return ceil(max(length - window, 0) / stride) + 1


def _window(options: Mapping[str, Choice], shape: Shape) -> tuple[int, int]:
    """Return width and stride of the square: as asked, else an eighth of the picture's shorter side and half of it."""
    window = int(options["window"] or max(1, min(shape[1:]) // 8))
    return window, int(options["stride"] or max(1, window // 2))


def _occlusion(asked: Question) -> Tensor:
    from captum.attr import Occlusion

    channels, *sides = asked.image.shape[1:]
    window, stride = _window(asked.options, (channels, *sides))  # type: ignore[arg-type]
    asked.options.update(window=window, stride=stride)
    if window > min(sides):
        raise ExplainError(
            f"The square of {window} pixels is larger than the picture of {sides[0]} × {sides[1]}: make it smaller."
        )
    if stride > window:
        raise ExplainError(
            f"A stride of {stride} with a square of {window} would leave pixels uncovered: choose a stride "
            f"of at most {window}."
        )
    values = Occlusion(asked.model).attribute(
        asked.image.detach(),
        sliding_window_shapes=(channels, window, window),
        strides=(1, stride, stride),
        baselines=asked.baseline(),
        target=asked.target,
        perturbations_per_eval=asked.batch,
    )
    return values[0, 0]  # the square covers all channels, so they agree


def _occlusion_passes(options: Mapping[str, Choice], shape: Shape) -> int:
    window, stride = _window(options, shape)
    return 1 + windows(shape[1], window, stride) * windows(shape[2], window, stride)


OCCLUSION = (
    Method(
        name="occlusion",
        title="Occlusion",
        family="Covering",
        paper="Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53, arXiv:1311.2901",
        measures="How far the score of the class falls when a square of the picture is covered, by default with the "
        "data set's mean colour, averaged over the squares that cover each pixel.",
        cannot="It cannot see evidence much smaller than the square or spread far beyond it, and a picture with a hole "
        "is unlike those the network has learned from.",
        signed=True,
        positive=LOWERS,
        negative=RAISES,
        passes=_occlusion_passes,
        compute=_occlusion,
        options=(
            Option("window", "Square", None, "Its width in pixels; by default an eighth of the picture's side.", 1, 64),
            Option("stride", "Stride", None, "How far the square moves, in pixels; by default half of it.", 1, 64),
            COVER,
        ),
        backward=False,
        blank=UNMOVED,
    ),
)
