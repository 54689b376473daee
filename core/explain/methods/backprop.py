"""Methods with modified backpropagation: DeepLIFT, guided backpropagation, deconvolution, LRP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.explain.methods.base import Method, Promise
from core.explain.methods.gradients import BASELINE
from core.options import Option

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.request import AttributionRequest

LRP_TITLES = {  # by the keys of `core.explain.methods.lrp.LRP_RULES`
    "epsilon": "ε: in proportion to each product",
    "gamma": "γ: favour products of the sum's sign",
    "alpha1_beta0": "α1β0: only positive products",
}


def _deep_lift(request: AttributionRequest) -> Tensor:
    from core.explain.methods.deep_lift import deep_lift

    return deep_lift(request.model, request.image, request.starts, request.target, request.batch)


def _deep_lift_shap(request: AttributionRequest) -> Tensor:
    from core.explain.methods.deep_lift import deep_lift

    return deep_lift(request.model, request.image, request.starts, request.target, request.batch)


def _guided_backprop(request: AttributionRequest) -> Tensor:
    from captum.attr import GuidedBackprop

    return GuidedBackprop(request.model).attribute(request.image, target=request.target)[0]


def _deconvolution(request: AttributionRequest) -> Tensor:
    from captum.attr import Deconvolution

    return Deconvolution(request.model).attribute(request.image, target=request.target)[0]


def _lrp(request: AttributionRequest) -> Tensor:
    from core.explain.methods.lrp import lrp

    return lrp(request.model, request.image, request.target, str(request.options["rule"]))


BACKPROP_METHODS = (
    Method(
        name="deep_lift",
        title="DeepLIFT",
        family="Rules for going back",
        paper="Shrikumar, Greenside and Kundaje 2017, arXiv:1704.02685",
        measures="How far each pixel's difference from a starting picture made the score differ, passed back layer by "
        "layer as differences instead of slopes.",
        cannot="It cannot judge pixels that are the same in the starting picture, and how activations share out a "
        "difference is a rule that was chosen, not measured.",
        signed=True,
        positive="pixels that raised the score",
        negative="pixels that lowered it",
        passes=lambda options, shape: 6,
        compute=_deep_lift,
        options=(BASELINE,),
        unfolded=True,
        promise=Promise("change", "The values sum to the change of score from the starting picture to this one.", 1e-3),
        blank="the picture is the same as the starting picture, or no difference reaches the score.",
    ),
    Method(
        name="deep_lift_shap",
        title="DeepLIFT SHAP",
        family="Rules for going back",
        paper="Lundberg and Lee 2017, arXiv:1705.07874",
        measures="DeepLIFT averaged over other pictures of the data set as starting pictures: an estimate of Shapley "
        "values that depends on no single one.",
        cannot="It cannot do without those pictures, and another choice of them would give another map.",
        signed=True,
        positive="pixels that raised the score",
        negative="pixels that lowered it",
        passes=lambda options, shape: 6 * int(options["samples"] or 1),
        compute=_deep_lift_shap,
        options=(Option("samples", "Pictures", 8, "How many other pictures it starts from, at most.", 2, 64),),
        unfolded=True,
        promise=Promise(
            "change",
            "The values sum to the change of score from those pictures to this one, on average over them.",
            1e-3,
        ),
    ),
    Method(
        name="guided_backprop",
        title="Guided backpropagation",
        family="Rules for going back",
        paper="Springenberg, Dosovitskiy, Brox and Riedmiller 2014, arXiv:1412.6806",
        measures="The gradient of the score at each pixel when every ReLU lets only positive gradients back: a sharp "
        "drawing of the patterns that excite the network.",
        cannot="It can hardly tell classes apart and changes little when later layers are randomised (Adebayo et al. "
        "2018, arXiv:1810.03292), so it is no proof of why the network decided.",
        signed=True,
        positive="pixels that would excite the network more if brighter",
        negative="pixels that would if darker",
        passes=lambda options, shape: 2,
        compute=_guided_backprop,
        unfolded=True,
    ),
    Method(
        name="deconvolution",
        title="Deconvolution",
        family="Rules for going back",
        paper="Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53, arXiv:1311.2901",
        measures="The score sent back through the network turned round, where every ReLU cuts negative signals but "
        "does not ask whether its unit was active.",
        cannot="It cannot tell what this picture contributed from what the filters look for, so it hardly depends on "
        "the class.",
        signed=True,
        positive="pixels that would excite the network more if brighter",
        negative="pixels that would if darker",
        passes=lambda options, shape: 2,
        compute=_deconvolution,
        unfolded=True,
    ),
    Method(
        name="lrp",
        title="LRP",
        family="Rules for going back",
        paper="Bach et al. 2015, doi:10.1371/journal.pone.0130140; rules of Montavon et al. 2019, "
        "doi:10.1007/978-3-030-28954-6_10",
        measures="The score itself, shared out backwards: each unit passes what it got on to its inputs in proportion "
        "to what they added.",
        cannot="It cannot say what would happen if a pixel changed, and part of the score ends up in biases; with ε "
        "and ReLU it is nearly input × gradient.",
        signed=True,
        positive="pixels that carry the score",
        negative="pixels that speak against it",
        passes=lambda options, shape: 2,
        compute=_lrp,
        options=(
            Option(
                "rule",
                "Rule",
                "epsilon",
                "How a convolution or dense layer shares out what it got.",
                choices=LRP_TITLES,
            ),
        ),
        unfolded=True,
        promise=Promise(
            "score",
            "The values sum to the score, less what biases and batch norms took of it on the way.",
            0.02,
            lacking="the rest is in biases and batch norms.",
        ),
    ),
)
