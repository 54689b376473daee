"""The filters of one convolution of a network, and the trained ones that they are compared with."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from core.errors import ConvScopeError
from core.inference.network import Network
from core.probe.kernel_matching import dead_filters, strengths, strongest_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray
RGB = ("red", "green", "blue")


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of one convolution at one moment.

    Attributes:
        layer: Its name, dotted inside a block.
        weights: float (N, C, kH, kW).
        trained: The latest there are. Order, channels and colours follow these at every moment, so that the
            moments can be compared.
        biases: float (N,), or None.
        channels: What each of the C input channels is called.
        listed: Whether the page of feature maps has it.
    """

    layer: str
    weights: "NDArray[np.float32]"
    trained: "NDArray[np.float32]"
    biases: "NDArray[np.float32] | None"
    channels: tuple[str, ...]
    listed: bool

    @property
    def rgb(self) -> bool:
        """Whether it looks at red, green and blue."""
        return self.channels == RGB

    @property
    def dead(self) -> tuple[int, ...]:
        """The filters that nothing moves."""
        return dead_filters(self.weights)

    @cached_property
    def strongest(self) -> "NDArray[np.intp]":
        """The input channel that each filter weighs most, (N,)."""
        return strongest_channels(self.trained)

    @property
    def by_strength(self) -> list[int]:
        """The filters, strongest first."""
        return np.argsort(-strengths(self.trained), kind="stable").tolist()


def filters_of(weights: Network, layer: str) -> Filters:
    """Read the filters of a convolution; raises `ConvScopeError`."""
    from core.probe.kernels import biases, filter_layers, filters

    model = weights.model
    values, bias = filters(model, layer).numpy(), biases(model, layer)
    trained = values
    if weights.epoch is not None:
        with suppress(ConvScopeError):  # damaged: then they cannot be compared, and this epoch is still worth seeing
            trained = filters(weights.at(None).model, layer).numpy()
    count = values.shape[1]
    first = filter_layers(model)[0] == layer and weights.input_shape[0] == count == len(RGB)
    names = RGB if first else tuple(f"channel {index}" for index in range(count))
    listed = "." not in layer or weights.spec is None
    return Filters(layer, values, trained, None if bias is None else bias.numpy(), names, listed)
