"""Class activation maps weighted by gradients: Grad-CAM++, XGrad-CAM, Layer-CAM.

All of them add up the maps A of one layer, weighted by what the gradients g of the score say of them, cut the sum at
zero and stretch it bilinearly over the picture. A are activations, as in the papers: the layer's maps behind its ReLU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from core.explain.methods.base import Method
from core.explain.methods.cam import ACTIVATED_LAYER, layer_maps

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.request import AttributionRequest


def _weighted(request: AttributionRequest, title: str, weigh: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return the map (H, W) of weights times a layer's maps, summed over the maps and cut at zero.

    Args:
        request: What is asked.
        title: The method's name.
        weigh: Returns weights, (1, C, 1, 1) or (1, C, h, w), from activations and gradients of the score (1, C, h, w).
    """
    import torch

    from core.explain.cam_layers import record_activations, upsampled

    def compute(name: str) -> Tensor:
        with record_activations(request.model, request.layer(name)) as outputs:
            score = request.model(request.image)[0, request.target]
        maps = outputs[-1]
        (gradients,) = torch.autograd.grad(score, maps, materialize_grads=True, allow_unused=True)
        maps = maps.detach()
        return (weigh(maps, gradients) * maps).sum(1, True).relu()

    return upsampled(layer_maps(request, title, compute), request.image.shape[2:], "bilinear")[0, 0]


def grad_cam_pp_weights(maps: Tensor, gradients: Tensor) -> Tensor:
    """Return the weights (1, C, 1, 1) of Grad-CAM++: Σ α relu(g), with α = g² / (2 g² + g³ ΣA) as in equation 19.

    That is relu(g) / (2 + g ΣA), which needs no small number against division by zero and cannot underflow. The paper's
    exp(score), which multiplies all weights alike, is left out. pytorch-grad-cam adds 1e-6 to the denominator, about as
    much as usual gradients squared; torch-cam has Σ(A g³) in place of g³ ΣA.
    """
    rising = gradients.relu()
    return (rising / (2 + rising * maps.sum((2, 3), True))).sum((2, 3), True)


def xgrad_cam_weights(maps: Tensor, gradients: Tensor) -> Tensor:
    """Return the weights (1, C, 1, 1) of XGrad-CAM: Σ(g A) / ΣA, and 0 where ΣA is 0."""
    total = maps.sum((2, 3), True)
    return ((gradients * maps).sum((2, 3), True) / total).masked_fill(total == 0, 0)


def layer_cam_weights(maps: Tensor, gradients: Tensor) -> Tensor:
    """Return the weights (1, C, h, w) of Layer-CAM: relu(g), one for each cell of each map."""
    return gradients.relu()


def _method(
    name: str,
    title: str,
    weigh: Callable[[Tensor, Tensor], Tensor],
    *,
    paper: str,
    measures: str,
    cannot: str,
    counts: Literal["sum"] | None = None,
    instead: tuple[str, ...] = ("layer_cam", "layer_grad_x_activation"),
) -> Method:
    """Return the method that weighs a layer's maps by `weigh`, see `_weighted`."""
    return Method(
        name=name,
        title=title,
        family="Layers",
        paper=paper,
        measures=measures,
        cannot=cannot,
        signed=False,
        positive="regions that speak for the class",
        negative=None,
        passes=lambda options, shape: 2,
        compute=lambda request: _weighted(request, title, weigh),
        options=(ACTIVATED_LAYER,),
        blank="no region of this layer speaks for the class.",
        counts=counts,
        instead=instead,
    )


GRADIENT_CAMS = (
    _method(
        "grad_cam_pp",
        "Grad-CAM++",
        grad_cam_pp_weights,
        paper="Chattopadhay, Sarkar, Howlader and Balasubramanian 2018, doi:10.1109/WACV.2018.00097, arXiv:1710.11063",
        measures="Which regions speak for the class, like Grad-CAM, but only places that raise the score count in a "
        "map's weight: several objects of a class show where Grad-CAM shows one.",
        cannot="It cannot show evidence against the class, nor fine detail; where activations are negative (tanh) its "
        "weights mean nothing.",
    ),
    _method(
        "xgrad_cam",
        "XGrad-CAM",
        xgrad_cam_weights,
        paper="Fu, Hu, Dong, Guo, Gao and Li 2020, arXiv:2008.02312",
        measures="Which regions speak for the class, like Grad-CAM, with gradients averaged where each map is active, "
        "so that before the cut at zero the map sums to what the layer's maps add to the score.",
        cannot="It cannot show fine detail; where a map's positive and negative activations cancel (tanh) its weight "
        "is far too large, because it is divided by their sum.",
        counts="sum",
    ),
    _method(
        "layer_cam",
        "Layer-CAM",
        layer_cam_weights,
        paper="Jiang, Zhang, Hou, Cheng and Wei 2021, doi:10.1109/TIP.2021.3089943",
        measures="Which places speak for the class: each cell of a layer's maps times its own gradient where that is "
        "positive, so early layers give fine maps too.",
        cannot="It cannot show evidence against the class, and in early layers it follows edges, whatever the class.",
        counts="sum",
        instead=("layer_grad_x_activation",),
    ),
)
