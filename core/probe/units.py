"""Single units: the images that activate them most, and their contributions to a class."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import ConvScopeError
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.progress import Progress

_BATCH_PIXELS = 2**18  # in one batch: 256 images of 32 × 32


@dataclass(frozen=True, eq=False)
class TopImages:
    """The images that activate each unit of a layer most, strongest first; ties by index.

    Attributes:
        indices: (U, k) int64, which images.
        values: (U, k) float32, the unit's strongest answer to each.
        rows, cols: (U, k) int64, where in the unit's map that was; 0 for a layer without places. What the unit
            saw there is cut out with `receptive_field`.
        num_images: How many images were looked at.
    """

    indices: Tensor
    values: Tensor
    rows: Tensor
    cols: Tensor
    num_images: int


def tapped(model: nn.Module, layer: str) -> Callable[[Tensor], Tensor]:
    """Return a differentiable function from images (N, C, H, W) to a layer's output.

    It runs a copy in eval mode that shares the weights, and of a stack only the part up to the layer; images are
    moved to the weights' device and type.

    Raises:
        ConvScopeError: There is no such layer, or, when it is called, the images are not normalised ones.
    """
    twin = shallow_copy_for_hooks(model)
    names = [name for name, _ in twin.named_children()]
    if not layer or layer not in dict(twin.named_modules()):
        raise ConvScopeError(f"The network has no layer named {layer!r}: choose one of {', '.join(names)}.")
    if type(twin) is nn.Sequential:
        twin = twin[: names.index(layer.split(".")[0]) + 1]
    store: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        store.append(output)
        return output.clone()  # a layer that works in place must not change what was kept

    twin.get_submodule(layer).register_forward_hook(keep)
    weight = next(model.parameters(), None)

    def run(images: Tensor) -> Tensor:
        if images.ndim != 4 or not images.is_floating_point():
            raise ConvScopeError(
                f"Units need normalised images of three dimensions, not {images.dtype} of shape "
                f"{tuple(images.shape[1:])}: pass them through the data set's normalize first."
            )
        store.clear()
        twin(images if weight is None else images.to(weight.device, weight.dtype))
        return store.pop()

    return run


@in_sentences("Looking for the strongest images")
def top_images(
    model: nn.Module,
    images: Tensor,
    layer: str,
    count: int = 9,
    *,
    normalize: Callable[[Tensor], Tensor] | None = None,
    max_images: int | None = None,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> TopImages:
    """Return the images that activate each unit of a layer most, in one pass for all units.

    A unit is a channel with its strongest place, or a number where there are no places (Zeiler and Fergus 2014,
    section 4). Only the running best are kept, so memory does not grow with the number of images. Answers that
    are not a number count as the weakest.

    Args:
        model: The network.
        images: (N, C, H, W): normalised floats, or whatever `normalize` turns into them, batch by batch, for
            instance `dataset.train.images` with `dataset.normalize`.
        layer: A name of `model.named_modules()`.
        count: How many images for each unit, at least 1; k is fewer where there are fewer.
        max_images: How many images to look at, the first ones; all by default.
        seconds: After how long to be content with what was seen; at least one batch is.
        progress: Called with the images seen and those to see, after each batch.

    Raises:
        ConvScopeError: The layer does not exist, there is no image, or the images are not normalised.
    """
    total = len(images) if max_images is None else min(len(images), max_images)
    if total < 1 or count < 1:
        raise ConvScopeError("There is no image to look at: ask for at least one image of a split that has some.")
    run, end = tapped(model, layer), None if seconds is None else time.monotonic() + seconds
    size = max(1, min(256, _BATCH_PIXELS // images.shape[-2:].numel()))
    best: TopImages | None = None
    for start in range(0, total, size):
        part = images[start : min(start + size, total)]
        with torch.no_grad():
            maps = run(part if normalize is None else normalize(part)).float().cpu()
        best = _merged(best, _strongest(maps, start), count)
        if progress is not None:
            progress(best.num_images, total)
        if end is not None and time.monotonic() >= end:
            break
    assert best is not None
    return best


@in_sentences("Sharing out the score")
def contributions(model: nn.Module, image: Tensor, layer: str, target: int) -> Tensor:
    """Return each unit's contribution to the logit of a class: gradient × activation, summed over places.

    Where the rest of the network is linear around this image (ReLU, pooling and dense layers are), they sum to
    the logit less what the biases behind the layer add (Montavon et al. 2018, section 4.1, on Taylor expansions).

    Args:
        model: The network; its outputs are logits.
        image: Normalised image, float (C, H, W).
        layer: A name of `model.named_modules()`.
        target: Index of the class.

    Returns:
        (C,), signed, on the CPU: a number per map, or per number where there are no places.

    Raises:
        ConvScopeError: The layer or the class does not exist, or the image is not normalised.
    """
    twin = shallow_copy_for_hooks(model)
    tapped(model, layer)(image[None])  # raises the sentences on layers and images
    store: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        store.append(output.detach().requires_grad_())
        return store[-1].clone()

    twin.get_submodule(layer).register_forward_hook(keep)
    weight = next(model.parameters(), image)
    with torch.enable_grad():
        logits = twin(image[None].to(weight.device, weight.dtype))[0]
        if not 0 <= target < len(logits):
            raise ConvScopeError(f"The network has no class {target}: choose one from 0 to {len(logits) - 1}.")
        (gradient,) = torch.autograd.grad(logits[target], store[0])
    return (gradient * store[0]).detach()[0].reshape(gradient.shape[1], -1).sum(dim=1).cpu()


def dead_units(activations: Tensor) -> tuple[int, ...]:
    """Return the units with the same activation for every image and at every place.

    Takes activations (N, C, …); with a single image, where one number proves nothing, those that are 0
    everywhere.
    """
    units = activations.transpose(0, 1).flatten(1)
    first = units[:, :1] if len(activations) > 1 else torch.zeros_like(units[:, :1])
    return tuple((units == first).all(dim=1).nonzero().flatten().tolist())


def _strongest(maps: Tensor, start: int) -> TopImages:
    """Find each unit's strongest place in each image of a batch (N, U, …) whose first image is number `start`."""
    places = maps.flatten(2) if maps.ndim > 2 else maps[..., None]
    values, at = torch.where(places.isnan(), -torch.inf, places).max(dim=2)
    width = maps.shape[3] if maps.ndim == 4 else 1
    indices = torch.arange(start, start + len(maps)).expand(maps.shape[1], -1)
    return TopImages(indices, values.T, (at // width).T, (at % width).T, len(maps))


def _merged(best: TopImages | None, new: TopImages, count: int) -> TopImages:
    parts = [new] if best is None else [best, new]
    values = torch.cat([part.values for part in parts], dim=1)
    order = values.sort(dim=1, descending=True, stable=True).indices[:, :count]

    def kept(columns: list[Tensor]) -> Tensor:
        return torch.cat(columns, dim=1).gather(1, order)

    return TopImages(
        indices=kept([part.indices for part in parts]),
        values=values.gather(1, order),
        rows=kept([part.rows for part in parts]),
        cols=kept([part.cols for part in parts]),
        num_images=sum(part.num_images for part in parts),
    )


@in_sentences("The effective receptive field")
def effective_field(model: nn.Module, image: Tensor, layer: str, channel: int, row: int = 0, col: int = 0) -> Tensor:
    """Return the effective receptive field of a unit: |d unit / d pixel|, summed over the image's channels.

    The part of its receptive field that matters for this image (Luo et al. 2016, "Understanding the effective
    receptive field"). The network is asked in eval mode and left as it was found.

    Args:
        model: The network.
        image: Normalised image, float (C, H, W).
        layer: A name of `model.named_modules()`.
        channel: Which map, or which number where there are no places.
        row, col: The unit's place in the map; ignored where there are none.

    Returns:
        (H, W), 0 or more, on the CPU; not a number where the network's own numbers are not.

    Raises:
        ConvScopeError: The layer or the unit does not exist, or the image is not one.
    """
    run = tapped(model, layer)
    batch = image.detach()[None].clone()
    batch.requires_grad = batch.is_floating_point()  # whatever else it is, `run` says so in a sentence
    with torch.enable_grad():
        maps = run(batch)[0]
        place = (channel, row, col)[: maps.ndim]
        if not all(0 <= at < size for at, size in zip(place, maps.shape, strict=True)):
            raise ConvScopeError(
                f"Layer {layer} has no unit at channel {channel}, row {row}, column {col}: its output has the "
                f"shape {' × '.join(map(str, maps.shape))}, counted from 0."
            )
        (gradient,) = torch.autograd.grad(maps[place], batch)
    return gradient[0].abs().sum(dim=0).cpu()
