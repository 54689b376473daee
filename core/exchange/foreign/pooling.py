"""Pooling of another program as pooling of ours that looks through exactly the same windows."""

from core.exchange.foreign.network import ForeignError, shown
from core.exchange.foreign.stack import NO_PADS, Pads, Stack, owned_by
from core.exchange.foreign.windows import Side
from core.model import layers as kinds

MAX_POOL = 16  # cells a side of a window here


def max_pool(stack: Stack, owner: str, kernel: tuple[int, int], stride: tuple[int, int], pads: Pads = NO_PADS) -> None:
    """Add max pooling, whose border counts as smaller than any number."""
    if stack.pads != NO_PADS and _follows_relu(stack):  # behind a ReLU, zeros are never the largest either
        pads, stack.pads = stack.pads_and(pads), NO_PADS
    size, step, padding = _window(stack, owner, kernel, stride, pads)
    with owned_by(owner):
        layer = kinds.MaxPool(size, step, padding)
    stack.add(owner, layer)


def avg_pool(
    stack: Stack,
    owner: str,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pads: Pads = NO_PADS,
    *,
    border_counts: bool = True,
) -> None:
    """Add average pooling; `border_counts` says whether the zeros of the border count in a mean."""
    _, *sides = stack.maps(owner)
    if kernel == tuple(sides) and pads == NO_PADS and kernel[0] != kernel[1]:
        global_avg_pool(stack, owner)
        return
    size, step, padding = _window(stack, owner, kernel, stride, pads)
    reach = [((side + 2 * padding - size) // step) * step + size - padding for side in sides]
    if not border_counts and (padding or any(end > side for end, side in zip(reach, sides, strict=True))):
        raise ForeignError(
            f"The layer {shown(owner)} leaves the border out of its means, where average pooling here counts zeros."
        )
    with owned_by(owner):
        layer = kinds.AvgPool(size, step, padding)
    stack.add(owner, layer)


def global_avg_pool(stack: Stack, owner: str) -> None:
    """Add the mean of each whole map."""
    stack.maps(owner)
    stack.add(owner, kinds.GlobalAvgPool())


def global_max_pool(stack: Stack, owner: str) -> None:
    """Add the largest number of each whole map."""
    _, height, width = stack.maps(owner)
    if height != width or height > MAX_POOL:
        raise ForeignError(
            f"The layer {shown(owner)} takes the largest number of whole maps of {height}×{width}: here that goes "
            f"with square ones of up to {MAX_POOL}."
        )
    stack.add(owner, kinds.MaxPool(height, height))
    stack.add(owner, kinds.Flatten())


def _follows_relu(stack: Stack) -> bool:
    last = stack.layers[-1][1] if stack.layers else None
    return isinstance(last, kinds.Activation) and last.function in ("relu", "sigmoid")


def _window(
    stack: Stack, owner: str, kernel: tuple[int, int], stride: tuple[int, int], pads: Pads
) -> tuple[int, int, int]:
    """Return window, stride and padding of a pooling here that looks through exactly the same windows."""
    _, height, width = stack.maps(owner)
    for sizes, what in ((kernel, "windows"), (stride, "strides")):
        if sizes[0] != sizes[1]:
            raise ForeignError(
                f"The layer {shown(owner)} has {what} of {sizes[0]}×{sizes[1]}, and pooling here square ones."
            )
    rows = Side(height, kernel[0], stride[0], pads[0], pads[2])
    columns = Side(width, kernel[1], stride[1], pads[1], pads[3])
    padding = pads[0]
    alike = all(side.outputs == side.with_padding(padding).outputs for side in (rows, columns))
    if pads[0] != pads[1] or not alike:
        raise ForeignError(
            f"The layer {shown(owner)} puts a border on one side of the maps alone, which pooling here cannot."
        )
    return kernel[0], stride[0], padding
