"""Captum's attribution methods, run on one picture of one network."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from captum.attr import (
    GuidedBackprop,
    IntegratedGradients,
    LayerAttribution,
    LayerGradCam,
    Occlusion,
    Saliency,
)
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.layers import cam_layers, why_not
from core.explain.methods import METHODS, Choice
from core.explain.prediction import batch_size, scores
from core.model.twin import twin_of

# The hooks it warns of are put on a copy of the network that is thrown away.
warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU", category=UserWarning)


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each pixel has to do with the score of one class.

    Attributes:
        values: Float32 on the CPU: (C, H, W) like the image, or (H, W) where the method cannot tell channels
        apart.
        method: Its key in `METHODS`.
        target: Index of the class that was explained.
        signed: Whether negative values mean something.
        score: The class's logit for this image: what is being explained.
        options: Every option with the value that was used.
    """

    values: Tensor
    method: str
    target: int
    signed: bool
    score: float
    options: Mapping[str, Choice]


def _saliency(model: nn.Module, image: Tensor, target: int, options: dict[str, Choice]) -> Tensor:
    return Saliency(model).attribute(image, target=target, abs=True)[0]


def _integrated_gradients(model: nn.Module, image: Tensor, target: int, options: dict[str, Choice]) -> Tensor:
    method = IntegratedGradients(model)
    return method.attribute(
        image, baselines=0, target=target, n_steps=options["steps"], internal_batch_size=batch_size(image)
    )[0]


def _guided_backprop(model: nn.Module, image: Tensor, target: int, options: dict[str, Choice]) -> Tensor:
    return GuidedBackprop(model).attribute(image, target=target)[0]


def _grad_cam(model: nn.Module, image: Tensor, target: int, options: dict[str, Choice]) -> Tensor:
    modules = dict(model.named_modules())
    names = [str(options["layer"])] if options["layer"] is not None else list(reversed(cam_layers(model)))
    for name in names:
        if name not in cam_layers(model):
            raise ExplainError(f"Grad-CAM cannot look at {name!r}: choose one of {', '.join(cam_layers(model))}.")
        maps = LayerGradCam(model, modules[name]).attribute(image, target=target, relu_attributions=True)
        if maps.shape[2:].numel() > 1:
            options["layer"] = name
            return LayerAttribution.interpolate(maps, tuple(image.shape[2:]), interpolate_mode="bilinear")[0, 0]
    raise ExplainError(
        f"The maps of {names[-1]} have a single cell, so Grad-CAM cannot say where: choose an earlier layer or "
        "another method."
    )


def _occlusion(model: nn.Module, image: Tensor, target: int, options: dict[str, Choice]) -> Tensor:
    channels, *sides = image.shape[1:]
    window, stride = int(options["window"] or 1), int(options["stride"] or 1)
    if window > min(sides):
        raise ExplainError(
            f"The square of {window} pixels is larger than the picture of {sides[0]} × {sides[1]}: make it smaller."
        )
    if stride > window:
        raise ExplainError(
            f"A stride of {stride} with a square of {window} would leave pixels uncovered: choose a stride "
            f"of at most {window}."
        )
    values = Occlusion(model).attribute(
        image,
        sliding_window_shapes=(channels, window, window),
        strides=(1, stride, stride),
        baselines=0,
        target=target,
        perturbations_per_eval=batch_size(image),
    )
    return values[0, 0]  # the square covers all channels, so they agree


_COMPUTE: dict[str, Callable[[nn.Module, Tensor, int, dict[str, Choice]], Tensor]] = {
    "saliency": _saliency,
    "integrated_gradients": _integrated_gradients,
    "guided_backprop": _guided_backprop,
    "grad_cam": _grad_cam,
    "occlusion": _occlusion,
}


def attribute(model: nn.Module, image: Tensor, target: int, method: str, **options: Choice) -> Attribution:
    """Explain the score (logit, before softmax) that a network gives one class for one image.

    Runs in eval mode on a copy that shares the weights: the network, its gradients, hooks and modes are left
    as they were found. The same call gives the same values.

    Args:
        model: The network; its outputs are logits.
        image: Normalised image, float (C, H, W).
        target: Index of the class to explain, any of the K.
        method: A key of `METHODS`.
        **options: That method's options; its defaults where none is given.

    Returns:
        The attribution, with the options that were used (for Grad-CAM the chosen layer).

    Raises:
        ExplainError: The method, class, an option or the image is not usable, the method does not fit this
            network, or the result is not finite.
    """
    if method not in METHODS:
        raise ExplainError(f"There is no method {method!r}: choose one of {', '.join(METHODS)}.")
    if image.ndim != 3:
        raise ExplainError(f"Explain one image of shape (C, H, W) at a time, not {tuple(image.shape)}.")
    chosen = METHODS[method].resolve(options)
    reason = why_not(model, method)
    if reason:
        raise ExplainError(reason)
    twin = twin_of(model)
    logits = scores(twin, image[None])[0]
    if isinstance(target, bool) or not isinstance(target, int) or not 0 <= target < len(logits):
        raise ExplainError(f"The network has no class {target!r}: choose a whole number from 0 to {len(logits) - 1}.")
    device = next((weight.device for weight in twin.parameters()), image.device)
    batch = image.detach().to(device, torch.float32, copy=True)[None].requires_grad_()
    with torch.enable_grad():
        values = _COMPUTE[method](twin, batch, target, chosen).detach().float().cpu()
    if not torch.isfinite(values).all():
        raise ExplainError(
            f"{METHODS[method].title} gave values that are not finite numbers for this picture: try another "
            "method or an earlier epoch."
        )
    return Attribution(values, method, target, METHODS[method].signed, float(logits[target]), chosen)


def heatmap(attribution: Attribution) -> Tensor:
    """Return one value per pixel, float32 (H, W).

    Signed values are summed over the channels, so that an attribution keeps its total; unsigned ones give the
    largest of the channels, as in Simonyan et al. 2013, section 3.1.
    """
    values = attribution.values
    if values.ndim == 2:
        return values
    return values.sum(dim=0) if attribution.signed else values.abs().amax(dim=0)
