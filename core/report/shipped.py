"""The network on the first page of an app that has trained none: its course and its pictures, ready in `assets/home`.

They are what the button of that page gives: `python -m core.report` trained the very network and drew it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from core.assets import ASSETS
from core.errors import StorageError
from core.report.portrait import ExplainedImage, FilterFrames, Portrait

FOLDER = ASSETS / "home"
ABOUT = "about.json"
Course = tuple[tuple[float, float], ...]  # epochs and the share that is right, 0 to 1


@dataclass(frozen=True)
class Shipped:
    """A network that was trained where the app was made.

    Attributes:
        dataset: Key of `core.data.DATASETS`.
        preset: Key of `core.model.PRESETS`.
        epochs: How many epochs it was trained.
        accuracy: Share of the validation images that it gets right after the last of them.
        images: How many validation images there are.
        train, valid: How accuracy grew on the training and on the validation images.
        portrait: Its pictures.
    """

    dataset: str
    preset: str
    epochs: int
    accuracy: float
    images: int
    train: Course
    valid: Course
    portrait: Portrait


def write(shipped: Shipped, folder: Path = FOLDER) -> None:
    """Write everything into a folder: the words as JSON, each picture as a PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    about: dict[str, Any] = {field.name: getattr(shipped, field.name) for field in fields(shipped)}
    for part in ("filters", "explained"):
        values = asdict(getattr(shipped.portrait, part))
        for name, value in values.items():
            if isinstance(value, bytes):
                values[name] = f"{part}-{name}.png" if name != "png" else f"{part}.png"
                (folder / values[name]).write_bytes(value)
        about[part] = values
    del about["portrait"]
    (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


@cache
def read(folder: Path = FOLDER) -> Shipped:
    """Read what `write` wrote; torch is not needed.

    Raises:
        StorageError: A file is missing or damaged.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        parts = Portrait(
            FilterFrames(**_part(folder, about.pop("filters"))), ExplainedImage(**_part(folder, about.pop("explained")))
        )
        about |= {name: tuple(map(tuple, about[name])) for name in ("train", "valid")}
        return Shipped(**about, portrait=parts)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(
            "The pictures in the folder assets/home of ConvScope cannot be read: copy it again from where ConvScope "
            "came from."
        ) from error


def _part(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    def value(item: Any) -> Any:
        if isinstance(item, str) and item.endswith(".png"):
            return (folder / item).read_bytes()
        return tuple(item) if isinstance(item, Sequence) and not isinstance(item, str) else item

    return {name: value(item) for name, item in values.items()}
