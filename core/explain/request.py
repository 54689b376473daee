"""`AttributionRequest`: network, image, class and settings of one attribution."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import ExplainError
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import batch_size
from core.options import OptionValue

BASELINES = {
    "mean": "The data set's mean colour",
    "blur": "The picture, blurred",
    "noise": "Random pixels",
}
_BLUR = 0.1  # standard deviation of the blur, as a share of the picture's longer side


@dataclass(frozen=True, eq=False)
class AttributionRequest:
    """The arguments of one attribution.

    Attributes:
        model: A copy of the network that may be changed, in evaluation mode; with `contrast` behind it where one
            class is held against another.
        image: (1, C, H, W), a leaf that asks for gradients, on the weights' device.
        target: Index of the output to explain.
        options: The method's settings, all of them; the computation fills in what it chose itself.
        given: (M, C, H, W) images that stand for nothing in particular, if somebody gave some: see `background`.
        original: The network as it was given.
        wrap: Makes a copy of another form of it ready to be asked, as `model` is.
        cells: Rows and columns of the layer's maps, filled in by methods that look at one.
        expect: Takes the number of passes where it is known only once a layer was seen, and is less than stated.
    """

    model: nn.Module
    image: Tensor
    target: int
    options: dict[str, OptionValue]
    reference_images: Tensor | None
    original: nn.Module
    wrap: Callable[[nn.Module], nn.Module]
    expect: Callable[[int], None]
    cells: list[int] = field(default_factory=list)

    @property
    def background(self) -> Tensor:
        """Reference images (M, C, H, W), normalised: those given, or else noise."""
        return backgrounds(self.image.detach()) if self.reference_images is None else self.reference_images

    @property
    def starts(self) -> Tensor:
        """The starting pictures (N, C, H, W), whose mean score is the reference of completeness."""
        return self.baseline() if "baseline" in self.options else self.background[: self.number("samples")]

    @property
    def batch(self) -> int:
        """Images per forward pass."""
        return batch_size(self.image)

    def number(self, name: str) -> int:
        """Return an integer option."""
        return int(self.options[name] or 0)

    def twin(self, network: nn.Module) -> nn.Module:
        """Return a monitored copy of another form of the network for the same request."""
        return self.wrap(shallow_copy_for_hooks(network))

    def layer(self, name: str, model: nn.Module | None = None) -> nn.Module:
        """Return the module of that name in the network as it was given, as a part of `model`."""
        network = model or self.model
        inner = network.get_submodule("network") if isinstance(network, Contrast) else network
        return inner.get_submodule(name)

    def baseline(self) -> Tensor:
        """Return the picture from which a method starts, (1, C, H, W), as its setting `baseline` says."""
        return baseline(self.image.detach(), str(self.options["baseline"]))


class Contrast(nn.Sequential):
    """A network whose only output is the score of one class less that of another.

    The difference is a dense layer without bias, so that every method has a rule for it.
    """

    def __init__(self, network: nn.Module, target: int, versus: int, num_classes: int) -> None:
        difference = nn.utils.skip_init(nn.Linear, num_classes, 1, bias=False)  # draws no random numbers
        weight = torch.zeros(1, num_classes)
        weight[0, target], weight[0, versus] = 1, -1
        difference.weight = nn.Parameter(weight, requires_grad=False)
        super().__init__(OrderedDict([("network", network), ("difference", difference)]))


def baseline(image: Tensor, kind: str) -> Tensor:
    """Return a picture without content, (1, C, H, W): a key of `BASELINES`.

    Zero is the mean colour of normalised images. The random pixels are the same each time, and cover the image's own
    range of values.

    Raises:
        ExplainError: There is no such kind.
    """
    if kind == "mean":
        return torch.zeros_like(image)
    if kind == "noise":
        low, high = image.amin(), image.amax()
        noise = torch.rand(image.shape, generator=torch.Generator().manual_seed(0))
        return noise.to(image.device) * (high - low) + low
    if kind != "blur":
        raise ExplainError(f"There is no starting picture {kind!r}: choose one of {', '.join(BASELINES)}.")
    channels, *sides = image.shape[1:]
    sigma = max(sides) * _BLUR
    at = torch.arange(-round(2 * sigma), round(2 * sigma) + 1, device=image.device)
    weights = torch.exp(-(at**2) / (2 * sigma**2))
    weights = (weights / weights.sum()).expand(channels, 1, 1, -1)
    for kernel in (weights, weights.transpose(2, 3)):
        border = (kernel.shape[3] // 2,) * 2 + (kernel.shape[2] // 2,) * 2
        image = F.conv2d(F.pad(image, border, mode="replicate"), kernel, groups=channels)
    return image


def backgrounds(image: Tensor, count: int = 8) -> Tensor:
    """Return noise images (count, C, H, W) as reference where none are given.

    They are the mean colour with noise of standard deviation 0.2, the same each time.
    """
    noise = torch.randn((count, *image.shape[1:]), generator=torch.Generator().manual_seed(0))
    return 0.2 * noise.to(image.device)


def check_class(value: object, num_classes: int) -> int:
    """Return an index of a class, or raise `ExplainError` if it is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < num_classes:
        raise ExplainError(f"The network has no class {value!r}: choose a whole number from 0 to {num_classes - 1}.")
    return value
