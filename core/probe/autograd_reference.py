"""Reference forward and backward pass of one layer by autograd in float64."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ConvScopeError
from core.failures import in_sentences
from core.inference.random_state import seeded

Array = NDArray[np.float64]
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class LayerPass:
    """Inputs, outputs, parameters and gradients of one layer, in float64.

    Attributes:
        inputs: What it was given, (N, C, H, W) or (N, F).
        outputs: What it made of that.
        upstream: dL/d outputs, the gradient that comes from above.
        input_gradient: dL/d inputs, as autograd has it; so have the next two.
        weight_gradient, bias_gradient: dL/d weight and dL/d bias; None where the layer has none.
        weight, bias: Its parameters, or None.
        loss: L itself.
    """

    inputs: Array
    outputs: Array
    upstream: Array
    input_gradient: Array
    weight_gradient: Array | None
    bias_gradient: Array | None
    weight: Array | None
    bias: Array | None
    loss: float


@in_sentences("The pass through the layer")
def layer_pass(
    model: nn.Module,
    layer: str,
    images: Tensor,
    labels: Tensor,
    loss: Loss,
    *,
    training: bool = False,
    seed: int = 0,
) -> LayerPass:
    """Run a copy of a network forward and backward in float64 and return what happens at one layer.

    Args:
        model: The network; neither its weights nor its statistics change.
        layer: Name as in `model.named_modules()`, dotted inside a block ("block1.conv2").
        images: Normalised images, float (N, C, H, W).
        labels: True classes, int64 (N,).
        loss: Logits (N, K) and labels to one number.
        training: Whether batch norm uses the statistics of these images and dropout drops.
        seed: Of what dropout drops.

    Raises:
        ConvScopeError: There is no such layer, or it has no part in the pass.
    """
    twin = copy.deepcopy(model).to("cpu", torch.float64)
    twin.requires_grad_(True)
    names = [name for name, _ in twin.named_children()]
    module = dict(twin.named_modules()).get(layer) if layer else None
    if module is None:
        raise ConvScopeError(f"The network has no layer named {layer!r}: choose one of {', '.join(names)}.")
    tensors = _recorded(module)
    twin.train(training)
    with seeded(seed):
        value = loss(twin(images.to("cpu", torch.float64)), labels)
    if not tensors:
        raise ConvScopeError(f"Layer {layer} has no part in the pass of this network: choose another one.")
    parameters = [getattr(module, name, None) for name in ("weight", "bias")]
    leaves = [tensors["inputs"], tensors["outputs"], *(each for each in parameters if isinstance(each, Tensor))]
    gradients = _gradients(value, leaves)
    weight, bias = (each if isinstance(each, Tensor) else None for each in parameters)
    return LayerPass(
        inputs=_array(tensors["inputs"]),
        outputs=_array(tensors["outputs"]),
        upstream=gradients[id(tensors["outputs"])],
        input_gradient=gradients[id(tensors["inputs"])],
        weight_gradient=None if weight is None else gradients[id(weight)],
        bias_gradient=None if bias is None else gradients[id(bias)],
        weight=None if weight is None else _array(weight),
        bias=None if bias is None else _array(bias),
        loss=float(value.detach()),
    )


def _recorded(module: nn.Module) -> dict[str, Tensor]:
    """Return a dictionary that gets the module's "inputs" and "outputs" at its next pass, both with gradients."""
    tensors: dict[str, Tensor] = {}

    def keep(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        tensors["inputs"], tensors["outputs"] = inputs[0], output
        return output.clone()  # a layer that works in place must not change what was kept

    def feed(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (inputs[0].clone().requires_grad_(), *inputs[1:]) if not inputs[0].requires_grad else inputs

    module.register_forward_pre_hook(feed)
    module.register_forward_hook(keep)
    return tensors


def _gradients(value: Tensor, tensors: list[Tensor]) -> dict[int, Array]:
    """Return the gradient of a scalar at each tensor, by the tensor's id; 0 where it does not depend on it."""
    gradients = torch.autograd.grad(value, tensors, allow_unused=True)
    pairs = zip(tensors, gradients, strict=True)
    return {id(of): _array(torch.zeros_like(of) if each is None else each) for of, each in pairs}


def _array(tensor: Tensor) -> Array:
    return tensor.detach().numpy().copy()


@dataclass(frozen=True, eq=False)
class WindowPass:
    """Input, output and gradients of one output map, in float64.

    Attributes:
        output: (H', W').
        image: dL/d image through this map alone, shaped like the image.
        weight: dL/d weight, (C', kH, kW), and bias: dL/d bias, (1,); None for pooling.
    """

    output: Array
    image: Array
    weight: Array | None = None
    bias: Array | None = None


def conv_pass(
    image: ArrayLike,
    weight: ArrayLike,
    bias: float,
    upstream: ArrayLike | None = None,
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    dilation: tuple[int, int] = (1, 1),
    first_channel: int = 0,
    flip: bool = False,
) -> WindowPass:
    """Return the forward and backward pass of one filter of a convolution by autograd.

    Args:
        image: (C, H, W).
        weight: (C', kH, kW): it sees C' channels from `first_channel` on.
        bias: Of this filter.
        upstream: dL/d output, (H', W'); every cell 1 if None: then L is the sum of the output.
        stride, dilation: For rows and columns.
        padding: Zeros at the top, left, bottom and right.
        first_channel: Where the group of this filter begins.
        flip: Convolution as in mathematics, with the kernel turned by 180°.
    """
    pixels, kernel, offset = (_leaf(values) for values in (image, weight, [bias]))
    group = pixels[first_channel : first_channel + kernel.shape[0]]
    top, left, bottom, right = padding
    padded = functional.pad(group, (left, right, top, bottom))[None]
    lying = kernel.flip(1, 2) if flip else kernel
    output = functional.conv2d(padded, lying[None], offset, stride, 0, dilation)[0, 0]
    return WindowPass(_array(output), *_back(output, upstream, pixels, kernel, offset))


def pool_pass(
    image: ArrayLike,
    upstream: ArrayLike,
    *,
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
    mode: Literal["max", "avg"] = "max",
) -> WindowPass:
    """Return the forward and backward pass of pooling one map (H, W), under an upstream gradient (H', W')."""
    pixels = _leaf(image)
    pool = functional.max_pool2d if mode == "max" else functional.avg_pool2d
    output = pool(pixels[None], kernel_size, stride, padding)[0]
    return WindowPass(_array(output), *_back(output, upstream, pixels))


def _leaf(values: ArrayLike) -> Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float64, requires_grad=True)


def _back(output: Tensor, upstream: ArrayLike | None, *leaves: Tensor) -> list[Array]:
    above = torch.ones_like(output) if upstream is None else torch.tensor(np.asarray(upstream), dtype=torch.float64)
    return [_array(each) for each in torch.autograd.grad(output, leaves, above)]
