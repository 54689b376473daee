"""Gradient methods averaged over noisy copies: SmoothGrad, VarGrad, gradient SHAP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.explain.methods.base import Method, Shape
from core.options import Option, OptionValue

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.request import AttributionRequest

SAMPLES = Option("samples", "Samples", 25, "How many noisy copies are averaged.", 4, 200)
NOISE = Option(
    "noise", "Noise", 0.15, "Standard deviation of the noise, as a share of the picture's range of values.", 0.01, 1
)
_BASES = {
    "gradient": "Gradient",
    "input_x_gradient": "Input × gradient",
    "integrated_gradients": "Integrated gradients",
    "guided_backprop": "Guided backpropagation",
}
_INNER_STEPS = 16  # of integrated gradients within a noise tunnel
BASE = Option("of", "Averages", "gradient", "Which method looks at each noisy copy.", choices=_BASES)


def _tunnel(request: AttributionRequest, kind: str) -> Tensor:
    """Return the mean or variance of a gradient method over noisy copies of the image."""
    from captum.attr import GuidedBackprop, InputXGradient, IntegratedGradients, NoiseTunnel, Saliency

    base, words = str(request.options["of"]), dict[str, Any]()
    if base == "gradient":
        method: Any = Saliency(request.model)
        words["abs"] = False
    elif base == "input_x_gradient":
        method = InputXGradient(request.model)
    elif base == "guided_backprop":
        method = GuidedBackprop(request.model)
    else:
        method = IntegratedGradients(request.model)
        words |= {"n_steps": _INNER_STEPS, "internal_batch_size": request.batch}
    return NoiseTunnel(method).attribute(
        request.image,
        nt_type=kind,
        nt_samples=request.number("samples"),
        nt_samples_batch_size=min(request.batch, request.number("samples")),
        stdevs=spread(request),
        target=request.target,
        **words,
    )[0]


def spread(request: AttributionRequest) -> float:
    """Return the standard deviation of the noise that a request asks for."""
    image = request.image.detach()
    return float(request.options["noise"] or 0) * float(image.amax() - image.amin())


def _smooth_grad(request: AttributionRequest) -> Tensor:
    return _tunnel(request, "smoothgrad")


def _var_grad(request: AttributionRequest) -> Tensor:
    return _tunnel(request, "vargrad")


def _gradient_shap(request: AttributionRequest) -> Tensor:
    from captum.attr import GradientShap

    method, left, total = GradientShap(request.model), request.number("samples"), request.image.detach()[0] * 0
    while left:  # Captum takes all samples at once; so many pictures may not fit into memory
        part = min(request.batch, left)
        total += (
            part
            * method.attribute(
                request.image, request.background, n_samples=part, stdevs=spread(request), target=request.target
            )[0]
        )
        left -= part
    return total / request.number("samples")


def _tunnel_passes(options: Mapping[str, OptionValue], shape: Shape) -> int:
    return 2 * int(options["samples"] or 1) * (_INNER_STEPS if options["of"] == "integrated_gradients" else 1)


NOISY = (
    Method(
        name="smooth_grad",
        title="SmoothGrad",
        family="Gradients",
        paper="Smilkov, Thorat, Kim, Viégas and Wattenberg 2017, arXiv:1706.03825",
        measures="The gradient of the score averaged over noisy copies of the picture, so that what is chance in a "
        "single gradient cancels out.",
        cannot="It cannot tell what the network sees in this very picture: it answers for a cloud of noisy ones, and "
        "how wide that is, is up to you.",
        signed=True,
        positive="pixels that raise the score if brighter",
        negative="pixels that raise it if darker",
        passes=_tunnel_passes,
        compute=_smooth_grad,
        options=(SAMPLES, NOISE, BASE),
        random=True,
    ),
    Method(
        name="var_grad",
        title="VarGrad",
        family="Gradients",
        paper="Adebayo, Gilmer, Goodfellow and Kim 2018, arXiv:1810.03307",
        measures="How much the gradient at each pixel varies between noisy copies of the picture: where the score "
        "bends most.",
        cannot="It cannot say which way a pixel moves the score; where the gradient is strong but steady it shows "
        "nothing.",
        signed=False,
        positive="pixels whose gradient varies most",
        negative=None,
        passes=_tunnel_passes,
        compute=_var_grad,
        options=(SAMPLES, NOISE, BASE),
        random=True,
        blank="the gradient is the same for all noisy copies: here the network is a straight line.",
    ),
    Method(
        name="gradient_shap",
        title="Gradient SHAP",
        family="Gradients",
        paper="Lundberg and Lee 2017, arXiv:1705.07874; Erion et al. 2019, arXiv:1906.10670",
        measures="How much each pixel added to the score on the way from other pictures of the data set to noisy "
        "copies of this one, on average: an estimate of Shapley values.",
        cannot="It cannot be exact with so few samples: the values sum to the change of score only on average, and "
        "pixels are treated as if each could change by itself.",
        signed=True,
        positive="pixels that raised the score",
        negative="pixels that lowered it",
        passes=lambda options, shape: 2 * int(options["samples"] or 1),
        compute=_gradient_shap,
        options=(SAMPLES, NOISE),
        random=True,
    ),
)
