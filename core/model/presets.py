"""Well-known networks to start from, fitted to any image size."""

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import SpecError
from core.model import layers as kinds
from core.model.spec import ModelSpec

Layers = tuple[kinds.Layer, ...]
TRANSFER = "transfer"


@dataclass(frozen=True)
class Preset:
    """A network to start from; `layers` takes the shorter side of an image and the number of classes."""

    name: str
    title: str
    summary: str
    source: str
    layers: Callable[[int, int], Layers]


def preset(name: str, input_shape: tuple[int, int, int], num_classes: int) -> ModelSpec:
    """Return a well-known network for images of shape (C, H, W); on small images it pools less often.

    Raises:
        SpecError: There is no preset of this name, or the shape or number of classes is out of range.
    """
    if name not in PRESETS:
        raise SpecError(f"There is no preset {name[:40]!r}: choose one of {', '.join(PRESETS)}.")
    empty = ModelSpec(PRESETS[name].title, input_shape, num_classes, ())
    layers = PRESETS[name].layers(min(empty.input_shape[1:]), num_classes)
    return ModelSpec(PRESETS[name].title, input_shape, num_classes, layers)


def preset_of(spec: ModelSpec) -> str:
    """Return the key of the preset that a network is, its name included; nothing if it is none."""
    return next((key for key in PRESETS if preset(key, spec.input_shape, spec.num_classes) == spec), "")


def _tutorial(side: int, num_classes: int) -> Layers:
    layers: list[kinds.Layer] = []
    for filters in (32, 64, 128):
        layers += [kinds.Conv(filters), kinds.Activation()]
        if side >= 2:
            layers.append(kinds.MaxPool())
            side //= 2
    return *layers, kinds.Flatten(), kinds.Dense(512), kinds.Activation(), kinds.Dense(num_classes)


def _lenet5(side: int, num_classes: int) -> Layers:
    layers: list[kinds.Layer] = []
    for filters, enough in ((6, 32), (16, 10)):
        # LeCun's 28×28 digits stood in a border of 2 pixels; with less than 10 pixels nothing would be left
        padding = 0 if side >= enough else 2
        side = side + 2 * padding - 4
        layers += [kinds.Conv(filters, kernel_size=5, padding=padding), kinds.Activation("tanh")]
        if side >= 2:
            layers.append(kinds.AvgPool())
            side //= 2
    dense = (
        kinds.Dense(120),
        kinds.Activation("tanh"),
        kinds.Dense(84),
        kinds.Activation("tanh"),
        kinds.Dense(num_classes),
    )
    return *layers, kinds.Flatten(), *dense


def _tiny_vgg(side: int, num_classes: int) -> Layers:
    padding = 0 if side >= 28 else 1
    layers: list[kinds.Layer] = []
    for _ in range(2):
        layers += 2 * [kinds.Conv(10, padding=padding), kinds.Activation()]
        side += 4 * padding - 4
        if side >= 2:
            layers.append(kinds.MaxPool())
            side //= 2
    return *layers, kinds.Flatten(), kinds.Dense(num_classes)


def _nin(side: int, num_classes: int) -> Layers:
    def block(filters: tuple[int, int, int], kernel_size: int) -> Layers:
        kernels = (kernel_size, 1, 1)
        return tuple(
            layer
            for count, kernel in zip(filters, kernels, strict=True)
            for layer in (kinds.Conv(count, kernel), kinds.Activation())
        )

    pool = (kinds.MaxPool(3, 2, 1), kinds.Dropout(0.2))
    first, second, last = block((48, 32, 24), 5), block((48, 48, 48), 5), block((48, 48, num_classes), 3)
    return *first, *pool, *second, *pool, *last[:-1], kinds.GlobalAvgPool()


def _resnet(side: int, num_classes: int) -> Layers:
    stem = kinds.Conv(16), kinds.BatchNorm(), kinds.Activation()
    return (
        *stem,
        kinds.Residual(16),
        kinds.Residual(32, stride=2),
        kinds.Residual(64, stride=2),
        kinds.GlobalAvgPool(),
        kinds.Dense(num_classes),
    )


def _transfer(side: int, num_classes: int) -> Layers:
    size = 224 if side >= 64 else 128  # small pictures gain little by being enlarged further, which costs much
    return kinds.Backbone(size=size), kinds.GlobalAvgPool(), kinds.Dense(num_classes)


PRESETS: dict[str, Preset] = {
    item.name: item
    for item in (
        Preset(
            "tutorial",
            "Tutorial",
            "Three convolutions of 32, 64 and 128 filters, each halved by max pooling, then two dense layers.",
            "The CIFAR-10 network of the tutorial that ConvScope brings to life.",
            _tutorial,
        ),
        Preset(
            "lenet5",
            "LeNet-5",
            "The network that read handwritten cheques in the 1990s: average pooling and tanh, 60,000 weights.",
            "LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to document recognition.",
            _lenet5,
        ),
        Preset(
            "tiny_vgg",
            "Tiny VGG",
            "Two blocks of two 3×3 convolutions with 10 filters: small enough to draw every map.",
            "Wang et al. 2020, CNN Explainer; after Simonyan and Zisserman 2014, VGG.",
            _tiny_vgg,
        ),
        Preset(
            "nin",
            "Network in network",
            "1×1 convolutions between the larger ones, and global average pooling in place of dense layers.",
            "Lin, Chen and Yan 2013, Network in network, with fewer filters and less dropout.",
            _nin,
        ),
        Preset(
            "resnet",
            "Small ResNet",
            "Shortcuts around pairs of convolutions, so that depth does not stop a network from learning.",
            "He, Zhang, Ren and Sun 2015, Deep residual learning for image recognition, with one block per stage.",
            _resnet,
        ),
        Preset(
            TRANSFER,
            "Transfer: EfficientNet-Lite0 + dense head",
            "For colour photographs, even a few: a pretrained network stays as it is, a dense layer learns.",
            "Yosinski et al. 2014, How transferable are features; the network: Google 2020, after Tan and Le 2019.",
            _transfer,
        ),
    )
}
