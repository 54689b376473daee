"""Dead filters of a convolution: practically zero, or with a map that no training image changes."""

from dataclasses import dataclass

from core.inference.network import Network
from core.probe.activations import capture_activations
from core.probe.kernels import filter_layers
from core.probe.network_layers import readout_of
from core.probe.units import dead_units

NUM_IMAGES, BATCH_SIZE = 256, 64  # training images that tell the dead from the living, and how many at a time
NUM_TRACED, TRACED_SIZE = 32, 2  # the same where all maps of a pretrained backbone are looked at


@dataclass(frozen=True)
class DeadFilters:
    """The dead filters of a convolution: by their weights, or because no training image changes their map.

    Attributes:
        filters: Their numbers.
        readout: The layer at which their maps were looked at.
        num_images: Of how many training images; 0 if those could not be had, and only the weights were looked at.
    """

    filters: tuple[int, ...]
    readout: str
    num_images: int

    def words(self, layer: str, count: int) -> str:
        """Say how many of `count` filters of a layer are hatched, and what that means."""
        num_dead = len(self.filters)
        where = f"{self.num_images} training images ({readout_words(layer, self.readout)})"
        if not num_dead:
            return f"None is dead: the map of every filter changes over {where}." if self.num_images else ""
        are = f"{num_dead} of {count} filters {'is' if num_dead == 1 else 'are'}"
        if not self.num_images:
            return f"{are} hatched: practically zero, so nothing in a picture moves them."
        return (
            f"{are} hatched, that is dead: practically zero, or with the same number all over the maps of {where}. "
            "Nothing in a picture moves a dead filter, and with a ReLU behind it no gradient can wake it."
        )


def readout_words(layer: str, readout: str) -> str:
    """Say at which layer a convolution's maps are read, to be put after "its map"."""
    return f"as {layer} puts it out" if readout == layer else f"after {readout}"


def unmoved_units(network: Network) -> tuple[dict[str, set[int]], int]:
    """Return by readout layer the units of every convolution that no training image changes, and the number of images.

    All convolutions at once, in parts, so that the maps of large networks fit into memory.

    Raises:
        ConvScopeError: The network or its images cannot be had.
    """
    model, data = network.model, network.dataset()
    layers = list(dict.fromkeys(readout_of(network, layer) for layer in filter_layers(model)))
    count, size = (NUM_IMAGES, BATCH_SIZE) if network.spec is not None else (NUM_TRACED, TRACED_SIZE)
    images = data.normalize(data.train.images[:count])
    constant: dict[str, dict[int, float]] = {}  # the one value of each unit that has the same all over so far
    for batch in images.split(size):
        for layer, maps in capture_activations(model, batch, layers).items():
            values = {unit: float(maps[0, unit].flatten()[0]) for unit in dead_units(maps)}
            before = constant.setdefault(layer, values)
            constant[layer] = {unit: value for unit, value in before.items() if values.get(unit) == value}
    return {layer: set(values) for layer, values in constant.items()}, len(images)
