"""The layers of a network that is made of another program's, one after another, and what they leave to the next."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import SpecError
from core.exchange.foreign.network import Array, ForeignError, PixelScale, shown
from core.model import layers as kinds
from core.model.layer_arithmetic import calculate_layer
from core.model.layer_result import ReceptiveField, ShapeError
from core.model.spec import CHANNELS, MAX_LAYERS, SIDE, Shape

EPS = 1e-5  # of torch's batch norm, as the networks here are built
COUNT = "num_batches_tracked"  # the one whole number in a state_dict
Pads = tuple[int, int, int, int]  # zeros above, left of, below and right of the maps
NO_PADS: Pads = (0, 0, 0, 0)


class Stack:
    """The layers so far. What adds one of another program's, called `owner` in sentences, stands by kind in
    `linear`, `pooling` and `pointwise`, and raises `ForeignError` where none of ours computes exactly the same.

    Args:
        program: What wrote the file.
        shape: (C, H, W) of what the network receives.

    Attributes:
        shape: (C, H, W) or (F,) of what stands at the end of them.
        notes: What people should know, a sentence each.
        layers: Owner, layer of ours and entries of its `state_dict` of each.
        scale: How pixels are scaled in front of them, if they are.
        order: Of a vector: where each number stands in that of the file, if elsewhere.
        pads: Zeros around the maps that the next layer has to take in.
        softmax_owner: Whose softmax the network ended with.
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
        self.layers: list[tuple[str, kinds.Layer, dict[str, ArrayLike]]] = []
        self.scale: PixelScale | None = None
        self.order: NDArray[np.int64] | None = None
        self.pads = NO_PADS
        self.softmax_owner = ""

    @property
    def begun(self) -> bool:
        """Whether there is a layer yet."""
        return bool(self.layers)

    def note(self, sentence: str) -> None:
        """Remember a sentence for people, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def add(self, owner: str, layer: kinds.Layer, **tensors: ArrayLike) -> None:
        """Add one of our layers with the entries of its `state_dict`."""
        if self.softmax_owner and not isinstance(layer, kinds.Flatten | kinds.Dropout):
            raise ForeignError(
                f"The layer {shown(owner)} comes behind the softmax {self.softmax_owner}: softmax can only stand at "
                "the end."
            )
        if self.pads != NO_PADS:
            raise ForeignError(
                f"Zeros are put around the maps before the layer {shown(owner)}, which cannot be said here."
            )
        if len(self.layers) >= MAX_LAYERS:
            raise ForeignError(f"The network has more than {MAX_LAYERS} layers, the most that one here has.")
        try:
            self.shape = calculate_layer(layer, self.shape, ReceptiveField()).shape
        except ShapeError as error:
            raise ForeignError(f"The layer {shown(owner)} does not fit what comes before it: {error}") from error
        self.layers.append((owner, layer, tensors))

    def pad(self, owner: str, pads: Pads) -> None:
        """Put zeros around the maps, which the next convolution has to take in."""
        self.maps(owner)
        if min(pads) < 0:
            raise ForeignError(f"The layer {shown(owner)} cuts a border off, which no layer here does.")
        self.pads = self.pads_and(pads)

    def pads_and(self, pads: Pads) -> Pads:
        """Return a layer's own border and the zeros that it has to take in."""
        above, left, below, right = (mine + own for mine, own in zip(self.pads, pads, strict=True))
        return above, left, below, right

    def maps(self, owner: str) -> tuple[int, int, int]:
        """Return (C, H, W) of the maps that a layer gets; raises `ForeignError` where there are none."""
        if len(self.shape) != 3:
            raise ForeignError(f"The layer {shown(owner)} needs maps, and it gets {self.shape[0]:,} numbers in a row.")
        return self.shape[0], self.shape[1], self.shape[2]


def values_or(given: Array | None, blank: float, size: int, owner: str) -> Array:
    """Return a vector of so many numbers, all `blank` where the file has none."""
    if given is None:
        return np.full(size, blank, np.float32)
    if given.shape != (size,):
        raise ForeignError(
            f"The layer {shown(owner)} has numbers for {given.size:,} channels where there are {size:,}."
        )
    return given


@contextmanager
def owned_by(owner: str) -> Iterator[None]:
    """Say whose setting it is that is out of the range of our layers."""
    try:
        yield
    except SpecError as error:
        raise ForeignError(f"The layer {shown(owner)} cannot be one of ours. {error}") from error
