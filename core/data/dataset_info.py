"""What is known of a data set before its pixels are read."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import prod
from typing import Any

LARGE_BYTES = 2**30  # pixels of a data set from which on its images stay in their file


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before its pixels are read.

    Attributes:
        name: Key in `DATASETS`, also used in addresses and on the command line.
        title: Name to show.
        summary: One sentence saying what is in it.
        source: Who made it and where it comes from.
        licence: The terms under which its makers let it be used.
        input_shape: Channels, height and width of an image.
        class_names: Names of the classes, in the order of the labels.
        split_sizes: Number of images in train, valid and test.
        official_test: Whether the test images are those that the makers set apart.
        download_mb: What the first use downloads, in MB; `None` where nothing is.
        own: Whether somebody brought it in here.
        centred: Whether its makers scaled each digit to a box and centred it, see `core.data.digit_centring`.
        official_valid: Whether the images just before the test images are those set apart for valid.
        short_title: What it is called in the names of trainings; empty where the title is short enough.
        mean, std: Of each channel of all training images / 255, where that is known without reading them.
    """

    name: str
    title: str
    summary: str
    source: str
    licence: str
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    split_sizes: tuple[int, int, int]
    official_test: bool = False
    download_mb: float | None = None
    own: bool = False
    official_valid: bool = False
    centred: bool = False
    short_title: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    @property
    def num_images(self) -> int:
        """Number of images in all three splits."""
        return sum(self.split_sizes)

    @property
    def stays_in_file(self) -> bool:
        """Whether its images are read from their mapped file when they are looked at, instead of all at once."""
        return self.own and self.num_images * prod(self.input_shape) >= LARGE_BYTES

    def to_json(self) -> str:
        """Return all of it as a JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "DatasetInfo":
        """Return what `to_json` wrote; raises ValueError or TypeError where that is nothing.

        Fields of a later version are passed over.
        """
        values = json.loads(text)
        if not isinstance(values, Mapping):
            raise ValueError("no named fields")
        known = {field.name for field in fields(cls)}
        return cls(**{name: _frozen(value) for name, value in values.items() if name in known})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
