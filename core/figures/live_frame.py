"""One moment of a network in training, as sheets of small pictures: followed images, first filters, a layer's maps."""

from dataclasses import dataclass

from core.figures.film import (
    ClassProbability,
    Tiles,
    filter_tiles,
    image_tiles,
    images_to_follow,
    map_tiles,
    top_classes,
)
from core.figures.grids import sprite
from core.inference.network import Network

COLUMNS = 16  # tiles in a row of a sheet


@dataclass(frozen=True, eq=False)
class Sheet:
    """Tiles as one picture."""

    tiles: Tiles
    png: bytes


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """What there is to see of a network at one moment of its training.

    Attributes:
        step: Updates of the weights so far; None where that is not known.
        images: The followed images.
        labels: The true class of each.
        predictions: The likeliest classes of each, the likeliest first.
        convolution: Name of the first convolution; empty where there is none.
        filters: Its filters.
        maps: A layer's maps of the first image.
    """

    step: int | None
    images: Sheet
    labels: tuple[int, ...]
    predictions: tuple[tuple[ClassProbability, ...], ...]
    convolution: str
    filters: Sheet | None
    maps: Sheet | None

    @property
    def num_right(self) -> int:
        """How many of the followed images are classified correctly."""
        return sum(likeliest[0].true for likeliest in self.predictions)


def live_frame(network: Network, layer: str, seed: int) -> LiveFrame:
    """Compute a frame.

    Args:
        network: Of a run, at one moment.
        layer: Whose maps are drawn; empty for none.
        seed: Decides which test images are followed.

    Raises:
        ConvScopeError: The weights or the images cannot be used.
    """
    from core.inference.prediction import predict
    from core.probe.activations import capture_activations
    from core.probe.kernels import filter_layers, filters

    model, test = network.model, network.dataset().test
    all_labels = test.labels.numpy()
    places = images_to_follow(all_labels, network.num_classes, seed=seed)
    images, labels = test.images[list(places)], tuple(int(all_labels[place]) for place in places)
    inputs = network.normalize(images)
    convolution = next(iter(filter_layers(model)), "")
    return LiveFrame(
        step=network.stamped.step,
        images=_sheet(image_tiles(images.numpy())),
        labels=labels,
        predictions=top_classes(predict(model, inputs), labels),
        convolution=convolution,
        filters=_sheet(filter_tiles(filters(model, convolution).numpy())) if convolution else None,
        maps=_sheet(map_tiles(capture_activations(model, inputs[:1], [layer])[layer][0].numpy())) if layer else None,
    )


def _sheet(tiles: Tiles) -> Sheet:
    return Sheet(tiles, sprite(tiles.pixels, COLUMNS))
