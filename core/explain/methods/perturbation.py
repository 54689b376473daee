"""Perturbation methods: occlusion, feature ablation, Shapley values, LIME, kernel SHAP."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

from core.errors import ExplainError
from core.explain.methods.base import Method, Shape
from core.explain.methods.gradients import BASELINE
from core.options import Option, OptionValue

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.request import AttributionRequest

COVER = Option("baseline", "Cover", "mean", "What a covered part shows.", choices=BASELINE.choices)
LOWERS = "covering these lowers the score, so they speak for the class"
RAISES = "covering these raises it, so they speak against"
UNMOVED = "covering any part leaves the score as it is."


def windows(length: int, window: int, stride: int) -> int:
    """Return how many squares of width `window` cover a side of `length` pixels, the last cut at the edge."""
    return ceil(max(length - window, 0) / stride) + 1


def _window(options: Mapping[str, OptionValue], shape: Shape) -> tuple[int, int]:
    """Return width and stride of the square: by default an eighth of the picture's shorter side and half of it."""
    window = int(options["window"] or max(1, min(shape[1:]) // 8))
    return window, int(options["stride"] or max(1, window // 2))


def _occlusion(request: AttributionRequest) -> Tensor:
    from captum.attr import Occlusion

    channels, *sides = request.image.shape[1:]
    window, stride = _window(request.options, (channels, *sides))  # type: ignore[arg-type]
    request.options.update(window=window, stride=stride)
    if window > min(sides):
        raise ExplainError(
            f"The square of {window} pixels is larger than the picture of {sides[0]} × {sides[1]}: make it smaller."
        )
    if stride > window:
        raise ExplainError(
            f"A stride of {stride} with a square of {window} would leave pixels uncovered: choose a stride "
            f"of at most {window}."
        )
    values = Occlusion(request.model).attribute(
        request.image.detach(),
        sliding_window_shapes=(channels, window, window),
        strides=(1, stride, stride),
        baselines=request.baseline(),
        target=request.target,
        perturbations_per_eval=request.batch,
    )
    return values[0, 0]  # the square covers all channels, so they agree


def _occlusion_passes(options: Mapping[str, OptionValue], shape: Shape) -> int:
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
        counts="range",
    ),
)


SEGMENTS = Option(
    "segments", "Superpixels", 24, "Into about how many patches of similar pixels the picture is cut.", 2, 200
)


def superpixels(image: Tensor, count: int) -> Tensor:
    """Return the superpixel of each pixel of an image (1, C, H, W), about `count` in all: int64 (1, 1, H, W) from 0 on.

    SLIC of scikit-image (Achanta et al. 2012, doi:10.1109/TPAMI.2012.120), on values scaled to 0..1.
    """
    import torch
    from skimage.segmentation import slic

    pixels = image.detach()[0].permute(1, 2, 0).cpu().double()
    pixels = (pixels - pixels.amin()) / (float(pixels.amax() - pixels.amin()) or 1.0)
    colour = pixels.shape[2] == 3
    channels = pixels if colour else pixels.mean(dim=2)
    # How much nearness counts against likeness: colours are compared in Lab, where they lie much farther apart.
    compactness = 20.0 if colour else 0.3
    channel = 2 if colour else None
    labels = slic(channels.numpy(), count, compactness, sigma=1, start_label=0, channel_axis=channel)
    dense = torch.unique(torch.from_numpy(labels.astype("int64")), return_inverse=True)[1]
    return dense[None, None].to(image.device)


def _by_superpixels(request: AttributionRequest, method: Any, **words: int) -> Tensor:
    """Return the attributions of a Captum method to superpixels, (H, W): each pixel has its superpixel's value."""
    return method.attribute(
        request.image.detach(),
        baselines=request.baseline(),
        target=request.target,
        feature_mask=superpixels(request.image, request.number("segments")),
        perturbations_per_eval=request.batch,
        **words,
    )[0, 0]


def _ablation(request: AttributionRequest) -> Tensor:
    from captum.attr import FeatureAblation

    return _by_superpixels(request, FeatureAblation(request.model))


def _shapley(request: AttributionRequest) -> Tensor:
    from captum.attr import ShapleyValueSampling

    return _by_superpixels(request, ShapleyValueSampling(request.model), n_samples=request.number("samples"))


def _lime(request: AttributionRequest) -> Tensor:
    from captum.attr import Lime

    return _by_superpixels(request, Lime(request.model), n_samples=request.number("samples"))


def _kernel_shap(request: AttributionRequest) -> Tensor:
    from captum.attr import KernelShap

    if int(superpixels(request.image, request.number("segments")).max()) < 2:
        raise ExplainError("Kernel SHAP needs three superpixels or more: ask for more of them.")
    return _by_superpixels(request, KernelShap(request.model), n_samples=request.number("samples"))


def _samples(default: int, help: str) -> Option:
    return Option("samples", "Samples", default, help, 2, 2000)


COVERS = (
    Method(
        name="feature_ablation",
        title="Feature ablation",
        family="Covering",
        paper="Zeiler and Fergus 2014, arXiv:1311.2901; over superpixels of Achanta et al. 2012, "
        "doi:10.1109/TPAMI.2012.120",
        measures="How far the score of the class falls when one patch of similar pixels (a superpixel) is covered.",
        cannot="It cannot see what two patches do together: where either is enough, covering one changes nothing.",
        signed=True,
        positive=LOWERS,
        negative=RAISES,
        passes=lambda options, shape: 1 + _most_segments(options),
        compute=_ablation,
        options=(SEGMENTS, COVER),
        backward=False,
        blank=UNMOVED,
        counts="range",
    ),
    Method(
        name="shapley_sampling",
        title="Shapley value sampling",
        family="Covering",
        paper="Castro, Gómez and Tejada 2009, doi:10.1016/j.cor.2008.04.004; Štrumbelj and Kononenko 2010",
        measures="What each superpixel adds to the score on average when the picture is uncovered patch by patch in "
        "random order: its Shapley value; over all patches the values sum to the change of score.",
        cannot="It cannot be exact with few orders, and half-covered pictures are unlike those the network has "
        "learned from.",
        signed=True,
        positive="patches that add to the score",
        negative="patches that take from it",
        passes=lambda options, shape: 1 + int(options["samples"] or 1) * _most_segments(options),
        compute=_shapley,
        options=(SEGMENTS, _samples(10, "In how many random orders the picture is uncovered."), COVER),
        backward=False,
        random=True,
        blank=UNMOVED,
        counts="range",
    ),
    Method(
        name="lime",
        title="LIME",
        family="Covering",
        paper="Ribeiro, Singh and Guestrin 2016, doi:10.1145/2939672.2939778, arXiv:1602.04938",
        measures="How much each superpixel adds to the score in a simple model (a sparse linear one) that imitates the "
        "network on pictures with random patches covered.",
        cannot="It cannot be better than its imitation: patches that work together are beyond it, and other random "
        "numbers give another map.",
        signed=True,
        positive="patches that add to the score",
        negative="patches that take from it",
        passes=lambda options, shape: int(options["samples"] or 1),
        compute=_lime,
        options=(SEGMENTS, _samples(200, "On how many half-covered pictures the simple model learns."), COVER),
        backward=False,
        random=True,
        blank="the simple model found no patch worth its while: more samples may help.",
        counts="range",
    ),
    Method(
        name="kernel_shap",
        title="Kernel SHAP",
        family="Covering",
        paper="Lundberg and Lee 2017, arXiv:1705.07874, section 4.1",
        measures="Shapley values of the superpixels, found like LIME by a linear model on half-covered pictures, with "
        "the weights that make it agree with Shapley's axioms.",
        cannot="It cannot be exact with fewer samples than there are ways to cover, and it needs several times as many "
        "samples as patches.",
        signed=True,
        positive="patches that add to the score",
        negative="patches that take from it",
        passes=lambda options, shape: int(options["samples"] or 1),
        compute=_kernel_shap,
        options=(SEGMENTS, _samples(200, "On how many half-covered pictures the linear model learns."), COVER),
        backward=False,
        random=True,
        blank=UNMOVED,
        counts="range",
    ),
)


def _most_segments(options: Mapping[str, OptionValue]) -> int:
    return int(options["segments"] or 1)
