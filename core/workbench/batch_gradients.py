"""The weights of a layer and the gradients that one mini-batch of training images gives them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import ConvScopeError
from core.inference.network import Network
from core.train.config import TrainConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray
Place = tuple[int, ...]


@dataclass(frozen=True)
class Batch:
    """A mini-batch of training images: how many, and the seed they are drawn with."""

    size: int
    seed: int


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """The weights of one layer and dL/d weight for one batch, both in one shape, float64; and L."""

    values: "NDArray[np.float64]"
    gradients: "NDArray[np.float64]"
    loss: float

    @property
    def steepest(self) -> Place:
        """The weight with the largest gradient."""
        sizes = np.nan_to_num(np.abs(self.gradients), nan=-1.0)
        return tuple(int(at) for at in np.unravel_index(int(sizes.argmax()), sizes.shape))


def weighty_layers(network: Network) -> dict[str, Place]:
    """Return the layers that have weights, dotted inside a block, with the shape of these."""
    modules = network.model.named_modules()
    return {name: tuple(own.shape) for name, module in modules for own in [_own_weight(module)] if own is not None}


def batch_gradients(network: Network, layer: str, batch: Batch) -> LayerWeights:
    """Return all weights of a layer with their gradients; raises `ConvScopeError`."""
    return _pass(network, network.model, layer, batch)


def gradient_at(network: Network, layer: str, place: Place, value: float, batch: Batch) -> tuple[float, float]:
    """Return dL/d weight and L where one weight has another value and all others stay; raises `ConvScopeError`."""
    import copy

    import torch

    twin = copy.deepcopy(network.model).to("cpu", torch.float64)
    with torch.no_grad():
        _own_weight(twin.get_submodule(layer))[place] = value
    result = _pass(network, twin, layer, batch)
    return float(result.gradients[place]), result.loss


def _own_weight(module: Any) -> Any:
    return dict(module.named_parameters(recurse=False)).get("weight")


def _pass(network: Network, model: Any, layer: str, batch: Batch) -> LayerWeights:
    import torch

    from core.probe.autograd_reference import layer_pass
    from core.train.losses import make_loss

    data = network.dataset()
    drawn = np.random.default_rng(batch.seed).choice(len(data.train), min(batch.size, len(data.train)), replace=False)
    chosen = torch.from_numpy(drawn)
    loss = make_loss(TrainConfig.from_mapping(network.config))
    images, labels = data.normalize(data.train.images[chosen]), data.train.labels[chosen]
    result = layer_pass(model, layer, images, labels, loss, training=True, seed=batch.seed)
    if result.weight is None or result.weight_gradient is None:
        raise ConvScopeError(f"Layer {layer} has no weights: choose another one.")
    return LayerWeights(result.weight, result.weight_gradient, result.loss)
