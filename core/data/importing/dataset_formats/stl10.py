"""STL-10's binary files: images of 3 planes of 96 × 96 bytes, column by column, and labels from 1 in files beside."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.data.importing.array_sets import NamedArray, join
from core.data.importing.file_roles import role_of
from core.data.importing.labelled_images import BLOCK, Block, LabelledImages, check_shape
from core.data.importing.picture_archive import Skipped
from core.data.importing.source_files import SourceFile, exactly, short

KIND = "STL-10 binary"
_SHAPE = (3, 96, 96)
_RECORD = 3 * 96 * 96
_CLASSES = 10


def _count(source: SourceFile) -> int:
    """Return how many images a file can hold; 0 where it holds none."""
    return source.size // _RECORD if source.size and source.size % _RECORD == 0 else 0


def _labels_of(images: SourceFile, sources: Sequence[SourceFile]) -> SourceFile | None:
    split = role_of(images.name).split
    fitting = [
        source
        for source in sources
        if source.size == _count(images) and all(1 <= value <= _CLASSES for value in source.head)
    ]
    same = [source for source in fitting if role_of(source.name).split == split]
    fitting = same if len(fitting) > 1 else fitting
    return fitting[0] if fitting else None


def claims(sources: Sequence[SourceFile]) -> bool:
    """Say whether there is such a file of images with one of as many labels."""
    return any(_count(source) and _labels_of(source, sources) for source in sources)


def read(sources: Sequence[SourceFile]) -> LabelledImages:
    """Read the images that have labels, and the names of the classes."""
    arrays, skipped, names = [], list[Skipped](), {}
    used = set()
    for source in sources:
        labels = _labels_of(source, sources) if _count(source) else None
        if labels is not None:
            check_shape(short(source.name), _count(source), _SHAPE)
            used.add(labels)
            arrays.append(_array(source, labels))
        elif short(source.name) == "class_names.txt":
            lines = source.read(2**16).decode("utf-8", "replace").split()
            names = dict(enumerate(lines, 1)) if len(lines) == _CLASSES else {}
        elif _count(source):
            skipped.append(Skipped(source.name, "images without labels"))
        elif not all(1 <= value <= _CLASSES for value in source.head):
            skipped.append(Skipped(source.name, "no file of images or labels"))
    facts = [("Orientation", "Stored column by column, turned upright")]
    return join(KIND, arrays, names=names, facts=facts, skipped=skipped)


def _array(source: SourceFile, labels: SourceFile) -> NamedArray:
    count = _count(source)

    def images() -> Iterator[Block]:
        each = BLOCK // _RECORD
        with source.opener() as stream:
            for first in range(0, count, each):
                number = min(each, count - first)
                block = np.frombuffer(exactly(stream, number * _RECORD), np.uint8)
                yield block.reshape(number, *_SHAPE).swapaxes(2, 3)

    def values() -> NDArray[np.generic]:
        return np.frombuffer(labels.read(count), np.uint8)

    return NamedArray(source.name, (count, *_SHAPE), images, values)
