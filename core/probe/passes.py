"""One layer's part in a whole pass: what goes in and out of it, and the gradients that autograd finds there."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import ConvScopeError

Array = NDArray[np.float64]
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class LayerPass:
    """A layer between forward and backward pass, in float64.

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
    for weight in twin.parameters():
        weight.requires_grad_(True)
    names = [name for name, _ in twin.named_children()]
    module = dict(twin.named_modules()).get(layer) if layer else None
    if module is None:
        raise ConvScopeError(f"The network has no layer named {layer!r}: choose one of {', '.join(names)}.")
    seen: dict[str, Tensor] = {}

    def keep(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        seen["inputs"], seen["outputs"] = inputs[0], output
        return output.clone()  # a layer that works in place must not change what was kept

    def feed(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (inputs[0].clone().requires_grad_(), *inputs[1:]) if not inputs[0].requires_grad else inputs

    module.register_forward_pre_hook(feed)
    module.register_forward_hook(keep)
    twin.train(training)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        value = loss(twin(images.to("cpu", torch.float64)), labels)
    if not seen:
        raise ConvScopeError(f"Layer {layer} has no part in the pass of this network: choose another one.")
    own = [getattr(module, name, None) for name in ("weight", "bias")]
    wanted = [seen["inputs"], seen["outputs"], *(each for each in own if isinstance(each, Tensor))]
    found = dict(zip(map(id, wanted), torch.autograd.grad(value, wanted, allow_unused=True), strict=True))

    def gradient(of: Any) -> Array | None:
        if not isinstance(of, Tensor):
            return None
        return _array(torch.zeros_like(of) if found[id(of)] is None else found[id(of)])

    upstream, input_gradient = gradient(seen["outputs"]), gradient(seen["inputs"])
    assert upstream is not None and input_gradient is not None
    return LayerPass(
        inputs=_array(seen["inputs"]),
        outputs=_array(seen["outputs"]),
        upstream=upstream,
        input_gradient=input_gradient,
        weight_gradient=gradient(own[0]),
        bias_gradient=gradient(own[1]),
        weight=_array(own[0]),
        bias=_array(own[1]),
        loss=float(value.detach()),
    )


def _array(tensor: Any) -> Any:
    return tensor.detach().numpy().copy() if isinstance(tensor, Tensor) else None
