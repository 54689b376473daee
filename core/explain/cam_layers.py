"""Layers that Grad-CAM and layer methods can use, their shapes, and upsampling of their maps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.methods.deep_lift import ELEMENTWISE
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks

_Shapes = dict[tuple[int, ...], dict[str, tuple[int, ...]]]
_known: WeakKeyDictionary[nn.Module, tuple[tuple[nn.Module, ...], _Shapes]] = WeakKeyDictionary()


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


@contextmanager
def record_activations(network: nn.Module, layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the activations of a layer while the network is asked: the last entry is what counts.

    They are what the papers on class activation maps call the activations of a convolution: its output, or that of the
    batch norm and the activation function where these follow it as modules. What comes next may work in place.
    """
    outputs: list[Tensor] = []
    last: Tensor | None = None

    def keep(module: nn.Module, inputs: tuple[object, ...], output: Tensor) -> Tensor | None:
        nonlocal last
        if module is not layer and (last is None or inputs[0] is not last):
            return None
        outputs.append(output)
        copy = output.clone()
        last = None if isinstance(module, ELEMENTWISE) else copy
        return copy

    following = (module for module in network.modules() if isinstance(module, (nn.BatchNorm2d, *ELEMENTWISE)))
    handles = [module.register_forward_hook(keep) for module in {layer, *following}]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


@in_sentences("Asking a layer")
def output_of(model: nn.Module, image: Tensor, layer: str) -> Tensor:
    """Return the output of one layer for an image (1, C, H, W), with its batch of one."""
    return _outputs(model, image, [layer])[layer]


def _outputs(model: nn.Module, image: Tensor, names: list[str]) -> dict[str, Tensor]:
    twin, outputs = shallow_copy_for_hooks(model), dict[str, Tensor]()

    def keep(name: str, output: object) -> None:
        if isinstance(output, Tensor):
            outputs[name] = output.clone()  # what comes next may work in place

    for name in names:
        twin.get_submodule(name).register_forward_hook(lambda module, inputs, output, name=name: keep(name, output))
    with torch.no_grad():
        twin(image)
    return outputs


@in_sentences("Finding the shapes of the layers")
def layer_shapes(model: nn.Module, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return the output shape of each module of a network by name, in order of execution.

    That is (C, H, W) for maps and (F,) for numbers without places, for images of `shape`. It is found out once.
    """
    modules = tuple(model.modules())[1:]  # the cache must not keep the network itself alive
    cached = _known.get(model)
    if cached is None or cached[0] != modules:
        cached = _known[model] = modules, {}
    if shape not in cached[1]:
        weight = next(model.parameters(), None)
        image = torch.zeros((1, *shape), device=None if weight is None else weight.device)
        names = [name for name, _ in model.named_modules() if name]
        cached[1][shape] = {name: tuple(output.shape[1:]) for name, output in _outputs(model, image, names).items()}
    return dict(cached[1][shape])


def upsampled(maps: Tensor, shape: tuple[int, ...], mode: str = "nearest") -> Tensor:
    """Return maps (N, C, h, w) upsampled to (N, C, H, W), by nearest neighbour or "bilinear"."""
    from captum.attr import LayerAttribution

    return LayerAttribution.interpolate(maps, tuple(shape), interpolate_mode=mode)
