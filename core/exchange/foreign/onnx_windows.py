"""Operations of ONNX that look at maps through windows: convolutions, pooling and the zeros around maps."""

import numpy as np

from core.exchange.foreign import linear, pooling
from core.exchange.foreign.network import ForeignError, shown
from core.exchange.foreign.onnx_graph import Node
from core.exchange.foreign.onnx_walk import Walk
from core.exchange.foreign.stack import Pads


def _two(node: Node, name: str, default: int = 1) -> tuple[int, int]:
    values = node.settings.get(name) or [default, default]
    if (
        not isinstance(values, list)
        or len(values) != 2
        or not all(type(value) is int and value > 0 for value in values)
    ):
        raise ForeignError(f"The {name} of {shown(node.owner)} are not two whole numbers: it works on no maps.")
    return values[0], values[1]


def _pads(walk: Walk, node: Node, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]) -> Pads:
    automatic = node.settings.get("auto_pad", b"NOTSET")
    if automatic in (b"NOTSET", b""):
        pads = node.settings.get("pads") or [0, 0, 0, 0]
        if (
            not isinstance(pads, list)
            or len(pads) != 4
            or not all(type(pad) is int and 0 <= pad <= 4096 for pad in pads)
        ):
            raise ForeignError(f"The border of {shown(node.owner)} is not four whole numbers.")
        return pads[0], pads[1], pads[2], pads[3]
    if automatic == b"VALID":
        return 0, 0, 0, 0
    totals = [
        max((-(-size // step) - 1) * step + gap * (side - 1) + 1 - size, 0)
        for size, side, step, gap in zip(walk.stack.shape[1:], kernel, stride, dilation, strict=False)
    ]
    small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
    before, after = (small, large) if automatic == b"SAME_UPPER" else (large, small)
    if len(totals) != 2:
        raise ForeignError(f"The operation {shown(node.owner)} needs maps.")
    return before[0], before[1], after[0], after[1]


def conv(walk: Walk, node: Node) -> None:
    kernel, bias = walk.weights(node, 1), walk.array(node, 2)
    if kernel.ndim != 4:
        raise ForeignError(f"The weights of {shown(node.owner)} are no filters of two dimensions.")
    stride, dilation, groups = _two(node, "strides"), _two(node, "dilations"), node.settings.get("group", 1)
    if type(groups) is not int or groups < 1:
        raise ForeignError(f"The groups of {shown(node.owner)} are no whole number.")
    pads = _pads(walk, node, (kernel.shape[2], kernel.shape[3]), stride, dilation)
    linear.conv(walk.stack, node.owner, kernel, bias, stride, pads, dilation, groups)


def _window(walk: Walk, node: Node) -> tuple[tuple[int, int], tuple[int, int], Pads]:
    kernel, stride = _two(node, "kernel_shape"), _two(node, "strides")
    if _two(node, "dilations") != (1, 1) or any(node.outputs[1:]):
        raise ForeignError(f"The pooling {shown(node.owner)} has gaps or a second output, which none here has.")
    pads = _pads(walk, node, kernel, stride, (1, 1))
    if node.settings.get("ceil_mode", 0):
        rests = [
            (size + pads[place] + pads[place + 2] - kernel[place]) % stride[place]
            for place, size in enumerate(walk.stack.shape[1:])
        ]
        if any(rests):
            raise ForeignError(
                f"The pooling {shown(node.owner)} looks beyond the edge of the maps, which none here does."
            )
    return kernel, stride, pads


def max_pool(walk: Walk, node: Node) -> None:
    pooling.max_pool(walk.stack, node.owner, *_window(walk, node))


def avg_pool(walk: Walk, node: Node) -> None:
    border_counts = bool(node.settings.get("count_include_pad", 0))
    pooling.avg_pool(walk.stack, node.owner, *_window(walk, node), border_counts=border_counts)


def global_avg(walk: Walk, node: Node) -> None:
    pooling.global_avg_pool(walk.stack, node.owner)


def reduce_mean(walk: Walk, node: Node) -> None:
    given = node.settings.get("axes") or walk.whole_numbers(node)
    axes = sorted(axis % 4 for axis in given)
    if len(walk.stack.shape) != 3 or axes != ([1, 2] if walk.channels_last else [2, 3]):
        raise ForeignError(f"The operation {shown(node.owner)} averages along other axes than those of the maps.")
    pooling.global_avg_pool(walk.stack, node.owner)
    walk.channels_last = False


def global_max(walk: Walk, node: Node) -> None:
    pooling.global_max_pool(walk.stack, node.owner)


def pad(walk: Walk, node: Node) -> None:
    given = node.settings.get("pads") or walk.whole_numbers(node)
    value = walk.graph.array(node, 2) if len(node.inputs) > 2 else node.settings.get("value", 0)
    plain = node.settings.get("mode", b"constant") == b"constant" and (value is None or not np.any(value))
    if not plain or len(given) != 8 or (len(node.inputs) > 3 and node.inputs[3]):
        raise ForeignError(f"The border of {shown(node.owner)} is none of zeros around maps.")
    high, wide = (1, 2) if walk.channels_last else (2, 3)
    others = [given[place] for place in range(8) if place % 4 not in (high, wide)]
    if any(others):
        raise ForeignError(f"The operation {shown(node.owner)} adds channels of zeros.")
    walk.stack.pad(node.owner, (given[high], given[wide], given[high + 4], given[wide + 4]))
