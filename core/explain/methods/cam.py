"""Grad-CAM, Guided Grad-CAM and layer gradient × activation: methods on the feature maps of one layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.errors import ExplainError
from core.explain.methods.base import Method
from core.options import Option

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.request import AttributionRequest

LAYER = Option("layer", "Layer", None, "Whose maps are looked at; by default the last convolution.")
ACTIVATED_LAYER = Option(
    "layer", "Layer", None, "Whose maps are looked at, behind its activation; by default the last convolution."
)


def layer_maps(request: AttributionRequest, title: str, compute: Callable[[str], Tensor]) -> Tensor:
    """Return what a method computes of the requested layer, or of the last with more than one cell: (1, C, h, w).

    The name of the layer is filled in in the request's options, rows and columns of its maps in its cells.
    """
    from core.explain.cam_layers import cam_layers

    layers = cam_layers(request.original)
    names = [str(request.options["layer"])] if request.options["layer"] is not None else list(reversed(layers))
    for name in names:
        if name not in layers:
            raise ExplainError(f"{title} cannot look at {name!r}: choose one of {', '.join(layers)}.")
        maps = compute(name)
        if maps.shape[2:].numel() > 1:
            request.options["layer"] = name
            request.cells[:] = maps.shape[2:]
            return maps
    raise ExplainError(
        f"The maps of {names[-1]} have a single cell, so {title} cannot say where: choose an earlier layer or "
        "another method."
    )


def _cam(request: AttributionRequest, title: str) -> Tensor:
    from captum.attr import LayerGradCam

    model = request.model

    def compute(name: str) -> Tensor:
        method = LayerGradCam(model, request.layer(name, model))
        return method.attribute(request.image, target=request.target, relu_attributions=True)

    return layer_maps(request, title, compute)


def _grad_cam(request: AttributionRequest) -> Tensor:
    from core.explain.cam_layers import upsampled

    return upsampled(_cam(request, "Grad-CAM"), request.image.shape[2:], "bilinear")[0, 0]


def _guided_grad_cam(request: AttributionRequest) -> Tensor:
    """Multiply guided backpropagation, on the canonized network, with Grad-CAM, on the original."""
    from captum.attr import GuidedBackprop

    from core.explain.cam_layers import upsampled
    from core.explain.canonize import canonized

    cam = upsampled(_cam(request, "Guided Grad-CAM"), request.image.shape[2:])
    network = canonized(request.original)
    assert network is not None  # asked before: see `incompatibility`
    return (cam * GuidedBackprop(request.twin(network)).attribute(request.image, target=request.target))[0]


def _layer_grad_x_activation(request: AttributionRequest) -> Tensor:
    from captum.attr import LayerGradientXActivation

    from core.explain.cam_layers import upsampled

    def compute(name: str) -> Tensor:
        method = LayerGradientXActivation(request.model, request.layer(name))
        return method.attribute(request.image, target=request.target)

    return upsampled(layer_maps(request, "Layer gradient × activation", compute).sum(1, True), request.image.shape[2:])[
        0, 0
    ]


CAMS = (
    Method(
        name="grad_cam",
        title="Grad-CAM",
        family="Layers",
        paper="Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74, arXiv:1610.02391",
        measures="Which regions speak for the class: the maps of one layer, weighted by their mean gradient, added up, "
        "cut at zero and stretched smoothly over the picture.",
        cannot="It cannot show fine detail, because the layer's maps are coarse, nor evidence against the class: a "
        "blank map means that this layer holds none for it.",
        signed=False,
        positive="regions that speak for the class",
        negative=None,
        passes=lambda options, shape: 2,
        compute=_grad_cam,
        options=(LAYER,),
        blank="no region of this layer speaks for the class.",
        counts="sum",
        instead=("layer_cam", "layer_grad_x_activation"),
    ),
    Method(
        name="guided_grad_cam",
        title="Guided Grad-CAM",
        family="Layers",
        paper="Selvaraju et al. 2017, arXiv:1610.02391, section 3.2",
        measures="Guided backpropagation where Grad-CAM sees evidence for the class: its fine lines, kept only in the "
        "regions that matter.",
        cannot="It cannot be more faithful than its two parts: the lines hardly depend on the class, the regions are "
        "coarse.",
        signed=True,
        positive="pixels in these regions that would excite the network more if brighter",
        negative="pixels that would if darker",
        passes=lambda options, shape: 4,
        compute=_guided_grad_cam,
        options=(LAYER,),
        blank="no region of this layer speaks for the class.",
        instead=("guided_backprop", "layer_cam"),
    ),
    Method(
        name="layer_grad_x_activation",
        title="Layer gradient × activation",
        family="Layers",
        paper="Ancona, Ceolini, Öztireli and Gross 2018, arXiv:1711.06104, at a hidden layer",
        measures="What each place of one layer adds to the score: its activations times their gradients, summed over "
        "the layer's maps and drawn cell by cell.",
        cannot="It cannot see finer than the cells of that layer, nor what happens where the network bends between "
        "this picture and another.",
        signed=True,
        positive="places that raise the score",
        negative="places that lower it",
        passes=lambda options, shape: 2,
        compute=_layer_grad_x_activation,
        options=(LAYER,),
        counts="sum",
    ),
)
