"""Activation maximisation: the image that activates a unit most, by gradient ascent from noise.

Left alone this finds noise to which no picture is similar; weight decay towards grey, jitter and blur keep what many
pictures could share (Erhan et al. 2009; Yosinski et al. 2015, section 3; Olah et al. 2017, "Feature visualization").
The last quarter of the steps goes without them. The same call gives the same picture on the same machine; the network
is left as it was found and asked in eval mode.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ConvScopeError
from core.failures import in_sentences
from core.formatting import dimensions
from core.inference.copies import shallow_copy_for_hooks
from core.probe.activations import capture_activations
from core.probe.units import tapped
from core.progress import Progress

_REGULARIZED_SHARE = 0.75  # the share of the steps after which the picture is no longer moved about and smoothed


def preferred_input(model: nn.Module, layer: str, channel: int, **settings: Any) -> Tensor:
    """Return the image that activates a unit most: the last one of `preferred_steps`, which takes the same settings."""
    return deque(preferred_steps(model, layer, channel, **settings), maxlen=1).pop()


@in_sentences("Climbing to the preferred picture")
def preferred_steps(
    model: nn.Module,
    layer: str,
    channel: int,
    *,
    shape: tuple[int, int, int],
    mean: Sequence[float],
    std: Sequence[float],
    place: tuple[int, int] | None = None,
    steps: int = 64,
    lr: float = 0.1,
    seed: int = 0,
    l2: float = 0.01,
    jitter: int = 2,
    blur: float = 0.5,
) -> Iterator[Tensor]:
    """Yield the image before and after each step of gradient ascent towards the one that activates a unit most.

    Args:
        model: The network.
        layer: A name of `model.named_modules()`.
        channel: Which map, or which number where there are no places.
        shape: (C, H, W) of the picture.
        mean, std: Of each channel, as in the data set: they say which normalised values are pixels at all.
        place: Row and column of the unit in its map; None for the mean of the whole map, a pattern all over.
        steps: How many steps uphill, at least 1.
        lr: Length of a step: how far an average value moves, in standard deviations of the data.
        seed: What the noise at the start and the moving about are drawn from.
        l2: Share of its distance to the data's mean that every value loses at each step, 0 to 1.
        jitter: Largest shift in pixels before a step, undone after it; none with a `place`, which it would smear.
        blur: Standard deviation in pixels of the blur after every fourth step; 0 for none.

    Yields:
        steps + 1 pictures, normalised float32 (C, H, W) on the CPU that turn into pixels from 0 to 1.

    Raises:
        ConvScopeError: The layer or the unit does not exist, a number is out of its range, or the network's own
            numbers are not finite.
    """
    if steps < 1 or lr <= 0 or not 0 <= l2 < 1 or jitter < 0 or blur < 0:
        raise ConvScopeError("The ascent needs at least 1 step, lr above 0, l2 from 0 to 1, jitter and blur from 0.")
    run, leaky = tapped(model, layer), tapped(_leaky(model), layer)
    generator = torch.Generator().manual_seed(seed)
    centre, spread = torch.tensor([mean, std], dtype=torch.float32)[..., None, None]
    low, high = -centre / spread, (1 - centre) / spread
    picture = (0.1 / spread * torch.randn(shape, generator=generator)).clamp(low, high)
    yield picture.clone()
    for step in range(steps):
        rough = step < _REGULARIZED_SHARE * steps
        reach = jitter if rough and place is None else 0
        down, right = torch.randint(-reach, reach + 1, (2,), generator=generator).tolist()
        jittered = picture.roll((down, right), (1, 2))
        gradient = _uphill(run, jittered, layer, channel, place)
        gradient = gradient if gradient.any() else _uphill(leaky, jittered, layer, channel, place)
        gradient = gradient.roll((-down, -right), (1, 2))
        picture = picture + lr * gradient / gradient.square().mean().sqrt().clamp_min(1e-30)
        picture = (1 - l2) * picture if rough else picture
        picture = _blurred(picture, blur) if rough and step % 4 == 3 else picture
        picture = picture.clamp(low, high)
        yield picture.clone()


def _leaky(model: nn.Module) -> nn.Module:
    """Return a copy with leaky ReLUs instead of ReLUs, since a silent unit has no gradient to climb."""
    twin = shallow_copy_for_hooks(model)
    for name, module in list(twin.named_modules()):
        if isinstance(module, nn.ReLU):
            parent, _, child = name.rpartition(".")
            setattr(twin.get_submodule(parent), child, nn.LeakyReLU(0.1))
    return twin


def _uphill(
    run: Callable[[Tensor], Tensor], picture: Tensor, layer: str, channel: int, place: tuple[int, int] | None
) -> Tensor:
    pixels = picture.detach().clone().requires_grad_()
    with torch.enable_grad():
        maps = run(pixels[None])[0]
        where = (channel, *(place or ()))[: maps.ndim]
        if not all(0 <= at < size for at, size in zip(where, maps.shape, strict=False)):
            raise ConvScopeError(
                f"Layer {layer} has no unit {', '.join(map(str, where))}: its output has the shape "
                f"{dimensions(maps.shape)}, counted from 0."
            )
        (gradient,) = torch.autograd.grad(maps[where].mean(), pixels)
    if not gradient.isfinite().all():
        raise ConvScopeError(
            "The network's numbers are not finite, because its training ran away: choose an earlier epoch."
        )
    return gradient


def _blurred(picture: Tensor, sigma: float) -> Tensor:
    """Return images blurred by a Gaussian of `sigma` pixels with replicated borders."""
    half = min(round(3 * sigma), *(side - 1 for side in picture.shape[1:]))
    if half < 1:
        return picture
    bell = torch.exp(-torch.arange(-half, half + 1).square() / (2 * sigma**2))
    bell /= bell.sum()
    padded = functional.pad(picture[:, None], (half, half, half, half), mode="replicate")
    return functional.conv2d(functional.conv2d(padded, bell.view(1, 1, 1, -1)), bell.view(1, 1, -1, 1))[:, 0]


@in_sentences("Climbing to the preferred picture")
def preferred_picture(
    model: nn.Module,
    layer: str,
    channel: int,
    *,
    shape: tuple[int, int, int],
    mean: Sequence[float],
    std: Sequence[float],
    steps: int = 64,
    progress: Progress,
) -> tuple[NDArray[np.uint8], float]:
    """Return what `preferred_input` does as pixels, uint8 (H, W, 3), and the unit's strongest answer to it."""
    climb = preferred_steps(model, layer, channel, shape=shape, mean=mean, std=std, steps=steps)
    image = next(climb)
    for step, image in enumerate(climb, 1):  # noqa: B007  # the last one counts
        progress(step, steps)
    answer = float(capture_activations(model, image[None], [layer])[layer][0, channel].max())
    values = image.numpy() * np.array(std)[:, None, None] + np.array(mean)[:, None, None]
    pixels = (255 * values.clip(0, 1)).round().astype(np.uint8).transpose(1, 2, 0)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)).copy(), answer
