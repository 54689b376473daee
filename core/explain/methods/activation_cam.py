"""Class activation maps without gradients: Score-CAM, Eigen-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.explain.methods.base import Method
from core.explain.methods.cam import ACTIVATED_LAYER, layer_maps
from core.options import Option

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.request import AttributionRequest

_MASKS = Option(
    "maps", "Maps", 64, "How many of the layer's maps become masks: at most so many, those that vary most.", 1, 4096
)


def _outputs(request: AttributionRequest, title: str) -> Tensor:
    """Return the maps (1, C, h, w) of the requested layer for the image."""
    import torch

    from core.explain.cam_layers import record_activations

    def compute(name: str) -> Tensor:
        with torch.no_grad(), record_activations(request.model, request.layer(name)) as outputs:
            request.model(request.image)
        return outputs[-1]

    return layer_maps(request, title, compute)


def _score_cam(request: AttributionRequest) -> Tensor:
    """Weight each map by the softmax, over the maps, of the score of the picture seen through it (algorithm 1).

    As in the paper a map is stretched over the picture before it is scaled to 0..1 (torch-cam does that the other way
    round); a constant map hides all. Hidden is what is multiplied by 0: the mean colour.
    """
    import torch

    from core.explain.cam_layers import upsampled

    title, sides = "Score-CAM", request.image.shape[2:]
    maps = _outputs(request, title)
    count = min(request.number("maps"), maps.shape[1])
    request.options["maps"] = count
    request.expect(1 + count)
    strongest = maps[0].flatten(1).var(1, correction=0).topk(count).indices.sort().values
    maps = maps[:, strongest]
    scores = []
    with torch.no_grad():
        for part in maps[0][:, None].split(request.batch):
            masks = upsampled(part, sides, "bilinear")
            masks = masks - masks.amin((2, 3), True)
            masks = masks / masks.amax((2, 3), True).clamp(min=torch.finfo(masks.dtype).tiny)
            scores.append(request.model(request.image * masks)[:, request.target])
        weights = torch.cat(scores).softmax(0)[None, :, None, None]
        return upsampled((weights * maps).sum(1, True).relu(), sides, "bilinear")[0, 0]


def eigen_map(maps: Tensor) -> Tensor:
    """Return the first principal component (h, w) of maps (C, h, w), float64: A v₁ of A = U Σ Vᵀ, A being (h w, C).

    As in the paper A is not centred (pytorch-grad-cam takes each map's mean away first). A singular vector has no sign
    of its own: here that is chosen with which the component's sum is not negative.
    """
    import torch

    cells = maps.detach().cpu().double().flatten(1).T
    left, sizes, _ = torch.linalg.svd(cells, full_matrices=False)
    component = left[:, 0] * sizes[0]
    return (component if component.sum() >= 0 else -component).reshape(maps.shape[1:])


def _eigen_cam(request: AttributionRequest) -> Tensor:
    from core.explain.cam_layers import upsampled

    component = eigen_map(_outputs(request, "Eigen-CAM")[0])
    return upsampled(component.relu()[None, None].float(), request.image.shape[2:], "bilinear")[0, 0]


ACTIVATION_CAMS = (
    Method(
        name="score_cam",
        title="Score-CAM",
        family="Layers",
        paper="Wang, Wang, Du, Yang, Zhang, Ding, Mardziel and Hu 2020, arXiv:1910.01279",
        measures="Which regions speak for the class, without gradients: each map of a layer is laid over the picture "
        "as a mask, and weighs the more the higher the score of what it leaves visible.",
        cannot="It cannot show evidence against the class; one pass for each map makes it slow, and a high score lets "
        "one map outweigh all others.",
        signed=False,
        positive="regions that speak for the class",
        negative=None,
        passes=lambda options, shape: 1 + int(options["maps"] or 1),
        compute=_score_cam,
        options=(ACTIVATED_LAYER, _MASKS),
        backward=False,
        blank="no region of this layer speaks for the class.",
        instead=("layer_cam", "layer_grad_x_activation"),
    ),
    Method(
        name="eigen_cam",
        title="Eigen-CAM",
        family="Layers",
        paper="Muhammad and Yeasin 2020, doi:10.1109/IJCNN48605.2020.9206626, arXiv:2008.00299",
        measures="What most of a layer's maps have in common, whatever the class: their first principal component, cut "
        "at zero.",
        cannot="It cannot answer for a class: the map is the same for all of them, also for a wrong one.",
        signed=False,
        positive="regions where the layer's maps are active together",
        negative=None,
        passes=lambda options, shape: 1,
        compute=_eigen_cam,
        options=(ACTIVATED_LAYER,),
        backward=False,
        blank="this layer's maps are zero everywhere.",
    ),
)
