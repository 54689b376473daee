"""NumPy's .npz and .npy: Keras' MNIST, MedMNIST, Kuzushiji, and Quick, Draw! with one file for each class."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.data.importing.array_sets import NamedArray, join
from core.data.importing.file_roles import role_of
from core.data.importing.labelled_images import BLOCK, MAX_IMAGES, Block, LabelledImages, check_shape
from core.data.importing.picture_archive import Skipped
from core.data.importing.source_files import MAX_WHOLE, SourceFile, exactly, reading, short
from core.errors import DataError

KIND = "NumPy arrays"
_MAGIC = b"\x93NUMPY"
_MAX_LABELS = 64  # values for each image: more are no labels


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


def claims(sources: Sequence[SourceFile]) -> bool:
    """Say whether one of the files is a NumPy array."""
    return any(source.head.startswith(_MAGIC) for source in sources)


def read(sources: Sequence[SourceFile]) -> LabelledImages:
    """Read arrays of images and labels: pairs by their names, or images alone, one file for each class."""
    arrays, skipped = [], list[Skipped]()
    for source in sources:
        if not source.head.startswith(_MAGIC):
            skipped.append(Skipped(source.name, "no NumPy array"))
            continue
        header = _header_of(source)
        named = _named(source, header)
        if named is None:
            skipped.append(Skipped(source.name, f"an array of the shape {header.shape}, neither images nor labels"))
        else:
            arrays.append(named)
    return join(KIND, arrays, class_per_array=True, facts=[("Orientation", "As in the file")], skipped=skipped)


def _read_header(stream: IO[bytes]) -> _Header:
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError("a header of another version")
    read_it = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return _Header(*read_it(stream))


def _header_of(source: SourceFile) -> _Header:
    with reading(source.name), source.opener() as stream:
        header = _read_header(stream)
    if header.dtype.hasobject:
        raise DataError(
            f"{short(source.name)} holds Python objects, which can run anything when they are read: save it as plain "
            "numbers."
        )
    if header.dtype.kind not in "biufSU" or header.dtype.itemsize > 1024 or min(header.shape, default=0) < 1:
        raise DataError(f"{short(source.name)} holds no numbers ({header.dtype.name}, {header.shape}).")
    if source.size is not None and math.prod(header.shape) * header.dtype.itemsize > source.size:
        raise DataError(
            f"{short(source.name)} says it holds {math.prod(header.shape):,} values and has {source.size:,} bytes: "
            "it is incomplete or damaged, so fetch it again."
        )
    return header


def _named(source: SourceFile, header: _Header) -> NamedArray | None:
    """Return an array as images or labels: by its name, and where that says nothing by its axes."""
    kind = role_of(source.name).kind
    axes = header.shape
    flat = len(axes) == 1 or (len(axes) == 2 and axes[1] <= _MAX_LABELS and (kind == "labels" or axes[1] == 1))
    if kind != "images" and flat and axes[0] <= MAX_IMAGES:
        return NamedArray(source.name, axes[:1], labels=lambda: _labels(source, header))
    shape = _image_shape(axes)
    if kind == "labels" or shape is None or header.dtype.kind not in "biuf":
        if kind == "images":
            raise DataError(
                f"{short(source.name)} has the shape {axes}: images are (number, height, width), with 1 or 3 colours "
                "before or after, or rows of pixels of a square."
            )
        return None
    check_shape(short(source.name), axes[0], shape)
    scale, said = _scale(source, header)
    return NamedArray(source.name, (axes[0], *shape), lambda: _images(source, header, shape, scale), said=said)


def _image_shape(axes: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return (C, H, W) of images by the axes of their array, (N, …); None where they are none."""
    if len(axes) == 2:
        for channels in (1, 3):
            side = math.isqrt(axes[1] // channels)
            if side * side * channels == axes[1] and side > 4:
                return (channels, side, side)
    if len(axes) == 3:
        return (1, axes[1], axes[2])
    if len(axes) == 4 and axes[3] in (1, 3):
        return (axes[3], axes[1], axes[2])
    if len(axes) == 4 and axes[1] in (1, 3):
        return (axes[1], axes[2], axes[3])
    return None


def _rows(source: SourceFile, header: _Header) -> Iterator[NDArray[Any]]:
    """Yield the array in blocks of rows."""
    count, each = header.shape[0], math.prod(header.shape[1:]) * header.dtype.itemsize
    with source.opener() as stream:
        _read_header(stream)
        if header.fortran:
            if count * each > MAX_WHOLE:
                raise DataError(f"{short(source.name)} is stored by columns and too large for that: save it by rows.")
            whole = np.frombuffer(exactly(stream, count * each), header.dtype).reshape(header.shape, order="F")
            for first in range(0, count, 1024):
                yield np.ascontiguousarray(whole[first : first + 1024])
            return
        number = max(1, BLOCK // each)
        for first in range(0, count, number):
            rows = min(number, count - first)
            yield np.frombuffer(exactly(stream, rows * each), header.dtype).reshape(rows, *header.shape[1:])


def _scale(source: SourceFile, header: _Header) -> tuple[Callable[[NDArray[Any]], Block], str]:
    """Return what turns values into 0 to 255, and what it does, for a person."""
    if header.dtype == np.uint8:
        return lambda values: values, ""
    if header.dtype.kind == "b":
        return lambda values: values.astype(np.uint8) * np.uint8(255), "False and True became 0 and 255"
    low, high = math.inf, -math.inf
    with reading(source.name):
        for rows in _rows(source, header):
            low, high = min(low, float(rows.min())), max(high, float(rows.max()))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DataError(
            f"Some values of {short(source.name)} are no numbers: pixels are from 0 to 255, or from 0 to 1."
        )
    if low >= 0 and high <= 1 and header.dtype.kind == "f":
        return lambda values: (values * 255).round().astype(np.uint8), "0 to 1 became 0 to 255"
    if low >= 0 and high <= 255:
        return lambda values: values.round().astype(np.uint8), f"0 to 255, stored as {header.dtype.name}"
    if header.dtype.kind == "u" and header.dtype.itemsize == 2:
        return lambda values: (values >> 8).astype(np.uint8), "0 to 65,535 became 0 to 255"
    raise DataError(
        f"{short(source.name)} has values from {low:.6g} to {high:.6g}: pixels are from 0 to 255, or from 0 to 1."
    )


def _images(
    source: SourceFile, header: _Header, shape: tuple[int, int, int], scale: Callable[[NDArray[Any]], Block]
) -> Iterator[Block]:
    last = len(header.shape) == 4 and header.shape[3] == shape[0] and header.shape[3] in (1, 3)
    for rows in _rows(source, header):
        block = scale(rows)
        yield block.transpose(0, 3, 1, 2) if last else block.reshape(len(block), *shape)


def _labels(source: SourceFile, header: _Header) -> NDArray[np.generic]:
    with reading(source.name):
        values: NDArray[Any] = np.concatenate(list(_rows(source, header)))
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 1:
        return values
    if values.dtype.kind in "biuf" and ((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all():
        hot: NDArray[np.generic] = values.argmax(axis=1)
        return hot
    raise DataError(
        f"{short(source.name)} gives each image {values.shape[1]} labels, so that it is of several classes or of "
        "none: a network here learns one class for each image, so choose a data set of that kind."
    )
