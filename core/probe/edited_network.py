"""What edits of a network are called, the copy that they make of it, and the kernels that they put in place."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.inference.network import Network
from core.model.handmade import KERNELS
from core.probe.kernel_matching import best_matches

if TYPE_CHECKING:
    from core.probe.surgery import Edit

ALL = -1  # instead of an input channel


def describe_edit(edit: "Edit") -> str:
    """Say what an edit does."""
    from core.probe.surgery import Off, Swap

    if isinstance(edit, Off):
        return f"{edit.layer}: filter {edit.filter} off"
    if isinstance(edit, Swap):
        return f"{edit.layer}: filters {edit.a} and {edit.b} swapped"
    return f"{edit.layer}: filter {edit.filter} has another kernel{_named(np.asarray(edit.kernel))}"


def _named(kernel: np.ndarray) -> str:
    """Name a kernel that is one of the hand-made ones up to a factor, the same for all channels."""
    stack = kernel.reshape(-1, *kernel.shape[-2:])
    side = stack.shape[1]
    if side != stack.shape[2] or side < 3 or side % 2 == 0 or not np.allclose(stack, stack[0]):
        return ""
    (match,) = best_matches(stack[None])
    return f" ({KERNELS[match.name].title})" if match.name and match.sign > 0 and match.cosine > 1 - 1e-9 else ""


def edited(network: Network, edits: "Sequence[Edit]") -> Network:
    """Return a copy of a network with some filters changed; what keeps it from being made is said once it is asked."""

    def edit(model: Any) -> Any:
        from core.probe.surgery import apply_edits

        return apply_edits(model, edits, share=True)

    change = hashlib.blake2b(repr(tuple(edits)).encode(), digest_size=12).hexdigest()
    return network.edited(change, edit)


def part_of(weights: np.ndarray, index: int, channel: int) -> np.ndarray:
    """Return the kernels of a filter that a new one replaces, float (1 or C, kH, kW)."""
    return weights[index] if channel == ALL else weights[index, channel : channel + 1]


def with_kernel(weights: np.ndarray, index: int, channel: int, new: np.ndarray) -> np.ndarray:
    """Return a filter, float (C, kH, kW), with a new kernel in its place."""
    filled = weights[index].astype(np.float64)
    filled[slice(None) if channel == ALL else channel] = new
    return filled


def retyped(values: np.ndarray, rows: Mapping[Any, Mapping[str, Any]]) -> np.ndarray:
    """Return a kernel with the cells that were typed, by row and column; an empty or unusable one is not a number."""
    new = values.copy()
    for row, cells in rows.items():
        for column, value in cells.items():
            if column.isdigit() and int(row) < new.shape[0] and int(column) < new.shape[1]:
                new[int(row), int(column)] = value if isinstance(value, int | float) else np.nan
    return new
