"""What each layer of Keras becomes here: a table of functions that add it to a `Stack`, by the name of its class."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from core.exchange.foreign import linear, pointwise, pooling
from core.exchange.foreign.keras_config import KerasLayer
from core.exchange.foreign.keras_settings import flag, number, pair, two_numbers, values
from core.exchange.foreign.network import Array, ForeignError, shown
from core.exchange.foreign.stack import Pads, Stack

Add = Callable[[Stack, KerasLayer, Sequence[Array]], None]
_ACTIVATIONS = {name: name for name in ("relu", "sigmoid", "tanh", "gelu", "silu")} | {"swish": "silu"}
ACTIVATION_SLOPE = 0.2  # of Keras' activation "leaky_relu"
_LAYER_SLOPE = 0.3  # of its layer LeakyReLU, where nothing is said
_SILENT = (  # which change pictures or numbers in training only
    *("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness"),
    *("RandomShear", "RandomErasing", "RandomColorJitter"),
    *("RandomHue", "RandomSaturation", "RandomGaussianBlur", "RandomSharpness", "GaussianNoise", "GaussianDropout"),
    *("ActivityRegularization",),
)


def add_layer(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    """Add a layer of Keras with its weights; raises `ForeignError` where there is nothing here like it."""
    add = KERAS_LAYERS.get(layer.kind)
    if add is None:
        raise ForeignError(f"The layer {shown(layer.name)} is a {shown(layer.kind)}, and there is no such layer here.")
    if layer.config.get("data_format") == "channels_first":
        raise ForeignError(f"The layer {shown(layer.name)} keeps channels first: save the model with channels last.")
    add(stack, layer, weights)
    if layer.kind not in _WITH_ACTIVATION and layer.config.get("activation") not in (None, "linear"):
        raise ForeignError(f"The layer {shown(layer.owner)} has an activation where none is expected.")


def _count(layer: KerasLayer, weights: Sequence[Array], needed: int) -> Sequence[Array]:
    if len(weights) != needed:
        raise ForeignError(
            f"The file holds {len(weights)} arrays for the layer {shown(layer.name)}, and it has {needed}."
        )
    return weights


def _same(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return the zeros in front and behind of padding "same", which depend on the size of the maps."""
    if not stride:
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def _pads(
    stack: Stack, layer: KerasLayer, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Pads:
    padding = layer.config.get("padding", "valid")
    if padding == "valid":
        return 0, 0, 0, 0
    if padding != "same" or len(stack.shape) != 3:
        raise ForeignError(f"The layer {shown(layer.owner)} has the padding {shown(padding)!r}.")
    (above, below), (left, right) = (
        _same(size, *numbers) for size, *numbers in zip(stack.shape[1:], kernel, stride, dilation, strict=True)
    )
    return above, left, below, right


def _kernel(layer: KerasLayer, kernel: Array) -> Array:
    """Return filters (height, width, in, out) as (out, in, height, width)."""
    if kernel.ndim != 4:
        raise ForeignError(f"The weights of the layer {shown(layer.owner)} are no filters of two dimensions.")
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def _depthwise(layer: KerasLayer, kernel: Array) -> Array:
    """Return filters (height, width, in, each) as (in × each, 1, height, width)."""
    if kernel.ndim != 4:
        raise ForeignError(f"The weights of the layer {shown(layer.owner)} are no filters of two dimensions.")
    height, width, channels, each = kernel.shape
    return np.ascontiguousarray(kernel.transpose(2, 3, 0, 1).reshape(channels * each, 1, height, width))


def _convolve(stack: Stack, layer: KerasLayer, kernel: Array, bias: Array | None, groups: int) -> None:
    stride, dilation = two_numbers(layer, "strides"), two_numbers(layer, "dilation_rate")
    if 0 in stride or 0 in dilation:
        raise ForeignError(f"The strides of the layer {shown(layer.owner)} are zero.")
    pads = _pads(stack, layer, kernel.shape[2:], stride, dilation)
    linear.conv(stack, layer.owner, kernel, bias, stride, pads, dilation, groups)


def _conv(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    kernel, *bias = _count(layer, weights, 1 + flag(layer, "use_bias"))
    groups = layer.config.get("groups", 1)
    if type(groups) is not int or groups < 1:
        raise ForeignError(f"The groups of the layer {shown(layer.owner)} are no whole number.")
    _convolve(stack, layer, _kernel(layer, kernel), next(iter(bias), None), groups)
    _activate(stack, layer)


def _depthwise_conv(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    kernel, *bias = _count(layer, weights, 1 + flag(layer, "use_bias"))
    _convolve(stack, layer, _depthwise(layer, kernel), next(iter(bias), None), stack.shape[0])
    _activate(stack, layer)


def _separable_conv(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    deep, point, *bias = _count(layer, weights, 2 + flag(layer, "use_bias"))
    _convolve(stack, layer, _depthwise(layer, deep), None, stack.shape[0])
    linear.conv(stack, layer.owner, _kernel(layer, point), next(iter(bias), None))
    _activate(stack, layer)


def _dense(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    weight, *bias = _count(layer, weights, 1 + flag(layer, "use_bias"))
    linear.dense(stack, layer.owner, np.ascontiguousarray(weight.T), next(iter(bias), None))
    _activate(stack, layer)


def _batch_norm(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    axis = layer.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, len(stack.shape)):
        raise ForeignError(f"The layer {shown(layer.owner)} normalises along another axis than that of the channels.")
    scale, center = flag(layer, "scale"), flag(layer, "center")
    arrays = list(_count(layer, weights, 2 + scale + center))
    gamma = arrays.pop(0) if scale else None
    beta = arrays.pop(0) if center else None
    mean, variance = arrays
    pointwise.batch_norm(stack, layer.owner, gamma, beta, mean, variance, number(layer, "epsilon", 1e-3))


def _pooling(layer: KerasLayer) -> tuple[tuple[int, int], tuple[int, int]]:
    kernel = two_numbers(layer, "pool_size", 2)
    stride = two_numbers(layer, "strides", kernel)
    if 0 in kernel or 0 in stride:
        raise ForeignError(f"The window of the layer {shown(layer.owner)} is empty.")
    return kernel, stride


def _max_pool(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    kernel, stride = _pooling(layer)
    pooling.max_pool(stack, layer.owner, kernel, stride, _pads(stack, layer, kernel, stride, (1, 1)))


def _avg_pool(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    kernel, stride = _pooling(layer)
    pooling.avg_pool(
        stack, layer.owner, kernel, stride, _pads(stack, layer, kernel, stride, (1, 1)), border_counts=False
    )


def _zero_pad(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    padding = layer.config.get("padding", 1)
    sides = [padding, padding] if type(padding) is int else padding
    if not isinstance(sides, list | tuple) or len(sides) != 2:
        raise ForeignError(f"The padding of the layer {shown(layer.owner)} is not two whole numbers.")
    (above, below), (left, right) = (pair(side, layer.owner, "padding") for side in sides)
    stack.pad(layer.owner, (above, left, below, right))


def _activation(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    _activate(stack, layer)


def _activate(stack: Stack, layer: KerasLayer) -> None:
    """Add the activation that a layer has inside."""
    function = layer.config.get("activation")
    if isinstance(function, Mapping):  # Keras 3 writes some as objects
        inner = function.get("config")
        function = inner.get("name", function.get("class_name")) if isinstance(inner, Mapping) else inner
    if function in (None, "linear"):
        return
    if function == "softmax":
        pointwise.softmax(stack, layer.owner)
    elif function == "leaky_relu":
        pointwise.activation(stack, layer.owner, "leaky_relu", ACTIVATION_SLOPE)
    else:
        pointwise.activation(stack, layer.owner, _ACTIVATIONS.get(str(function), str(function)))


def _relu(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    slope = number(layer, "negative_slope", 0.0) if layer.config.get("negative_slope") is not None else 0.0
    if layer.config.get("max_value") is not None or layer.config.get("threshold") not in (None, 0, 0.0):
        raise ForeignError(
            f"The layer {shown(layer.owner)} is a ReLU with an upper end or a threshold, which ours lacks."
        )
    if slope:
        pointwise.activation(stack, layer.owner, "leaky_relu", slope)
    else:
        pointwise.activation(stack, layer.owner, "relu")


def _leaky_relu(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    name = "alpha" if "alpha" in layer.config else "negative_slope"
    pointwise.activation(stack, layer.owner, "leaky_relu", number(layer, name, _LAYER_SLOPE))


def _softmax(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    if layer.config.get("axis", -1) not in (-1, len(stack.shape), [-1]):
        raise ForeignError(f"The layer {shown(layer.owner)} is a softmax along another axis than that of the classes.")
    pointwise.softmax(stack, layer.owner)


def _flatten(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    pointwise.flatten(stack, layer.owner, channels_last=True)


def _reshape(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    target = layer.config.get("target_shape")
    shape, total = stack.shape, int(np.prod(stack.shape))
    if isinstance(target, list) and len(target) == 1 and target[0] in (-1, total):
        pointwise.flatten(stack, layer.owner, channels_last=True)
    elif not (isinstance(target, list) and len(shape) == 3 and target == [shape[1], shape[2], shape[0]]):
        raise ForeignError(f"The layer {shown(layer.owner)} arranges numbers anew, which no layer here does.")


def _global_avg(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    pooling.global_avg_pool(stack, layer.owner)


def _global_max(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    pooling.global_max_pool(stack, layer.owner)


def _dropout(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    pointwise.dropout(stack, layer.owner, number(layer, "rate", 0.5))


def _rescaling(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    pointwise.affine(stack, layer.owner, values(layer, "scale", 1.0), values(layer, "offset", 0.0))


def _normalization(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    if layer.config.get("invert"):
        raise ForeignError(f"The layer {shown(layer.owner)} undoes a normalisation, which no layer here does.")
    if layer.config.get("mean") is not None:
        mean, variance = values(layer, "mean", 0.0), values(layer, "variance", 1.0)
    elif len(weights) >= 2:
        mean, variance = (np.asarray(values, np.float64).squeeze() for values in weights[:2])
    else:
        raise ForeignError(f"The file does not hold what the layer {shown(layer.owner)} normalises by.")
    deviation = np.maximum(np.sqrt(np.maximum(variance, 0)), 1e-7)  # as Keras does
    pointwise.affine(stack, layer.owner, 1 / deviation, -mean / deviation)


def _pass_over(stack: Stack, layer: KerasLayer, weights: Sequence[Array]) -> None:
    if layer.kind in _SILENT:
        stack.note(f"{shown(layer.owner)} works in training only and is left out.")


_WITH_ACTIVATION = ("Conv2D", "Convolution2D", "DepthwiseConv2D", "SeparableConv2D", "Dense", "Activation")
KERAS_LAYERS: dict[str, Add] = {
    "InputLayer": _pass_over,
    "Conv2D": _conv,
    "Convolution2D": _conv,
    "DepthwiseConv2D": _depthwise_conv,
    "SeparableConv2D": _separable_conv,
    "Dense": _dense,
    "BatchNormalization": _batch_norm,
    "MaxPooling2D": _max_pool,
    "AveragePooling2D": _avg_pool,
    "GlobalAveragePooling2D": _global_avg,
    "GlobalMaxPooling2D": _global_max,
    "ZeroPadding2D": _zero_pad,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "Softmax": _softmax,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Dropout": _dropout,
    "SpatialDropout2D": _dropout,
    "AlphaDropout": _dropout,
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    **dict.fromkeys(_SILENT, _pass_over),
}
