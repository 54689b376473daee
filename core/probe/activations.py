"""Inputs and outputs of layers for some images."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from core.errors import ConvScopeError
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks


def _keep(store: dict[str, Tensor], name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        store[name] = output.detach().to("cpu", torch.float32, copy=True)

    return hook


@in_sentences("Looking into the layers")
def capture_activations(model: nn.Module, images: Tensor, layers: Sequence[str] | None = None) -> dict[str, Tensor]:
    """Return the outputs of the named layers for images, with the network in eval mode.

    The network, its hooks and modes, the gradient mode and the random state are left as they were, also if a
    layer fails; several threads may look into one network at the same time.

    Args:
        model: The network.
        images: Normalised images, float (N, C, H, W).
        layers: Names as in `model.named_modules()`, dotted inside a block ("block1.conv2"), or "input" for
            the images themselves; by default every direct child of the network.

    Returns:
        For each name, in the order asked (or of the network), its output: detached float32 on the CPU,
        usually (N, C, H, W), or (N, features) after flattening.

    Raises:
        ConvScopeError: A layer is unknown, or the images are not normalised float images.
    """
    if images.ndim != 4 or not images.is_floating_point():
        raise ConvScopeError(
            f"Activations need normalised images of shape (N, C, H, W), not {images.dtype} of shape "
            f"{tuple(images.shape)}: pass them through the data set's normalize first."
        )
    twin = shallow_copy_for_hooks(model)
    modules = dict(twin.named_modules())
    names = [name for name, _ in twin.named_children()] if layers is None else list(layers)
    store: dict[str, Tensor] = {}
    for name in names:
        if name == "input":
            store[name] = images.detach().to("cpu", torch.float32, copy=True)
        elif not name or name not in modules:
            raise ConvScopeError(
                f"The network has no layer named {name!r}: choose one of "
                f"{', '.join(child for child, _ in twin.named_children())}."
            )
        else:
            modules[name].register_forward_hook(_keep(store, name))
    device = next((weight.device for weight in twin.parameters()), images.device)
    with torch.no_grad():
        twin(images.to(device, torch.float32))
    return {name: store[name] for name in names}


@in_sentences("Looking into a layer")
def passage(model: nn.Module, images: Tensor, layer: str) -> tuple[Tensor, Tensor]:
    """Return the input and the output of a layer, with the network in eval mode.

    The network is left as it was found; several threads may look into one network at the same time.

    Args:
        model: The network.
        images: Normalised images, float (N, C, H, W).
        layer: A name of `model.named_modules()`.

    Returns:
        Detached float32 on the CPU, usually (N, C, H, W), or (N, features).

    Raises:
        ConvScopeError: There is no such layer, or it has no part in the pass.
    """
    twin = shallow_copy_for_hooks(model)
    module = dict(twin.named_modules()).get(layer) if layer else None
    if module is None:
        raise ConvScopeError(f"The network has no layer named {layer!r}: choose another one.")
    tensors: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Tensor | list[Tensor], ...], output: Tensor) -> None:
        layer_input = torch.cat(inputs[0], dim=1) if isinstance(inputs[0], list) else inputs[0]  # DenseNet's blocks
        tensors.extend(each.detach().to("cpu", torch.float32, copy=True) for each in (layer_input, output))

    module.register_forward_hook(keep)
    with torch.no_grad():
        twin(images)
    if not tensors:
        raise ConvScopeError(f"Layer {layer} has no part in the pass of this network: choose another one.")
    return tensors[0], tensors[1]


def zero_share(activations: Tensor) -> Tensor:
    """Return each channel's share of exact zeros over all images and positions: 1 is a unit that never fires.

    Takes activations (N, C, …), gives float32 (C,) between 0 and 1.
    """
    return (activations == 0).float().transpose(0, 1).flatten(1).mean(dim=1)
