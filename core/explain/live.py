"""What a network answers to one frame of a camera, with a map that costs one pass back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data.images import decode_image
from core.explain.attribution import attribute, heatmap
from core.inference.network import Network
from core.inference.prediction import predict

if TYPE_CHECKING:
    from torch import Tensor

    from core.data.paper_reading import PaperReading

LIVE_METHODS = ("input_x_gradient", "grad_cam")
"""Methods whose map needs one pass forward and one back."""
FINER, LEAST_SIDE = 2, 160  # a frame against the network's sides; pixels in which a digit on paper is found


@dataclass(frozen=True, eq=False)
class LiveAnswer:
    """A network's answer to a frame.

    Attributes:
        pixels: The frame as the network receives it, uint8 (C, H, W).
        probabilities: Of each class, float32 (K,).
        heatmap: What one method says of the likeliest class, float32 (H, W); None where no method was asked.
        signed: Whether negative values of the map mean something.
        paper: What was found of a digit on paper; None where nothing was looked for.
    """

    pixels: Tensor
    probabilities: Tensor
    heatmap: Tensor | None = None
    signed: bool = True
    paper: PaperReading | None = None

    @property
    def best(self) -> int:
        """Index of the likeliest class."""
        return int(self.probabilities.argmax())

    @property
    def whole(self) -> bool:
        """Whether the network receives the whole frame, so that the map can lie over it; else a digit cut out of it."""
        return self.paper is None or self.paper.ink is None


def frame_side(input_shape: tuple[int, int, int]) -> int:
    """Return the side in pixels of the square that a camera's frame is shrunk to before it is sent.

    Twice the network's longer side, so that `core.data.fitting.fit_image` still takes the last step, by Lanczos
    filtering, and 160 at least: a digit on paper is found in that as well as in a whole photograph. To a network of
    28 or 32 pixels it is then the same picture but for about one of 255 levels on average, to larger ones for three.
    """
    return max(LEAST_SIDE, FINER * max(input_shape[1:]))


def answer_frame(network: Network, data: bytes, method: str | None, *, find_digit: bool = True) -> LiveAnswer:
    """Return a network's answer to a frame, fitted as every other picture is.

    Args:
        network: Whom to ask.
        data: The frame, a picture file of any size; its centre is looked at.
        method: A key of `METHODS`, usually one of `LIVE_METHODS`; None for no map.
        find_digit: Whether a digit on paper is found and laid out as in MNIST, for networks of such digits.

    Raises:
        ConvScopeError: The frame is no picture, or the network cannot answer.
    """
    picture = decode_image(data)
    paper = network.read_paper(picture) if find_digit else None
    pixels, _ = network.fit(picture, paper=paper)
    image = network.normalize(pixels)
    probabilities = predict(network.model, image[None])[0]
    if method is None:
        return LiveAnswer(pixels, probabilities, paper=paper)
    attribution = attribute(network.model, image, int(probabilities.argmax()), method)
    return LiveAnswer(pixels, probabilities, heatmap(attribution), attribution.signed, paper)
