"""MATLAB's .mat files of version 5 to 7: SVHN, whose digit 0 has the label 10, and EMNIST with its mapping."""

import io
import math
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.importing.array_sets import NamedArray, join
from core.data.importing.file_roles import role_of
from core.data.importing.labelled_images import Block, LabelledImages, check_shape
from core.data.importing.source_files import MAX_WHOLE, MB, SourceFile, reading, short
from core.errors import DataError

KIND = "MATLAB"
_START, _START_73 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"
_COMPRESSED = 15
_BLOCK = 1024  # images


def claims(sources: Sequence[SourceFile]) -> bool:
    """Say whether one of the files is MATLAB's."""
    return any(source.head.startswith((_START, _START_73)) for source in sources)


def read(sources: Sequence[SourceFile]) -> LabelledImages:
    """Read matrices of images and labels, also those inside structures.

    The matrices of MATLAB count images last, (H, W, C, N), or one in each row, whose pixels are columns one after the
    other.
    """
    arrays = []
    names: dict[int, str] = {}
    turned = digits = False
    for source in sources:
        if not source.head.startswith((_START, _START_73)):
            continue
        matrices = dict(_matrices(_loaded(source), source.name))
        names |= _mapping(matrices)
        labels = {name: array for name, array in matrices.items() if _is_labels(name, array)}
        for name, array in matrices.items():
            folder = name.rpartition("/")[0]
            beside = [each for each in labels if each.rpartition("/")[0] == folder]
            if name in labels or array.dtype != np.uint8 or len(beside) != 1:
                continue
            values = labels[beside[0]].reshape(-1)
            images = _images(array, len(values))
            if images is None:
                continue
            check_shape(short(source.name), len(images), images.shape[1:])
            turned |= array.ndim == 2
            if not names and images.shape[1:] == (3, 32, 32) and set(np.unique(values).tolist()) == set(range(1, 11)):
                digits, values = True, np.where(values == 10, 0, values)
            arrays.append(_named(name, images, values))
    if not arrays:
        raise DataError(
            "The file holds no matrix of images (bytes from 0 to 255) with one of as many labels beside it."
        )
    facts = [("Orientation", "Rows of columns, turned upright" if turned else "Height, width, colours, images")]
    if digits:
        facts.append(("Digit 0", "Has the label 10 in the file"))
    return join(KIND, arrays, names=names, facts=facts, transposed=turned)


def _named(name: str, images: NDArray[np.uint8], values: NDArray[np.generic]) -> NamedArray:
    def blocks() -> Iterator[Block]:
        return (images[first : first + _BLOCK] for first in range(0, len(images), _BLOCK))

    return NamedArray(name, images.shape, blocks, lambda: values)


def _loaded(source: SourceFile) -> Mapping[str, Any]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if source.head.startswith(_START_73):
        raise DataError(
            f"{short(source.name)} is of MATLAB's version 7.3, which is not read here: save it with the option -v7."
        )
    content = source.read()
    _check_size(source, content)
    try:
        with reading(source.name):
            loaded: Mapping[str, Any] = loadmat(io.BytesIO(content), simplify_cells=True)
            return loaded
    except (MatReadError, TypeError, KeyError, IndexError, NotImplementedError, AttributeError) as error:
        raise DataError(
            f"{short(source.name)} is damaged or incomplete: fetch it again and choose that file."
        ) from error


def _check_size(source: SourceFile, content: bytes) -> None:
    """Raise `DataError` where what is packed in a file says that it is too large, before anything is unpacked."""
    order = "<" if content[126:128] == b"IM" else ">"
    place, total = 128, 0
    with reading(source.name):
        while place + 8 <= len(content):
            kind, size = struct.unpack_from(f"{order}2I", content, place)
            if kind == _COMPRESSED:
                start = zlib.decompressobj().decompress(content[place + 8 : place + 8 + min(size, 4096)], 8)
                total += struct.unpack_from(f"{order}2I", start)[1] if len(start) == 8 else 0
            else:
                total += size
            place += 8 + size
    if total > MAX_WHOLE:
        raise DataError(
            f"{short(source.name)} unpacks to {total / MB:,.0f} MB, and {MAX_WHOLE // MB:,} MB is the most."
        )


def _matrices(value: object, name: str, depth: int = 0) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield all matrices of numbers with their names, those in structures too."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "uif" and value.size:
        yield name, value
    elif isinstance(value, Mapping) and depth < 4:
        for key, inner in value.items():
            if not str(key).startswith("__"):
                yield from _matrices(inner, f"{name}/{key}", depth + 1)


def _is_labels(name: str, array: NDArray[Any]) -> bool:
    return role_of(name).kind == "labels" and array.size == max(array.shape)


def _images(array: NDArray[np.uint8], count: int) -> NDArray[np.uint8] | None:
    """Return the images (N, C, H, W) in a matrix; None where it does not hold `count` of them."""
    shape = array.shape
    if array.ndim == 4 and shape[3] == count and shape[2] in (1, 3):
        return array.transpose(3, 2, 0, 1)
    if array.ndim == 3 and shape[2] == count:
        return array.transpose(2, 0, 1)[:, None]
    if array.ndim == 2 and shape[0] == count and math.isqrt(shape[1]) ** 2 == shape[1]:
        side = math.isqrt(shape[1])
        return array.reshape(count, 1, side, side)
    return None


def _mapping(matrices: Mapping[str, NDArray[Any]]) -> dict[int, str]:
    """Return EMNIST's characters: rows of a label and the codes of its letters."""
    for name, array in matrices.items():
        if name.endswith("/mapping") and array.ndim == 2 and array.shape[1] in (2, 3):
            return {int(row[0]): chr(int(row[1])) for row in array if 0 < int(row[1]) < 0x110000}
    return {}
