"""Which layers Grad-CAM can look at, and which methods fit a network."""

from collections.abc import Iterator

from torch import nn

from core.errors import ExplainError
from core.explain.methods import METHODS


def _cam_layers(module: nn.Module, path: str = "") -> Iterator[str]:
    for name, child in module.named_children():
        full = f"{path}.{name}" if path else name
        if isinstance(child, nn.Conv2d):
            yield full
            continue
        inner = list(_cam_layers(child, full))
        yield from inner
        if inner and not isinstance(child, nn.Sequential):
            yield full


def cam_layers(model: nn.Module) -> tuple[str, ...]:
    """Name the layers that Grad-CAM can look at, in order: each convolution, each block after its own."""
    return tuple(_cam_layers(model))


def default_cam_layer(model: nn.Module) -> str:
    """Name the layer that Grad-CAM uses unless told: the last convolution, or the block that holds it.

    The paper takes the last convolution: the deepest layer that still knows where things are. Inside a
    residual block the class also depends on the shortcut, so there it is the whole block, as is usual for
    ResNets. Where that layer's maps have a single cell, `attribute` goes back to the last with more.

    Raises:
        ExplainError: The network has no convolution.
    """
    names = cam_layers(model)
    if not names:
        raise ExplainError(
            "Grad-CAM needs a convolution and this network has none: choose another method, or add one in Build."
        )
    return names[-1]


def why_not(model: nn.Module, method: str) -> str | None:
    """Say in one sentence why a method of `METHODS` cannot explain this network, or return None if it can."""
    title = METHODS[method].title
    modules = list(model.modules())
    if method == "grad_cam" and not any(isinstance(module, nn.Conv2d) for module in modules):
        return f"{title} needs a convolution and this network has none: choose another method, or add one "
        "in Build."
    if method == "guided_backprop" and not any(isinstance(module, nn.ReLU) for module in modules):
        return (
            f"{title} changes how gradients pass ReLU layers and this network has none, so it would repeat "
            "the plain gradient: choose saliency instead."
        )
    return None
