"""Code in a run's script that loads the images: from a file beside it, or by download."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.data.catalog import DATASETS
from core.exchange.layout import DATA, MB
from core.model.source_listing import listing

if TYPE_CHECKING:
    from torch import Tensor

    from core.data.datasets import Dataset

MAX_DATA_BYTES = 20 * MB  # a larger data set is not copied into every archive of a run
_SOURCES = {"cifar10": "CIFAR10", "mnist": "MNIST", "fashion_mnist": "FashionMNIST"}

_ASK = """
# The images are not part of the archive of the run. ConvScope writes them into a file to be put beside this script:
#   python -m core.exchange images {name} --train-images {limit} {data}
"""

_READ = """
# The images lie beside this script in a safetensors file: the length of a header, the header, the numbers.
content = (here / "{data}").read_bytes()
first = 8 + int.from_bytes(content[:8], "little")
types = {{"U8": np.uint8, "I64": np.int64, "F64": np.float64}}
data = {{}}
for name, entry in json.loads(content[8:first]).items():
    start, end = entry["data_offsets"]
    values = np.frombuffer(content[first + start : first + end], types[entry["dtype"]])
    data[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
MEAN, STD = data["mean"].tolist(), data["std"].tolist()  # of each channel of all training images / 255
train_images = data["train_images"][: TRAIN_IMAGES or None]  # (N, C, H, W) uint8
train_labels = data["train_labels"][: TRAIN_IMAGES or None]  # (N,) int64
valid_images, valid_labels = data["valid_images"], data["valid_labels"]
test_images, test_labels = data["test_images"], data["test_labels"]
"""

_DOWNLOAD = """
{splits}


{statistics}


# The images come from where their makers publish them; the first time they are downloaded.
parts = [torchvision.datasets.{source}(here / "data", train=train, download=True) for train in (True, False)]
images = np.concatenate([np.asarray(part.data) for part in parts])
images = np.ascontiguousarray(images.transpose(0, 3, 1, 2) if images.ndim == 4 else images[:, None])
labels = np.concatenate([np.asarray(part.targets, dtype=np.int64) for part in parts])
train, valid, test = split_indices(labels, {sizes}, official_test=True, seed=0)
MEAN, STD = _statistics(images[train])  # of each channel of all training images / 255
train = train[: TRAIN_IMAGES or None]
train_images, train_labels = torch.from_numpy(images[train]), torch.from_numpy(labels[train])
valid_images, valid_labels = torch.from_numpy(images[valid]), torch.from_numpy(labels[valid])
test_images, test_labels = torch.from_numpy(images[test]), torch.from_numpy(labels[test])
"""


def travels(name: str) -> bool:
    """Whether a data set is part of an archive: it is small and needs no download."""
    info = DATASETS.get(name)
    if info is None or info.download_mb is not None:
        return False
    channels, height, width = info.input_shape
    return info.num_images * channels * height * width <= MAX_DATA_BYTES


def data_section(name: str, train_images: int, *, beside: bool | None = None) -> str:
    """Return the code that sets the images and labels of the splits, and MEAN and STD of the training images.

    Args:
        name: The data set; any name.
        train_images: How many training images are used; 0 for all.
        beside: Whether the file of images goes with the script; by default where the data set is here and small.
    """
    if name in _SOURCES:
        return _DOWNLOAD.format(
            splits=listing("data/splits.py"),
            statistics=listing("data/datasets.py", ("_statistics",)),
            source=_SOURCES[name],
            sizes=DATASETS[name].split_sizes,
        )
    instructions = (
        "" if (travels(name) if beside is None else beside) else _ASK.format(name=name, limit=train_images, data=DATA)
    )
    return instructions + _READ.format(data=DATA)


def images_file(name: str, train_images: int) -> bytes:
    """Return the file that the script reads its images from; raises what `load_dataset` does."""
    from core.data.datasets import load_dataset

    return packed_images(load_dataset(name, limit=train_images or None))


def packed_images(dataset: "Dataset", more: "Mapping[str, Tensor] | None" = None) -> bytes:
    """Return the images of a data set as the file that the script reads, with further tensors that it passes over."""
    import torch
    from safetensors.torch import save

    tensors = {"mean": torch.tensor(dataset.mean, dtype=torch.float64)}
    tensors["std"] = torch.tensor(dataset.std, dtype=torch.float64)
    for split in ("train", "valid", "test"):
        part = dataset.split(split)
        tensors |= {f"{split}_images": part.images, f"{split}_labels": part.labels}
    return save({key: value.contiguous() for key, value in (tensors | dict(more or {})).items()})
