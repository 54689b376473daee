"""Pooling layers: one map through a window that takes the largest number or the mean."""

from typing import Any, Literal

import numpy as np

from core.errors import ConvScopeError
from core.workbench.map_part import LARGEST
from pages.sections.maths.convolution import ask_map, show_size
from pages.sections.maths.layer_pass import Scene, piece_to_show
from pages.shared.widgets.convolution_view import pool_view


def pooling(now: Scene) -> None:
    """Follow one map through a pooling layer."""
    module, result = now.module, now.found
    channel = ask_map(now, result.inputs.shape[1], "Map")
    mode: Literal["max", "avg"] = "max" if type(module).__name__ == "MaxPool2d" else "avg"
    image, upstream = result.inputs[0, channel], result.upstream[0, channel]
    size, stride, padding = module.kernel_size, module.stride, module.padding
    if module.ceil_mode:
        raise ConvScopeError(
            f"The last window of {now.layer} reaches beyond its map, which cannot be followed here: "
            "choose another layer."
        )
    show_size(now, image.shape[0], size, stride, (padding, padding), 1, upstream)
    if max(image.shape) > LARGEST:
        _pool_part(now, channel, mode)
        return
    _pool(
        now, channel, image, upstream, result.outputs[0, channel], mode=mode, stride=stride, padding=padding, size=size
    )


def _pool_part(now: Scene, channel: int, mode: Literal["max", "avg"]) -> None:
    """Follow the windows around a large map's strongest number, none of which touches the border."""
    from core.probe.autograd_reference import pool_pass

    module, result = now.module, now.found
    size, stride, padding = module.kernel_size, module.stride, module.padding
    outputs = result.outputs[0, channel].copy()
    edge = -(-padding // stride)
    inner = (slice(edge, len(outputs) - edge), slice(edge, outputs.shape[1] - edge))
    piece = piece_to_show(
        now,
        result.inputs[0, channel][None],
        outputs[inner],
        result.upstream[0, channel][inner],
        span=(size, size),
        stride=(stride, stride),
        padding=(padding - edge * stride,) * 2 + (0, 0),
        origin=edge,
    )
    alone = pool_pass(
        piece.image[0], piece.upstream, kernel_size=(size, size), stride=(stride, stride), padding=(0, 0), mode=mode
    )
    pool_view(
        piece.image[0],
        kernel_size=size,
        stride=stride,
        padding=0,
        mode=mode,
        upstream=piece.upstream,
        autograd={"output": outputs[inner][piece.outputs], "image": alone.image},
        key=f"maths_window_{now.key}_{channel}",
        label=f"Map {channel} of {now.words}",
    )


def whole_mean(now: Scene) -> None:
    """Follow one map to its mean: average pooling with a window that covers all of it."""
    result = now.found
    channel = ask_map(now, result.inputs.shape[1], "Map")
    image = result.inputs[0, channel]
    upstream, output = (np.full((1, 1), values[0, channel].item()) for values in (result.upstream, result.outputs))
    _pool(now, channel, image, upstream, output, mode="avg", stride=1, padding=0, size=image.shape)


def _pool(
    now: Scene, channel: int, image: Any, upstream: Any, output: Any, *, mode: Any, stride: Any, padding: Any, size: Any
) -> None:
    pool_view(
        image,
        kernel_size=size,
        stride=stride,
        padding=padding,
        mode=mode,
        upstream=upstream,
        autograd={"output": output, "image": now.found.input_gradient[0, channel]},
        key=f"maths_window_{now.key}_{channel}",
        label=f"Map {channel} of {now.words}",
    )
