"""Building a stack of our layers step by step from those of another program, without changing what it computes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import SpecError
from core.exchange.foreign.network import Array, ForeignError, ForeignNetwork, PixelScale, shown
from core.exchange.foreign.windows import Side, common_window, torch_same
from core.model.layer_arithmetic import calculate_layer
from core.model.layer_result import ReceptiveField, ShapeError
from core.model.layers import (
    ACTIVATIONS,
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Residual,
)
from core.model.shapes import problems
from core.model.spec import CHANNELS, MAX_LAYERS, MAX_NAME, SIDE, ModelSpec, Shape

EPS = 1e-5  # of torch's batch norm, as the networks here are built
SLOPE = 0.01  # of torch's leaky ReLU
MAX_POOL = 16
COUNT = "num_batches_tracked"
Pads = tuple[int, int, int, int]  # zeros above, left of, below and right of the maps
Filters = tuple[Array, Array | None]  # of a convolution: kernels and what is added
_NONE: Pads = (0, 0, 0, 0)


class Stack:
    """The layers so far; each method adds one of another program, called `owner` in sentences.

    Kernels are (out, in, height, width), dense weights (out, in), as torch has them. Every method raises `ForeignError`
    where a layer of ours cannot compute exactly the same.

    Args:
        program: What wrote the file.
        shape: (C, H, W) of what the network receives.
    """

    def __init__(self, program: str, shape: Sequence[int]) -> None:
        for size, (low, high) in zip(shape, (CHANNELS, SIDE, SIDE), strict=True):
            if not low <= size <= high:
                sizes = " × ".join(str(side) for side in (*shape[1:], shape[0]))
                raise ForeignError(
                    f"The network looks at pictures of {shown(sizes)}, and networks here at {SIDE[0]} to {SIDE[1]} "
                    f"pixels a side and {CHANNELS[0]} to {CHANNELS[1]} channels: choose another one."
                )
        self.program, self.input_shape = program, (shape[0], shape[1], shape[2])
        self.shape: Shape = self.input_shape
        self.notes: list[str] = []
        self._layers: list[tuple[str, Layer, dict[str, ArrayLike]]] = []
        self._scale: PixelScale | None = None
        self._order: NDArray[np.int64] | None = None  # of a vector: where each number stands in that of the file
        self._pads = _NONE
        self._softmax = ""

    @property
    def begun(self) -> bool:
        """Whether there is a layer yet."""
        return bool(self._layers)

    def note(self, sentence: str) -> None:
        """Remember a sentence for people, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def add(self, owner: str, layer: Layer, **tensors: ArrayLike) -> None:
        """Add one of our layers with the entries of its `state_dict`."""
        if self._softmax and not isinstance(layer, Flatten | Dropout):
            raise ForeignError(
                f"The layer {shown(owner)} comes behind the softmax {self._softmax}: softmax can only stand at the end."
            )
        if self._pads != _NONE:
            raise ForeignError(
                f"Zeros are put around the maps before the layer {shown(owner)}, which cannot be said here."
            )
        if len(self._layers) >= MAX_LAYERS:
            raise ForeignError(f"The network has more than {MAX_LAYERS} layers, the most that one here has.")
        try:
            self.shape = calculate_layer(layer, self.shape, ReceptiveField()).shape
        except ShapeError as error:
            raise ForeignError(f"The layer {shown(owner)} does not fit what comes before it: {error}") from error
        self._layers.append((owner, layer, tensors))

    def pad(self, owner: str, pads: Pads) -> None:
        """Put zeros around the maps, which the next convolution has to take in."""
        self._maps(owner)
        if min(pads) < 0:
            raise ForeignError(f"The layer {shown(owner)} cuts a border off, which no layer here does.")
        self._pads = tuple(a + b for a, b in zip(self._pads, pads, strict=True))  # type: ignore[assignment]

    def conv(
        self,
        owner: str,
        kernel: Array,
        bias: Array | None = None,
        stride: tuple[int, int] = (1, 1),
        pads: Pads = _NONE,
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
    ) -> None:
        """Add a convolution; one whose window is no square, or whose border differs by side, gets a larger kernel."""
        if kernel.ndim != 4 or 0 in kernel.shape:
            raise ForeignError(f"The weights of the layer {shown(owner)} are no filters of two dimensions.")
        outputs = kernel.shape[0]
        if len(self.shape) == 1 and kernel.shape[2:] == (1, 1) and groups == 1:
            self.dense(owner, kernel[:, :, 0, 0], bias)
            return
        channels, height, width = self._maps(owner)
        if kernel.shape[1] * groups != channels or outputs % groups:
            raise ForeignError(
                f"The filters of the layer {shown(owner)} take {kernel.shape[1] * groups:,} maps, and it gets "
                f"{channels:,}."
            )
        if stride[0] != stride[1]:
            raise ForeignError(
                f"The layer {shown(owner)} has two strides, {stride[0]} and {stride[1]}; one here has one."
            )
        pads = tuple(a + b for a, b in zip(self._pads, pads, strict=True))  # type: ignore[assignment]
        self._pads = _NONE
        rows = Side(height, kernel.shape[2], stride[0], pads[0], pads[2], dilation[0])
        columns = Side(width, kernel.shape[3], stride[1], pads[1], pads[3], dilation[1])
        step, size, padding = stride[0], kernel.shape[2], pads[0]
        spread, border = dilation[0] if size > 1 else 1, padding
        words: int | str = border
        square = rows.kernel == columns.kernel and (rows.kernel == 1 or dilation[0] == dilation[1])
        if square and torch_same(rows) and torch_same(columns):
            words = "same"
        elif not (square and len(set(pads)) == 1):
            window = common_window(rows, columns)
            if window is None:
                raise ForeignError(
                    f"The layer {shown(owner)} puts other borders around the maps than any convolution here can."
                )
            kernel = window.enlarged(kernel, rows, columns)
            words, spread = window.padding, 1
            self.note(
                f"{shown(owner)}: its filters of {rows.kernel}×{columns.kernel} stand in ones of "
                f"{window.kernel}×{window.kernel} with zeros at the side, because its border differs by side. "
                "It computes the same."
            )
        with _owned(owner):
            layer = Conv(outputs, int(kernel.shape[2]), step, words, spread, groups)
        self.add(owner, layer, weight=kernel, bias=_or(bias, 0, outputs, owner))

    def residual(self, owner: str, first: Filters, second: Filters, shortcut: Filters | None, stride: int) -> None:
        """Add a residual block: two convolutions with a ReLU between, a shortcut, their sum and a ReLU.

        Batch norms were taken into the filters by whoever wrote the file; what they added stands in ours.
        """
        with _owned(owner):
            layer = Residual(first[0].shape[0], first[0].shape[2], stride)
        parts = {"conv1": first, "conv2": second} | ({"shortcut.conv": shortcut} if shortcut else {})
        tensors: dict[str, ArrayLike] = {}
        for place, (kernel, bias) in parts.items():
            norm, size = place.replace("conv", "bn"), kernel.shape[0]
            tensors |= {
                f"{place}.weight": kernel,
                f"{norm}.weight": np.ones(size),
                f"{norm}.bias": _or(bias, 0, size, owner),
                f"{norm}.running_mean": np.zeros(size),
                f"{norm}.running_var": np.full(size, 1 - EPS),
                f"{norm}.num_batches_tracked": np.zeros((), np.int64),
            }
        self.add(owner, layer, **tensors)

    def max_pool(self, owner: str, kernel: tuple[int, int], stride: tuple[int, int], pads: Pads = _NONE) -> None:
        """Add max pooling, whose border counts as smaller than any number."""
        if self._pads != _NONE and self._follows_relu():  # behind a ReLU, zeros are never the largest either
            pads = tuple(a + b for a, b in zip(self._pads, pads, strict=True))  # type: ignore[assignment]
            self._pads = _NONE
        size, step, padding = self._pool(owner, kernel, stride, pads)
        with _owned(owner):
            layer = MaxPool(size, step, padding)
        self.add(owner, layer)

    def avg_pool(
        self,
        owner: str,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        pads: Pads = _NONE,
        *,
        border_counts: bool = True,
    ) -> None:
        """Add average pooling; `border_counts` says whether the zeros of the border count in a mean."""
        _, *sides = self._maps(owner)
        if kernel == tuple(sides) and pads == _NONE and kernel[0] != kernel[1]:
            self.global_avg_pool(owner)
            return
        size, step, padding = self._pool(owner, kernel, stride, pads)
        reach = [((side + 2 * padding - size) // step) * step + size - padding for side in sides]
        if not border_counts and (padding or any(end > side for end, side in zip(reach, sides, strict=True))):
            raise ForeignError(
                f"The layer {shown(owner)} leaves the border out of its means, where average pooling here counts zeros."
            )
        with _owned(owner):
            layer = AvgPool(size, step, padding)
        self.add(owner, layer)

    def global_avg_pool(self, owner: str) -> None:
        """Add the mean of each whole map."""
        self._maps(owner)
        self.add(owner, GlobalAvgPool())

    def global_max_pool(self, owner: str) -> None:
        """Add the largest number of each whole map."""
        _, height, width = self._maps(owner)
        if height != width or height > MAX_POOL:
            raise ForeignError(
                f"The layer {shown(owner)} takes the largest number of whole maps of {height}×{width}: here that goes "
                f"with square ones of up to {MAX_POOL}."
            )
        self.add(owner, MaxPool(height, height))
        self.add(owner, Flatten())

    def flatten(self, owner: str, *, channels_last: bool) -> None:
        """Add the step from maps to a vector; a file that keeps channels last has its numbers in another order."""
        if len(self.shape) == 1:
            return
        channels, height, width = self._maps(owner)
        self.add(owner, Flatten())
        if channels_last and channels > 1 and height * width > 1:
            self._order = channels_last_order((channels, height, width))

    def dense(self, owner: str, weight: Array, bias: Array | None = None) -> None:
        """Add a dense layer; over maps it is a convolution of 1×1."""
        if weight.ndim != 2 or 0 in weight.shape:
            raise ForeignError(f"The weights of the layer {shown(owner)} are no table.")
        if len(self.shape) == 3:
            self.conv(owner, weight[:, :, None, None], bias)
            return
        if weight.shape[1] != self.shape[0]:
            raise ForeignError(
                f"The weights of the layer {shown(owner)} take {weight.shape[1]:,} numbers, and it gets "
                f"{self.shape[0]:,}."
            )
        if self._order is not None:
            weight, self._order = weight[:, self._order], None
        with _owned(owner):
            layer = Dense(weight.shape[0])
        self.add(owner, layer, weight=weight, bias=_or(bias, 0, weight.shape[0], owner))

    def batch_norm(
        self,
        owner: str,
        scale: Array | None,
        offset: Array | None,
        mean: Array | None,
        var: Array | None,
        eps: float,
    ) -> None:
        """Add batch normalisation by kept means and variances; another ε than ours goes into the variances."""
        size = self.shape[0]
        order = slice(None) if self._order is None else self._order
        values = [
            np.asarray(_or(given, blank, size, owner), np.float64)[order]
            for given, blank in ((scale, 1), (offset, 0), (mean, 0), (var, 1))
        ]
        gamma, beta, middle, spread = values
        if (spread + eps <= 0).any():
            raise ForeignError(f"The layer {shown(owner)} divides by the root of a negative variance.")
        kept = np.maximum(spread + eps - EPS, 0.0)
        gamma = gamma * np.sqrt((kept + EPS) / (spread + eps))  # 1 wherever the ε could be moved as it is
        count = np.zeros((), np.int64)
        tensors = {"weight": gamma, "bias": beta, "running_mean": middle, "running_var": kept}
        self.add(owner, BatchNorm(), **tensors, num_batches_tracked=count)

    def affine(self, owner: str, factor: ArrayLike, offset: ArrayLike) -> None:
        """Multiply and add, by channel: in front of all layers it is how pixels are scaled, later a batch norm."""
        size = self.shape[0]
        try:
            times, plus = (np.broadcast_to(np.asarray(value, np.float64), (size,)) for value in (factor, offset))
        except ValueError as error:
            raise ForeignError(f"The layer {shown(owner)} scales other numbers than those of channels.") from error
        if not (np.isfinite(times).all() and np.isfinite(plus).all()):
            raise ForeignError(f"The layer {shown(owner)} scales by numbers that are not finite.")
        if self.begun or self._pads != _NONE:
            self.batch_norm(owner, times.astype(np.float32), plus.astype(np.float32), None, None, 0.0)
            return
        before = self._scale or PixelScale((1.0,) * size, (0.0,) * size)
        factors, offsets = times * before.factor, times * before.offset + plus
        if (factors == 0).any():
            raise ForeignError(f"The layer {shown(owner)} multiplies all pixels by zero.")
        self._scale = PixelScale(tuple(factors.tolist()), tuple(offsets.tolist()))

    def activation(self, owner: str, function: str, slope: float = SLOPE) -> None:
        """Add one of our activations."""
        if function not in ACTIVATIONS:
            raise ForeignError(
                f"The layer {shown(owner)} bends by {shown(function)!r}, and activations here are "
                f"{', '.join(ACTIVATIONS.values())}."
            )
        with _owned(owner):
            layer = Activation(function, SLOPE if abs(slope - SLOPE) < 1e-7 else slope)
        self.add(owner, layer)

    def softmax(self, owner: str) -> None:
        """End with softmax, which networks here leave to the loss: nothing is added."""
        self._softmax = self._softmax or shown(owner)
        self.note(
            "The softmax at its end is left out: networks here give the scores before it, which are shown as shares."
        )

    def dropout(self, owner: str, p: float) -> None:
        """Add dropout, which does nothing in use."""
        with _owned(owner):
            self.add(owner, Dropout(min(float(p), 0.95)))

    def finished(self, name: str, class_names: tuple[str, ...] = ()) -> ForeignNetwork:
        """Return the whole network; raises `ForeignError` where it does not end with scores of classes."""
        self._end()
        if self._order is not None:
            raise ForeignError("The network ends with maps in a row: it needs one score for each class at its end.")
        layers = tuple(layer for _, layer, _ in self._layers)
        title = shown(name)[:MAX_NAME] or "Network"
        try:
            spec = ModelSpec(title, self.input_shape, self.shape[0], layers)
        except SpecError as error:
            raise ForeignError(f"It cannot be a network here: {error}") from error
        for problem in problems(spec):
            raise ForeignError(f"It cannot be a network here: {problem.message}")
        weights = {
            f"{prefix}.{key}": np.array(value, np.int64 if key.endswith(COUNT) else np.float32, order="C")
            for prefix, (_, _, tensors) in zip(spec.layer_names, self._layers, strict=True)
            for key, value in tensors.items()
        }
        if not all(np.isfinite(value).all() for value in weights.values()):
            raise ForeignError("The file holds weights that are not finite: its training went wrong.")
        origins = tuple(shown(owner) for owner, _, _ in self._layers)
        names = class_names if len(class_names) == spec.num_classes else ()
        return ForeignNetwork(self.program, spec, weights, origins, tuple(self.notes), self._scale, names)

    def _end(self) -> None:
        """Bring the end into our form: scores of two classes or more, before softmax or sigmoid, in a vector."""
        if self._pads != _NONE:
            raise ForeignError("The network ends with zeros put around maps: it needs a score for each class.")
        if len(self.shape) == 3:
            if self.shape[1:] != (1, 1):
                raise ForeignError(
                    f"The network ends with maps of {self.shape[1]}×{self.shape[2]}: it needs one score for each class."
                )
            self.add("", Flatten())
        owner, last, _ = self._layers[-1] if self._layers else ("", None, {})
        if isinstance(last, Activation) and last.function == "sigmoid":
            self._layers.pop()
            words = "two classes" if self.shape == (1,) else "each class for itself"
            self.note(
                f"The sigmoid at its end ({shown(owner)}) told {words}. It is left out, and softmax of the same scores "
                "is shown" + ("." if self.shape == (1,) else ": the order of the classes stays, their shares differ.")
            )
        if self.shape == (1,):
            self._two_scores()

    def _two_scores(self) -> None:
        """Make two scores, 0 and z, of a single one: softmax of these is sigmoid of z."""
        while self._layers and isinstance(self._layers[-1][1], Dropout):
            self._layers.pop()
        owner, last, tensors = self._layers[-1] if self._layers else ("", None, {})
        if not isinstance(last, Dense):
            raise ForeignError("The network ends with a single number: it needs a score for each class, two or more.")
        weight, bias = np.asarray(tensors["weight"]), np.asarray(tensors["bias"])
        both = {"weight": np.concatenate([np.zeros_like(weight), weight]), "bias": np.append(0.0, bias)}
        self._layers[-1] = (owner, Dense(2), dict(both))
        self.shape = (2,)
        self.note("Its single score became two, 0 for the first class and its own for the second.")

    def _maps(self, owner: str) -> tuple[int, int, int]:
        if len(self.shape) != 3:
            raise ForeignError(f"The layer {shown(owner)} needs maps, and it gets {self.shape[0]:,} numbers in a row.")
        return self.shape[0], self.shape[1], self.shape[2]

    def _follows_relu(self) -> bool:
        last = self._layers[-1][1] if self._layers else None
        return isinstance(last, Activation) and last.function in ("relu", "sigmoid")

    def _pool(self, owner: str, kernel: tuple[int, int], stride: tuple[int, int], pads: Pads) -> tuple[int, int, int]:
        """Return window, stride and padding of a pooling here that looks through exactly the same windows."""
        _, height, width = self._maps(owner)
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


def channels_last_order(shape: Sequence[int]) -> NDArray[np.int64]:
    """Return, of maps (C, H, W) in a row, where each number stands in a row that was made with channels last."""
    channels, height, width = shape
    places = np.arange(channels * height * width).reshape(height, width, channels)
    return places.transpose(2, 0, 1).ravel()


def _or(given: Array | None, blank: float, size: int, owner: str) -> Array:
    """Return a vector of so many numbers, all `blank` where the file has none."""
    if given is None:
        return np.full(size, blank, np.float32)
    if given.shape != (size,):
        raise ForeignError(
            f"The layer {shown(owner)} has numbers for {given.size:,} channels where there are {size:,}."
        )
    return given


@contextmanager
def _owned(owner: str) -> Iterator[None]:
    """Say whose setting it is that is out of the range of our layers."""
    try:
        yield
    except SpecError as error:
        raise ForeignError(f"The layer {shown(owner)} cannot be one of ours. {error}") from error


def pair(value: Any, owner: str, what: str) -> tuple[int, int]:
    """Return a setting that is one whole number or two as (height, width); raises `ForeignError`."""
    values = [value, value] if type(value) is int else value
    if not isinstance(values, list | tuple) or len(values) != 2:
        raise ForeignError(f"The {what} of the layer {shown(owner)} is not two whole numbers.")
    one, two = values
    if type(one) is not int or type(two) is not int or not (0 <= one <= 4096 and 0 <= two <= 4096):
        raise ForeignError(f"The {what} of the layer {shown(owner)} is not two whole numbers.")
    return one, two
