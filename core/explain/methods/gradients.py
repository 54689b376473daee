"""Gradient methods: saliency, input × gradient, integrated gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.explain.methods.base import Method, Promise
from core.options import Option

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.request import AttributionRequest

_START = {"mean": "Mean colour", "blur": "Blurred picture", "noise": "Random pixels"}
BASELINE = Option(
    "baseline", "Starting picture", "mean", "What stands for a picture that shows nothing.", choices=_START
)
STEPS = Option("steps", "Steps", 50, "Pictures on the way; more steps sum up more exactly.", 8, 256)


def _saliency(request: AttributionRequest) -> Tensor:
    from captum.attr import Saliency

    return Saliency(request.model).attribute(request.image, target=request.target, abs=True)[0]


def _input_x_gradient(request: AttributionRequest) -> Tensor:
    from captum.attr import InputXGradient

    return InputXGradient(request.model).attribute(request.image, target=request.target)[0]


def _integrated_gradients(request: AttributionRequest) -> Tensor:
    from captum.attr import IntegratedGradients

    return IntegratedGradients(request.model).attribute(
        request.image,
        baselines=request.starts,
        target=request.target,
        n_steps=request.number("steps"),
        internal_batch_size=request.batch,
    )[0]


GRADIENTS = (
    Method(
        name="saliency",
        title="Saliency",
        family="Gradients",
        paper="Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034",
        measures="How strongly the score of the class reacts to a tiny change of each pixel: the size of the "
        "gradient, without its sign.",
        cannot="It cannot say whether a pixel speaks for or against the class, nor how much of the score it makes up.",
        signed=False,
        positive="pixels whose small changes move the score most",
        negative=None,
        passes=lambda options, shape: 2,
        compute=_saliency,
    ),
    Method(
        name="input_x_gradient",
        title="Input × gradient",
        family="Gradients",
        paper="Shrikumar, Greenside, Shcherbina and Kundaje 2016, arXiv:1605.01713",
        measures="The gradient of the score times the pixel itself: what each pixel would add to the score if the "
        "network were the straight line that touches it here.",
        cannot="It cannot see pixels of the mean colour (zero after normalising), and a network is not that line.",
        signed=True,
        positive="pixels that raise the score",
        negative="pixels that lower it",
        passes=lambda options, shape: 2,
        compute=_input_x_gradient,
        blank="every pixel has the mean colour, or no change of the picture moves this score.",
    ),
    Method(
        name="integrated_gradients",
        title="Integrated gradients",
        family="Gradients",
        paper="Sundararajan, Taly and Yan 2017, arXiv:1703.01365",
        measures="How much each pixel added to the score of the class on the way from a starting picture without "
        "content (by default the data set's mean colour) to this one.",
        cannot="It cannot judge pixels that are the same in the starting picture, and another starting picture would "
        "give another map.",
        signed=True,
        positive="pixels that raised the score",
        negative="pixels that lowered it",
        passes=lambda options, shape: 2 * int(options["steps"] or 1) + 2,
        compute=_integrated_gradients,
        options=(STEPS, BASELINE),
        promise=Promise(
            "change",
            "The values sum to the change of score from the starting picture to this one, the more exactly the more "
            "steps.",
            0.05,
            {"steps": 256},
            "more steps sum up more exactly.",
        ),
        blank="the picture is the same as the starting picture, or the score is the same all the way.",
    ),
)
