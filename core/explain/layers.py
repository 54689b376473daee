"""Which layers a method can look at, and the methods that look at maps."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from core.errors import ExplainError
from core.model.twin import twin_of


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


def outputs_of(model: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """Return what every module puts out for one image (1, C, H, W), by the module's name, in order of execution."""
    twin, found = twin_of(model), dict[str, Tensor]()

    def keep(name: str, output: object) -> None:
        if isinstance(output, Tensor):
            found[name] = output

    for name, module in twin.named_modules():
        if name:
            module.register_forward_hook(lambda module, inputs, output, name=name: keep(name, output))
    with torch.no_grad():
        twin(image)
    return found


def layer_shapes(model: nn.Module, shape: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
    """Name the modules of a network in order of execution, each with the shape of what it puts out for an image.

    That is (C, H, W) for maps and (F,) for numbers without places, for images of `shape`.
    """
    weight = next(model.parameters(), None)
    image = torch.zeros((1, *shape), device=None if weight is None else weight.device)
    return {name: tuple(output.shape[1:]) for name, output in outputs_of(model, image).items()}


def stretched(maps: Tensor, shape: tuple[int, ...], mode: str = "nearest") -> Tensor:
    """Stretch maps (N, C, h, w) over a picture, (N, C, H, W): cell by cell, or smoothly ("bilinear")."""
    from captum.attr import LayerAttribution

    return LayerAttribution.interpolate(maps, tuple(shape), interpolate_mode=mode)
