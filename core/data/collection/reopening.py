"""A data set of one's own back in boxes, so that its classes and pictures can be sorted anew."""

import io
from typing import TYPE_CHECKING

from core.data.collection.collection import MOST_CLASSES, MOST_OF_CLASS, MOST_PICTURES, Collection
from core.data.dataset_info import DatasetInfo
from core.errors import DataError

if TYPE_CHECKING:
    from core.data.datasets import Dataset


def fits_in_boxes(info: DatasetInfo) -> bool:
    """Say whether a data set is one's own, and small enough for a collection."""
    return info.own and info.num_images <= MOST_PICTURES and len(info.class_names) <= MOST_CLASSES


def reopen(collection: Collection, dataset: "Dataset") -> None:
    """Put all pictures of a data set, as large as they are in it, into an empty collection.

    Args:
        collection: Its classes are replaced by those of the data set.
        dataset: The data set.

    Raises:
        DataError: It has too many classes or pictures, or there is no room for them.
    """
    from PIL import Image

    info = dataset.info
    if not fits_in_boxes(info):
        raise DataError(
            f"Only data sets of one's own with at most {MOST_CLASSES} classes and {MOST_PICTURES:,} pictures, "
            f"{MOST_OF_CLASS:,} of a class, can be sorted anew here."
        )
    collection.clear()
    channels, collection.side, _ = info.input_shape
    collection.colour = channels == 3
    boxes = [collection.add_class(each) for each in dataset.class_names]
    for split in ("train", "valid", "test"):
        images = dataset.split(split)
        for number, (pixels, label) in enumerate(zip(images.images.numpy(), images.labels.tolist(), strict=True)):
            content = io.BytesIO()
            rows = pixels.transpose(1, 2, 0)
            Image.fromarray(rows if channels == 3 else rows[:, :, 0]).save(content, "PNG", compress_level=1)
            collection.add(boxes[label], f"{split} {number + 1}.png", content.getvalue())
