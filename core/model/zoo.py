"""Every pretrained network that ConvScope knows, described without loading any of it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.assets import read_asset
from core.download import Download
from core.errors import ZooError
from core.settings import data_directory

IMAGENET = "imagenet"  # what all of them were trained on: 1.28 million photographs of 1,000 classes
FOLDER = "zoo"  # in the data directory
_CLASSES = "efficientnet_lite0/classes-ee4fa67b.txt", "ee4fa67b"  # the file and the beginning of its checksum
BUNDLED = "efficientnet_lite0"  # comes with the app: its weights need no download
PLACE = "https://download.pytorch.org/models/"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's own pixels, which most networks subtract
FETCH = "choose that network on the page Classify, which downloads them."
_BSD = "BSD 3-Clause (code); ImageNet's terms allow research and teaching (weights)"


@dataclass(frozen=True)
class ZooInfo:
    """What is known of a pretrained network before its weights are read.

    Attributes:
        name: Key in `ZOO`, also used in addresses and on the command line; torchvision's name of it.
        title: Name to show.
        summary: One sentence saying what it is known for.
        source: Who made it.
        licence: The terms under which its makers let it be used.
        accuracy: How many of ImageNet's validation images it names right, in per cent, as its makers say.
        parameters: How many trained numbers it has, in millions.
        file: The file of its weights, whose name ends with the beginning of its SHA-256; below `assets` where it
            comes along, else at `PLACE`.
        download_mb: What the first use downloads, in MB; `None` where nothing is.
        mean, std: Per channel of images/255, what the network expects to be subtracted and divided by.
        input_shape: Channels, height and width of an image.
    """

    name: str
    title: str
    summary: str
    source: str
    licence: str
    accuracy: float
    parameters: float
    file: str
    download_mb: float | None
    mean: tuple[float, float, float] = _MEAN
    std: tuple[float, float, float] = _STD
    input_shape: tuple[int, int, int] = (3, 224, 224)

    @property
    def sha256(self) -> str:
        """The first hexadecimal digits of the checksum of its weights."""
        suffix = re.search(r"-([0-9a-f]{8,})\.\w+$", self.file)
        assert suffix is not None
        return suffix[1]

    @property
    def download(self) -> Download | None:
        """Where its weights are fetched from; `None` where they are here already."""
        if self.download_mb is None:
            return None
        return Download((PLACE + self.file,), "", round(1e6 * self.download_mb), self.sha256)

    @property
    def path(self) -> Path:
        """Where its weights are kept once they were downloaded."""
        return data_directory() / FOLDER / f"{Path(self.file).stem}.safetensors"

    @property
    def is_here(self) -> bool:
        """Whether its weights are on this computer, so that loading it downloads nothing."""
        return self.download_mb is None or self.path.is_file()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of its classes, in the order of its outputs; raises `StorageError` if their file is missing."""
        return imagenet_classes()


@lru_cache(maxsize=1)
def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's 1,000 classes; raises `StorageError` if their file is missing or damaged.

    They are torchvision's, kept in a file: importing it takes seconds, most of them for torch's compiler.
    """
    return tuple(read_asset(*_CLASSES).decode().splitlines())


def zoo_info(name: str) -> ZooInfo:
    """Return an entry of `ZOO`; raises `ZooError` if there is none of this name."""
    if name not in ZOO:
        raise ZooError(f"There is no pretrained network named {name[:40]!r}: choose one of {', '.join(ZOO)}.")
    return ZOO[name]


def _torchvision(
    name: str, title: str, source: str, summary: str, accuracy: float, parameters: float, file: str, megabytes: float
) -> ZooInfo:
    return ZooInfo(name, title, summary, source, _BSD, accuracy, parameters, file, megabytes)


_ALL = (
    ZooInfo(
        name="efficientnet_lite0",
        title="EfficientNet-Lite0",
        summary="Made for telephones: plain convolutions and ReLU6 in inverted residual blocks, small and quick.",
        source="Google (2020), after Tan and Le (2019), arXiv:1905.11946; in PyTorch by ML Illustrated",
        licence="Apache 2.0",
        accuracy=75.1,
        parameters=4.7,
        file="efficientnet_lite0/weights-773f1530.safetensors",
        download_mb=None,
        mean=(127 / 255,) * 3,  # its makers' (pixel − 127) / 128
        std=(128 / 255,) * 3,
    ),
    _torchvision(
        "resnet18",
        "ResNet-18",
        "He, Zhang, Ren and Sun (2015), arXiv:1512.03385",
        "Shortcuts around every two convolutions let deep stacks learn: the workhorse of a decade.",
        *(69.8, 11.7, "resnet18-f37072fd.pth", 46.8),
    ),
    _torchvision(
        "resnet50",
        "ResNet-50",
        "He, Zhang, Ren and Sun (2015), arXiv:1512.03385",
        "The same idea with blocks of three convolutions that narrow in the middle; trained with today's recipe.",
        *(80.9, 25.6, "resnet50-11ad3fa6.pth", 102.5),
    ),
    _torchvision(
        "alexnet",
        "AlexNet",
        "Krizhevsky (2014), arXiv:1404.5997",
        "The network that started it: large first filters, three dense layers with most of its weights.",
        *(56.5, 61.1, "alexnet-owt-7be5be79.pth", 244.4),
    ),
    _torchvision(
        "vgg11",
        "VGG-11",
        "Simonyan and Zisserman (2014), arXiv:1409.1556",
        "Nothing but 3 × 3 convolutions and pooling, one after the other: the easiest to look through.",
        *(69.0, 132.9, "vgg11-8a719046.pth", 531.5),
    ),
    _torchvision(
        "squeezenet1_1",
        "SqueezeNet 1.1",
        "Iandola et al. (2016), arXiv:1602.07360",
        "Squeezes channels before it widens them: AlexNet's accuracy with a fiftieth of its weights.",
        *(58.2, 1.2, "squeezenet1_1-b8a52dc0.pth", 5.0),
    ),
    _torchvision(
        "densenet121",
        "DenseNet-121",
        "Huang, Liu, van der Maaten and Weinberger (2016), arXiv:1608.06993",
        "Every layer of a block sees the maps of all layers before it.",
        *(74.4, 8.0, "densenet121-a639ec97.pth", 32.3),
    ),
    _torchvision(
        "mobilenet_v2",
        "MobileNet V2",
        "Sandler et al. (2018), arXiv:1801.04381",
        "Inverted residual blocks: wide inside, one filter for each map, narrow where they are joined.",
        *(72.2, 3.5, "mobilenet_v2-7ebf99e0.pth", 14.3),
    ),
    _torchvision(
        "mobilenet_v3_small",
        "MobileNet V3 small",
        "Howard et al. (2019), arXiv:1905.02244",
        "Found by a search for what is quick on telephones; gates weigh its maps by the whole picture.",
        *(67.7, 2.5, "mobilenet_v3_small-047dcff4.pth", 10.3),
    ),
    _torchvision(
        "shufflenet_v2_x1_0",
        "ShuffleNet V2",
        "Ma, Zhang, Zheng and Sun (2018), arXiv:1807.11164",
        "Half the maps go around each block, and the two halves are shuffled after it.",
        *(69.4, 2.3, "shufflenetv2_x1-5666bf0f80.pth", 9.2),
    ),
    _torchvision(
        "efficientnet_b0",
        "EfficientNet-B0",
        "Tan and Le (2019), arXiv:1905.11946",
        "The bigger sister of the one that comes with the app, with gates and a smoother activation.",
        *(77.7, 5.3, "efficientnet_b0_rwightman-7f5810bc.pth", 21.4),
    ),
    _torchvision(
        "convnext_tiny",
        "ConvNeXt-T",
        "Liu et al. (2022), arXiv:2201.03545",
        "A convolutional network built with what transformers taught: 7 × 7 filters, one for each map, and GELU.",
        *(82.5, 28.6, "convnext_tiny-983f1562.pth", 114.4),
    ),
)

ZOO: dict[str, ZooInfo] = {info.name: info for info in _ALL}
