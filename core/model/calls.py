"""What has to be called to make each layer's module: the one description behind the built network and its code."""

from dataclasses import dataclass

from core.model import layers as kinds
from core.model.spec import Shape

_FUNCTIONS = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "gelu": "GELU",
    "silu": "SiLU",
}
_SLOPE = 0.01  # of torch's leaky ReLU, where nothing is said
_DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


@dataclass(frozen=True)
class ModuleCall:
    """A constructor of `torch.nn` (or `ResidualBlock`) and its arguments."""

    name: str
    args: "tuple[int | ModuleCall, ...]" = ()
    kwargs: tuple[tuple[str, int | float | str], ...] = ()

    def __str__(self) -> str:
        parts = [str(value) for value in self.args]
        parts += [f'{key}="{value}"' if isinstance(value, str) else f"{key}={value}" for key, value in self.kwargs]
        prefix = "" if self.name == "ResidualBlock" else "nn."
        return f"{prefix}{self.name}({', '.join(parts)})"


def module_call(layer: kinds.Layer, input_shape: Shape) -> ModuleCall:
    """Return the call that makes a layer's module, for inputs of shape (C, H, W) or (F,).

    A backbone is made of a whole network, by no single call: see `core.model.pretrained_backbone`.
    """
    size = input_shape[0]
    match layer:
        case kinds.Conv():
            return ModuleCall("Conv2d", (size, layer.out_channels), _window(layer, "dilation", "groups"))
        case kinds.BatchNorm():
            return ModuleCall("BatchNorm2d" if len(input_shape) == 3 else "BatchNorm1d", (size,))
        case kinds.Activation():
            slope = layer.negative_slope if layer.function == "leaky_relu" else _SLOPE
            return ModuleCall(_FUNCTIONS[layer.function], (), (("negative_slope", slope),) if slope != _SLOPE else ())
        case kinds.MaxPool():
            return ModuleCall("MaxPool2d", (), _window(layer))
        case kinds.AvgPool():
            return ModuleCall("AvgPool2d", (), _window(layer))
        case kinds.Dropout():
            return ModuleCall("Dropout", (), (("p", layer.p),))
        case kinds.GlobalAvgPool():
            return ModuleCall("Sequential", (ModuleCall("AdaptiveAvgPool2d", (1,)), ModuleCall("Flatten")))
        case kinds.Flatten():
            return ModuleCall("Flatten")
        case kinds.Dense():
            return ModuleCall("Linear", (size, layer.out_features))
        case kinds.Residual():
            kwargs = (("kernel_size", layer.kernel_size), ("stride", layer.stride))
            return ModuleCall("ResidualBlock", (size, layer.out_channels), kwargs)
    raise AssertionError(f"{layer.kind} has no module")


def written(layer: kinds.Layer, input_shape: Shape) -> str:
    """Return a layer as it is written in PyTorch; of a backbone, whose blocks it has."""
    return kinds.describe_layer(layer) if isinstance(layer, kinds.Backbone) else str(module_call(layer, input_shape))


def _window(layer: kinds.Conv | kinds.MaxPool | kinds.AvgPool, *more: str) -> tuple[tuple[str, int | float | str], ...]:
    """Keyword arguments of a sliding window; a pool's stride is always said, since torch's default is its kernel."""
    kwargs = [(name, getattr(layer, name)) for name in ("kernel_size", "stride", "padding", *more)]
    always = ("kernel_size",) if isinstance(layer, kinds.Conv) else ("kernel_size", "stride")
    return tuple((name, value) for name, value in kwargs if name in always or value != _DEFAULTS[name])
