"""CIFAR's binary versions: for each image a byte with its label (two in CIFAR-100), then red, green and blue planes."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.data.importing.array_sets import NamedArray, join
from core.data.importing.labelled_images import BLOCK, Block, LabelledImages, check_shape
from core.data.importing.picture_archive import Skipped
from core.data.importing.source_files import SourceFile, exactly, reading, short
from core.errors import DataError

KIND = "CIFAR binary"
_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
# Label bytes before the pixels, the classes, and the file of their names; of CIFAR-100's bytes, coarse and fine, the
# last counts. (cs.toronto.edu/~kriz/cifar.html)
_VERSIONS = {1: (10, "batches.meta.txt"), 2: (100, "fine_label_names.txt")}
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in (2, 3, 4, 5))


def _version(source: SourceFile) -> int:
    """Return how many label bytes the records of a file have; 0 where it is no such file."""
    for version, (classes, _) in _VERSIONS.items():
        record = version + _PIXELS
        if source.size and source.size % record == 0 and source.head[version - 1] < classes:
            following = source.head[record + version - 1 : record + version]
            if (not following or following[0] < classes) and (version == 1 or source.head[0] < 20):
                return version
    return 0


def _pickled(source: SourceFile) -> bool:
    return source.head.startswith(_PICKLES) and (b"label" in source.head or b"data" in source.head)


def claims(sources: Sequence[SourceFile]) -> bool:
    """Say whether the files are CIFAR's, in any version."""
    return any(_version(source) or _pickled(source) for source in sources)


def read(sources: Sequence[SourceFile]) -> LabelledImages:
    """Read CIFAR-10 or CIFAR-100, with the names of its classes where they are there.

    Raises:
        DataError: They are Python pickles, or damaged.
    """
    versions = {source: _version(source) for source in sources}
    used = set(versions.values()) - {0}
    if not used:
        raise DataError(
            "This is the Python version of CIFAR, pickles that can run anything when they are read: choose the binary "
            "version of the same page (cifar-10-binary.tar.gz or cifar-100-binary.tar.gz)."
        )
    if len(used) > 1:
        raise DataError("Here are files of CIFAR-10 and of CIFAR-100: choose those of one of them.")
    version = used.pop()
    classes, names_file = _VERSIONS[version]
    names: list[str] = []
    skipped, arrays = [], []
    for source in sources:
        if versions[source]:
            arrays.append(_array(source, version, classes))
        elif short(source.name) == names_file:
            names = [
                line.strip() for line in source.read(2**16).decode("utf-8", "replace").splitlines() if line.strip()
            ]
        else:
            skipped.append(Skipped(source.name, "no file of images"))
    if len(names) != classes:
        names = []
    facts = [("Orientation", "Planes of red, green and blue, row by row")]
    if version == 2:
        facts.append(("Label bytes", "Two, of which the second, the fine class, counts"))
    return join(f"{KIND}, CIFAR-{classes}", arrays, names=names, facts=facts, skipped=skipped)


def _array(source: SourceFile, version: int, classes: int) -> NamedArray:
    assert source.size is not None
    record = version + _PIXELS
    count = source.size // record
    check_shape(short(source.name), count, _SHAPE)

    def records() -> Iterator[NDArray[np.uint8]]:
        each = BLOCK // record
        with source.opener() as stream:
            for first in range(0, count, each):
                number = min(each, count - first)
                yield np.frombuffer(exactly(stream, number * record), np.uint8).reshape(number, record)

    def images() -> Iterator[Block]:
        return (rows[:, version:].reshape(-1, *_SHAPE) for rows in records())

    def labels() -> NDArray[np.generic]:
        with reading(source.name):
            values = np.concatenate([rows[:, version - 1].copy() for rows in records()])
        if values.max() >= classes:
            raise DataError(
                f"{short(source.name)} has a label {values.max()}, and CIFAR-{classes} has {classes} classes: it is "
                "damaged or another format."
            )
        return values

    return NamedArray(source.name, (count, *_SHAPE), images, labels)
