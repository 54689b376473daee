"""Convolutions, and dense layers, whose window sees everything: one output at a time."""

from typing import Any

import numpy as np

from core.formatting import dimensions
from core.maths.windows import size_formula
from core.model.shapes import summarize
from pages.sections.maths.layer_pass import Scene, piece_to_show
from pages.shared.widgets.convolution_view import convolution_view

COLOURS = {1: ("grey",), 3: ("red", "green", "blue")}


def ask_map(now: Scene, count: int, what: str) -> int:
    """Ask which of a layer's maps or numbers to follow, counted from 0."""
    if count == 1:
        return 0
    label, key = f"{what}, 0 to {count - 1}", f"maths_map_{now.key}"
    return int(now.panel.number_input(label, 0, count - 1, 0, key=key, width=220))


def convolution(now: Scene) -> None:
    """Follow one filter of a convolution."""
    from core.probe.autograd_reference import conv_pass
    from core.probe.module_windows import border, windows_of

    module, result = now.module, now.found
    assert result.weight is not None and result.weight_gradient is not None
    channel = ask_map(now, len(result.weight), "Filter")
    weight, image, upstream = result.weight[channel], result.inputs[0], result.upstream[0, channel]
    first = channel // (len(result.weight) // module.groups) * weight.shape[0]
    names = COLOURS.get(len(image), ()) if image.shape == now.network.input_shape else ()
    if len(image) > weight.shape[0] and now.network.spec is None:
        image, first = image[first : first + weight.shape[0]], 0  # of many channels those that it does not see
    bias = None if result.bias is None else float(result.bias[channel])
    show_size(
        now, image.shape[1], module.kernel_size[0], module.stride[0], border(module)[::2], module.dilation[0], upstream
    )
    spans = windows_of(module)
    assert spans is not None
    piece = piece_to_show(
        now,
        image,
        result.outputs[0, channel],
        upstream,
        span=(spans[0][0], spans[1][0]),
        stride=module.stride,
        padding=border(module),
    )
    settings: dict[str, Any] = {"stride": module.stride, "padding": piece.padding, "dilation": module.dilation}
    settings["first_channel"] = first
    alone = conv_pass(piece.image, weight, bias or 0.0, piece.upstream, **settings)
    assert alone.weight is not None and alone.bias is not None
    autograd = {"output": result.outputs[0, channel][piece.outputs], "weight": alone.weight, "image": alone.image}
    autograd["bias"] = alone.bias
    if not piece.words:
        autograd["weight"] = result.weight_gradient[channel]
        autograd["bias"] = alone.bias if result.bias_gradient is None else result.bias_gradient[channel]
    convolution_view(
        piece.image,
        weight,
        bias=bias,
        upstream=piece.upstream,
        autograd=autograd,
        channel_names=names,
        key=f"maths_conv_{now.key}_{channel}",
        label=f"Filter {channel} of {now.words}",
        **settings,
    )


def dense(now: Scene) -> None:
    """Follow one output of a dense layer: its weights lie over all inputs at once, as a kernel of their size."""
    from core.probe.autograd_reference import conv_pass

    result = now.found
    assert result.weight is not None and result.weight_gradient is not None
    output = ask_map(now, len(result.weight), "Output")
    shape = _folded(now)
    image, weight = result.inputs[0].reshape(shape), result.weight[output].reshape(shape)
    bias = None if result.bias is None else float(result.bias[output])
    upstream = np.full((1, 1), result.upstream[0, output])
    autograd = {
        "output": np.full((1, 1), result.outputs[0, output]),
        "weight": result.weight_gradient[output].reshape(shape),
        "image": conv_pass(image, weight, bias or 0.0, upstream).image,
    }
    if result.bias_gradient is not None:
        autograd["bias"] = result.bias_gradient[output]
    now.panel.caption(
        f"A dense layer is a convolution whose kernel is as large as its input. Its {result.inputs.shape[1]:,} inputs "
        f"are laid out as {dimensions(shape)}."
    )
    convolution_view(
        image,
        weight,
        bias=bias,
        upstream=upstream,
        autograd=autograd,
        key=f"maths_dense_view_{now.key}_{output}",
        label=f"Output {output} of {now.words}",
    )


def _folded(now: Scene) -> tuple[int, int, int]:
    """Return the shape in which a dense layer's inputs lie: that of the maps before, else about a square."""
    spec, count = now.network.spec, now.found.inputs.shape[1]
    if spec is None:
        return 1, *about_square(count)
    before = [summary for summary in summarize(spec) if summary.kind == "flatten" and summary.output_shape == (count,)]
    place = spec.layer_names.index(now.layer)
    if before and spec.layer_names[place - 1] == before[-1].name and before[-1].input_shape is not None:
        channels, height, width = before[-1].input_shape
        return channels, height, width
    return 1, *about_square(count)


def about_square(count: int) -> tuple[int, int]:
    """Return rows and columns in which so many numbers lie, as many rows as columns or fewer."""
    rows = max(side for side in range(1, int(count**0.5) + 1) if count % side == 0)
    return rows, count // rows


def show_size(
    now: Scene, size: int, kernel: int, stride: int, padding: tuple[int, ...], dilation: int, upstream: Any
) -> None:
    """Say how many rows an output has, and why; `padding` is that above and below."""
    formula = size_formula(size, kernel, stride, sum(padding), dilation, upstream.shape[0])
    now.panel.caption(f"Rows of the output: {formula}, from rows, padding, kernel and stride.")
