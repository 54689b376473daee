"""What each kind of layer makes of its input: PyTorch's arithmetic, without PyTorch."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from math import prod
from typing import Any

from core.formatting import dimensions, formatted
from core.model import layers as kinds
from core.model.backbone_shapes import backbone_result
from core.model.layer_result import LayerResult, ReceptiveField, ShapeError, Window, shape_words
from core.model.spec import Shape


def calculate_layer(layer: kinds.Layer, shape: Shape, receptive_field: ReceptiveField) -> LayerResult:
    """Pass a shape, (C, H, W) or (F,), through a layer.

    Raises:
        ShapeError: PyTorch could not compute it, or would do what nobody means: a dense layer over the columns of
            each map alone, a global average over the images of a batch.
    """
    return _CALCULATIONS[type(layer)](layer, shape, receptive_field)


def windows(layer: kinds.Layer) -> tuple[Window, ...]:
    """Return the windows that a layer slides over maps, one after the other; none of a layer that slides none."""
    match layer:
        case kinds.Conv():
            span = span_of(layer)
            padding = (span - 1) // 2 if isinstance(layer.padding, str) else layer.padding  # an odd one is put behind
            return ((span, layer.stride, padding, layer.dilation),)
        case kinds.MaxPool() | kinds.AvgPool():
            return ((layer.kernel_size, layer.stride, layer.padding, 1),)
        case kinds.Residual():
            kernel, half = layer.kernel_size, layer.kernel_size // 2
            return (kernel, layer.stride, half, 1), (kernel, 1, half, 1)
    return ()


def span_of(layer: kinds.Conv | kinds.MaxPool | kinds.AvgPool) -> int:
    """Return how many pixels a window reaches across, the gaps of its dilation included."""
    dilation = layer.dilation if isinstance(layer, kinds.Conv) else 1
    return dilation * (layer.kernel_size - 1) + 1


def _conv(layer: kinds.Conv, shape: Shape, receptive_field: ReceptiveField) -> LayerResult:
    channels, *sides = _maps("a convolution", shape)
    stride, groups = layer.stride, layer.groups
    if layer.padding == "same" and stride != 1:
        result = -(-sides[0] // stride)
        why = f"padding 'same' keeps a map's size, which a stride of {stride} cannot"
        raise ShapeError("same", f"⌈{sides[0]} / {stride}⌉ = {result} ≠ {sides[0]}: {why}.")
    for number, what in ((channels, "input channels"), (layer.out_channels, "filters")):
        if number % groups:
            why = f"{number} {what} cannot be shared out equally among {groups} groups"
            raise ShapeError("groups", f"{number} / {groups} = {number / groups:.4g}: {why}.")
    if not isinstance(layer.padding, str):
        sides = _slide(layer, sides, "kernel", layer.padding)
    weights = (layer.kernel_size, layer.kernel_size, channels // groups, layer.out_channels)
    return LayerResult(
        shape=(layer.out_channels, *sides),
        receptive_field=_through(layer, receptive_field),
        params=(weights, (layer.out_channels,)),
        macs=((*sides, *weights),),
    )


def _pool(layer: kinds.MaxPool | kinds.AvgPool, shape: Shape, receptive_field: ReceptiveField) -> LayerResult:
    channels, *sides = _maps("pooling", shape)
    kernel, padding = layer.kernel_size, layer.padding
    if 2 * padding > kernel:
        why = f"padding {padding} is more than half of the {kernel}×{kernel} window, which would see only border"
        raise ShapeError("half", f"2 × {padding} = {2 * padding} > {kernel}: {why}.")
    sides = _slide(layer, sides, "window", padding)
    return LayerResult((channels, *sides), _through(layer, receptive_field))


def _slide(layer: kinds.Conv | kinds.MaxPool | kinds.AvgPool, sides: list[int], word: str, padding: int) -> list[int]:
    """Return the map's sides afterwards: ⌊(side − span + 2 × padding) / stride⌋ + 1 each."""
    span, kernel, stride = span_of(layer), layer.kernel_size, layer.stride
    results = [(side - span + 2 * padding) // stride + 1 for side in sides]
    for side, result in zip(sides, results, strict=True):
        if result < 1:
            quotient = f"({side} − {span} + 2 × {padding}) / {stride}"
            quotient = quotient if stride == 1 else f"⌊{quotient}⌋"
            spread = "" if span == kernel else f", spread over {span} pixels by dilation,"
            border = f" with its padding of {padding}" if padding else ""
            size = dimensions(sides, "×")
            why = f"the {kernel}×{kernel} {word}{spread} is larger than the {size} map{border}"
            raise ShapeError("span", f"{quotient} + 1 = {formatted(result)}: {why}.")
    return results


def _norm(layer: kinds.BatchNorm, shape: Shape, receptive_field: ReceptiveField) -> LayerResult:
    return LayerResult(shape, receptive_field, params=((2, shape[0]),))


def _unchanged(layer: kinds.Activation | kinds.Dropout, shape: Shape, receptive_field: ReceptiveField) -> LayerResult:
    return LayerResult(shape, receptive_field)


def _global_pool(layer: kinds.GlobalAvgPool, shape: Shape, receptive_field: ReceptiveField) -> LayerResult:
    channels, *_ = _maps("global average pooling", shape)
    flat = receptive_field.flat(shape)
    return LayerResult((channels,), replace(flat, size=flat.whole))


def _flatten(layer: kinds.Flatten, shape: Shape, receptive_field: ReceptiveField) -> LayerResult:
    return LayerResult((prod(shape),), receptive_field.flat(shape))


def _dense(layer: kinds.Dense, shape: Shape, receptive_field: ReceptiveField) -> LayerResult:
    if len(shape) == 3:
        product = f"{dimensions(shape)} = {prod(shape):,}"
        why = f"a dense layer takes one row of numbers, but gets {shape_words(shape)}"
        raise ShapeError("flat", f"{product}: {why}.")
    weights, biases = (shape[0], layer.out_features), (layer.out_features,)
    return LayerResult(
        biases, replace(receptive_field, size=receptive_field.whole), params=(weights, biases), macs=(weights,)
    )


def _residual(layer: kinds.Residual, shape: Shape, receptive_field: ReceptiveField) -> LayerResult:
    channels, *sides = _maps("a residual block", shape)
    kernel, stride, filters = layer.kernel_size, layer.stride, layer.out_channels
    sides = [(side - 1) // stride + 1 for side in sides]
    first, second = (kernel, kernel, channels, filters), (kernel, kernel, filters, filters)
    params, macs = [first, (2, filters), second, (2, filters)], [(*sides, *first), (*sides, *second)]
    if stride != 1 or channels != filters:
        shortcut = (1, 1, channels, filters)
        params += [shortcut, (2, filters)]
        macs += [(*sides, *shortcut)]
    return LayerResult((filters, *sides), _through(layer, receptive_field), tuple(params), tuple(macs))


def _backbone(layer: kinds.Backbone, shape: Shape, receptive_field: ReceptiveField) -> LayerResult:
    return backbone_result(layer, _maps("a pretrained backbone", shape))


def _through(layer: kinds.Layer, receptive_field: ReceptiveField) -> ReceptiveField:
    return reduce(ReceptiveField.through, windows(layer), receptive_field)


def _maps(layer: str, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise ShapeError("maps", f"{layer} takes maps of C × H × W, but gets a row of {shape_words(shape)}.")
    return shape


_CALCULATIONS: dict[type[kinds.Layer], Callable[[Any, Shape, ReceptiveField], LayerResult]] = {
    kinds.Conv: _conv,
    kinds.BatchNorm: _norm,
    kinds.Activation: _unchanged,
    kinds.MaxPool: _pool,
    kinds.AvgPool: _pool,
    kinds.Dropout: _unchanged,
    kinds.GlobalAvgPool: _global_pool,
    kinds.Flatten: _flatten,
    kinds.Dense: _dense,
    kinds.Residual: _residual,
    kinds.Backbone: _backbone,
}
