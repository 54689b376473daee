"""Edits of a network's copy: switch a filter off, swap two, or replace a kernel."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from core.errors import ConvScopeError
from core.failures import in_sentences
from core.formatting import dimensions
from core.inference.copies import shallow_copy_for_hooks
from core.probe.kernels import filters


@dataclass(frozen=True)
class Off:
    """Switch a filter off: its weights and bias become 0 (a batch norm behind it still adds its own shift)."""

    layer: str
    filter: int


@dataclass(frozen=True)
class Swap:
    """Swap two filters of a convolution, weights and biases, and so their maps."""

    layer: str
    a: int
    b: int


@dataclass(frozen=True)
class Replace:
    """Replace a filter's kernel; its bias stays.

    `kernel` is (kH, kW), the same for every input channel, or (C, kH, kW); whatever is given, it is kept as nested
    tuples of floats, so that equal edits are equal and can be keys.
    """

    layer: str
    filter: int
    kernel: ArrayLike

    def __post_init__(self) -> None:
        try:
            array = np.asarray(self.kernel, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ConvScopeError("The kernel must be rows of numbers, all of the same length.") from error
        if not np.isfinite(array).all():
            raise ConvScopeError("The kernel holds something that is not a number: every cell needs one.")
        object.__setattr__(self, "kernel", _nested(array.tolist()))


Edit = Off | Swap | Replace


@in_sentences("The operation")
def apply_edits(model: nn.Module, edits: Sequence[Edit], *, share: bool = False) -> Any:
    """Return a copy of a network with its own weights and the edits applied one after the other.

    The network itself is left untouched; to undo, operate again with fewer edits.

    Args:
        model: The network.
        edits: What to do, first to last; layers are those of `filter_layers(model)`.
        share: Whether layers that no edit touches share their weights with the network, to save memory; the copy,
            in eval mode then, must only be read.

    Raises:
        ConvScopeError: A layer or a filter does not exist, or a kernel does not fit.
    """
    patient = _sharing(model, edits) if share else copy.deepcopy(model)
    with torch.no_grad():
        for edit in edits:
            _apply(edit, patient)
    return patient


def _sharing(model: nn.Module, edits: Sequence[Edit]) -> nn.Module:
    """Return a copy in which only layers that are to be edited have weights of their own."""
    twin = shallow_copy_for_hooks(model)
    for layer in dict.fromkeys(edit.layer for edit in edits):
        filters(twin, layer)  # raises the sentence for a layer that is not there
        convolution = twin.get_submodule(layer)
        for name, parameter in list(convolution.named_parameters(recurse=False)):
            setattr(convolution, name, nn.Parameter(parameter.detach().clone(), parameter.requires_grad))
    return twin


def _apply(edit: Edit, model: nn.Module) -> None:
    shape = filters(model, edit.layer).shape  # raises the sentence for a layer that is not there
    convolution = model.get_submodule(edit.layer)
    tensors = [tensor for tensor in (convolution.weight, convolution.bias) if isinstance(tensor, Tensor)]
    for number in (edit.a, edit.b) if isinstance(edit, Swap) else (edit.filter,):
        if not 0 <= number < shape[0]:
            raise ConvScopeError(f"Layer {edit.layer} has no filter {number}: choose one from 0 to {shape[0] - 1}.")
    match edit:
        case Off():
            for tensor in tensors:
                tensor[edit.filter] = 0
        case Swap():
            for tensor in tensors:
                tensor[[edit.a, edit.b]] = tensor[[edit.b, edit.a]]
        case Replace():
            kernel = torch.tensor(edit.kernel)
            if kernel.shape not in (shape[1:], shape[2:]):
                raise ConvScopeError(
                    f"A kernel of {_size(kernel)} does not fit layer {edit.layer}: its filters are "
                    f"{_size(filters(model, edit.layer)[0])}, or {shape[2]} × {shape[3]} for all channels alike."
                )
            tensors[0][edit.filter] = kernel


def _size(kernel: Tensor) -> str:
    return dimensions(kernel.shape) or "one number"


def _nested(values: Any) -> Any:
    return tuple(map(_nested, values)) if isinstance(values, list) else values
