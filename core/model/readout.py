"""The layer behind a convolution at which its filters' activations are read."""

from core.model.layers import Activation, BatchNorm, Dropout
from core.model.spec import ModelSpec


def readout_layer(spec: ModelSpec, layer: str) -> str:
    """Return the name of the activation layer that follows a convolution, or its own name where none does.

    Batch normalisation and dropout between the two are passed over. Inside a residual block only the first convolution
    has an activation of its own: the one behind the second convolution and the shortcut acts on their sum, so these two
    are read themselves.

    Args:
        spec: The network.
        layer: Name of one of its convolutions, as in `spec.layer_names`; inside a block "block.conv1".
    """
    block, _, inner = layer.partition(".")
    if inner:
        return f"{block}.relu1" if inner == "conv1" else layer
    names = spec.layer_names
    for place in range(names.index(layer) + 1, len(names)):
        if isinstance(spec.layers[place], Activation):
            return names[place]
        if not isinstance(spec.layers[place], BatchNorm | Dropout):
            break
    return layer
