"""The kinds of layer that a network can be made of, with the range of every setting."""

from dataclasses import dataclass, field
from typing import ClassVar

from core.errors import SpecError
from core.model.zoo import BUNDLED, ZOO, zoo_info
from core.options import check_options, option

ACTIVATIONS = {
    "relu": "ReLU",
    "leaky_relu": "Leaky ReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "gelu": "GELU",
    "silu": "SiLU",
}


@dataclass(frozen=True)
class Layer:
    """One layer of a stack; its settings are checked when it is made.

    Every field but `kind` is a setting (see `core.options.Option`) that drives the
    widget and the check alike. `kind` is a field so that two kinds with the same numbers stay different wherever
    only the values are compared.

    Attributes:
        title: What the kind is called on screen.
        description: What it does, in a sentence for learners.
        prefix: Start of the names of its modules.

    Raises:
        SpecError: A setting has the wrong type or is out of its range.
    """

    title: ClassVar[str] = ""
    description: ClassVar[str] = ""
    prefix: ClassVar[str] = ""

    kind: str = field(init=False, default="")

    def __post_init__(self) -> None:
        check_options(self, self.title, SpecError)


@dataclass(frozen=True)
class Conv(Layer):
    """Two-dimensional convolution with a bias; `padding` is "same" (the map keeps its size) or a border in pixels."""

    title = "Convolution"
    description = "Slides small filters over the maps; each filter learns to answer to one pattern wherever it is."
    prefix = "conv"

    kind: str = field(init=False, default="conv")
    out_channels: int = option(32, "Filters", "How many patterns it can learn: one map each.", min=1, max=1024)
    kernel_size: int = option(3, "Kernel size", "Height and width of each filter.", min=1, max=31)
    stride: int = option(1, "Stride", "Pixels from one position to the next.", min=1, max=8)
    padding: int | str = option(
        "same",
        "Padding",
        "Zeros put around the map; 'same' keeps its size.",
        min=0,
        max=16,
        choices=("same",),
    )
    dilation: int = option(1, "Dilation", "Pixels from one kernel cell to the next.", min=1, max=8)
    groups: int = option(1, "Groups", "Shares the channels out among separate groups of filters.", min=1, max=1024)


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation of each channel of maps, or of each number of a vector."""

    title = "Batch norm"
    description = "Brings each channel to mean 0 and spread 1 within a batch: training is faster and steadier."
    prefix = "bn"

    kind: str = field(init=False, default="batch_norm")


@dataclass(frozen=True)
class Activation(Layer):
    """A function applied to every number by itself."""

    title = "Activation"
    description = "Bends every number by a fixed curve; without it a stack of layers could do no more than one."
    prefix = "activation"

    kind: str = field(init=False, default="activation")
    function: str = option("relu", "Function", "The curve that is applied.", choices=ACTIVATIONS)
    negative_slope: float = option(
        0.01,
        "Slope below 0",
        "What numbers below 0 are multiplied by.",
        min=0.0,
        max=1.0,
        needs={"function": ("leaky_relu",)},
    )


@dataclass(frozen=True)
class _Pool(Layer):
    prefix = "pool"

    kernel_size: int = option(2, "Window", "Height and width of the window.", min=1, max=16)
    stride: int = option(2, "Stride", "Pixels from one window to the next.", min=1, max=16)
    padding: int = option(0, "Padding", "Border around the map, at most half a window.", min=0, max=8)


@dataclass(frozen=True)
class MaxPool(_Pool):
    """Max pooling: the largest number of each window."""

    title = "Max pooling"
    description = "Keeps the strongest answer in each window: smaller maps that care less about the exact place."

    kind: str = field(init=False, default="max_pool")


@dataclass(frozen=True)
class AvgPool(_Pool):
    """Average pooling: the mean of each window, zeros of the border included."""

    title = "Average pooling"
    description = "Keeps the mean of each window: smaller and smoother maps."

    kind: str = field(init=False, default="avg_pool")


@dataclass(frozen=True)
class Dropout(Layer):
    """Sets each number to zero with probability `p` while training."""

    title = "Dropout"
    description = "Switches numbers off at random while training, so that the network relies on no single one."
    prefix = "dropout"

    kind: str = field(init=False, default="dropout")
    p: float = option(0.5, "Share dropped", "Probability that a number is switched off.", min=0.0, max=0.95)


@dataclass(frozen=True)
class GlobalAvgPool(Layer):
    """The mean of each whole map: (C, H, W) becomes a vector of C numbers."""

    title = "Global average pooling"
    description = "Turns each map into one number, its mean: few numbers are left for the dense layers."
    prefix = "gap"

    kind: str = field(init=False, default="global_avg_pool")


@dataclass(frozen=True)
class Flatten(Layer):
    """Writes all maps one after another: (C, H, W) becomes a vector of C × H × W numbers."""

    title = "Flatten"
    description = "Writes all maps as one long row of numbers, which is what dense layers take."
    prefix = "flatten"

    kind: str = field(init=False, default="flatten")


@dataclass(frozen=True)
class Dense(Layer):
    """Fully connected layer with a bias."""

    title = "Dense"
    description = "Joins every number to every output by a weight of its own: what was seen becomes a choice."
    prefix = "dense"

    kind: str = field(init=False, default="dense")
    out_features: int = option(128, "Outputs", "How many numbers come out.", min=1, max=8192)


@dataclass(frozen=True)
class Residual(Layer):
    """Two convolutions with batch norm whose result is added to the block's input (He et al. 2015, figure 2)."""

    title = "Residual block"
    description = "Two convolutions that learn what to add to their input; the shortcut lets deep stacks still learn."
    prefix = "residual"

    kind: str = field(init=False, default="residual")
    out_channels: int = option(32, "Filters", "Maps that come out of both convolutions.", min=1, max=1024)
    kernel_size: int = option(3, "Kernel size", "Height and width of each filter.", choices=(1, 3, 5, 7))
    stride: int = option(1, "Stride", "Stride of the first convolution and of the shortcut.", min=1, max=8)


@dataclass(frozen=True)
class Backbone(Layer):
    """The first blocks of a pretrained network, as the first layer of a stack: pixels from 0 to 1 in, maps out.

    Inside, in this order: a grey image becomes three equal channels, the image is resized (bilinear, without
    antialiasing, its proportions kept) until its shorter side is `size`, and the network's own mean is subtracted and
    its deviation divided out. Blocks before `train_from` are frozen: they compute as in evaluation, their batch norm
    statistics stay, and their weights get no update.
    """

    title = "Pretrained backbone"
    description = (
        "The first blocks of a network that learned from 1.28 million photographs: edges, textures and parts of things "
        "need not be learned again."
    )
    prefix = "backbone"
    pixel_values: ClassVar[str] = "unit"  # what it takes, as `TrainConfig.inputs` calls it: 0 to 1

    kind: str = field(init=False, default="backbone")
    network: str = option(
        BUNDLED, "Network", "Whose blocks they are.", choices={name: info.title for name, info in ZOO.items()}
    )
    up_to: int = option(
        0, "Up to block", "The last block that is used, counted from the input.", min=1, max=32, choices={0: "the last"}
    )
    train_from: int = option(
        0,
        "Trains from block",
        "This block and those behind it go on learning; frozen ones stay as they are.",
        min=1,
        max=32,
        choices={0: "none, all frozen"},
    )
    size: int = option(
        224,
        "Picture size",
        "What the shorter side of a picture is resized to before it; the networks learned at 224 pixels.",
        choices={0: "as it is"} | {side: f"{side} pixels" for side in (64, 96, 128, 160, 192, 224)},
    )


LAYERS: dict[str, type[Layer]] = {
    layer().kind: layer
    for layer in (
        Conv,
        BatchNorm,
        Activation,
        MaxPool,
        AvgPool,
        Dropout,
        GlobalAvgPool,
        Flatten,
        Dense,
        Residual,
        Backbone,
    )
}


def describe_layer(layer: Layer) -> str:
    """Say what is particular about a layer in a few words."""
    match layer:
        case Conv():
            padding = "" if layer.padding in ("same", 0) else f", padding {layer.padding}"
            padding = ", no padding" if layer.padding == 0 else padding
            extra = "".join(
                f", {name} {n}" for name in ("stride", "dilation", "groups") if (n := getattr(layer, name)) > 1
            )
            return f"{layer.out_channels:,} filters of {layer.kernel_size}×{layer.kernel_size}{padding}{extra}"
        case Residual():
            extra = f", stride {layer.stride}" if layer.stride > 1 else ""
            return f"{layer.out_channels:,} filters of {layer.kernel_size}×{layer.kernel_size}{extra}"
        case MaxPool() | AvgPool():
            extra = f", padding {layer.padding}" if layer.padding else ""
            return f"{layer.kernel_size}×{layer.kernel_size} window, stride {layer.stride}{extra}"
        case Dropout():
            return f"{layer.p:.0%} switched off"
        case Dense():
            return f"{layer.out_features:,} outputs"
        case Backbone():
            blocks = f" up to block {layer.up_to}" if layer.up_to else ""
            trained = f"trains from block {layer.train_from}" if layer.train_from else "frozen"
            return f"{zoo_info(layer.network).title}{blocks}, {trained}"
    return layer.title
