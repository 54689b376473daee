"""HDF5 files from outside: their plain arrays and texts, and nothing that leads elsewhere or unpacks without end.

The library that reads them is written in C and was made for files that are trusted, so `read` lets another process do
it: whatever a file does to that one, the app goes on.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from core.errors import MissingPackageError
from core.exchange.foreign.network import LIMITS, MB, Array, ForeignError, Limits, shown
from core.extras import why_missing
from core.leftovers import EXPORT, unfinished
from core.settings import absolute_environment

SIGNATURE = b"\x89HDF\r\n\x1a\n"
PATIENCE = 60.0  # seconds for one file
MAX_DEPTH = 24
MAX_RATIO = 250  # how many times larger than packed an array may be; those below 1 MB may be anything
TEXTS = ("model_config", "keras_version", "layer_names", "weight_names", "name")  # the attributes that are read
PASSED_OVER = ("optimizer", "optimizer_weights")  # at the top: of a training that does not go on here
_FILTERS = (1, 2, 3)  # deflate, shuffle and checksum, which are part of the library itself
_DAMAGED = "The file is no HDF5 file, or it is damaged: save the network again."
ROOT = Path(__file__).resolve().parents[3]
CONTENT, WEIGHTS, REFUSED = "content.json", "arrays.safetensors", "refused.txt"


@dataclass(frozen=True, eq=False)
class Hdf5Content:
    """What an HDF5 file holds.

    Attributes:
        texts: Attributes of groups that are text, or lists of texts: by the group's path, then by name.
        arrays: Arrays of floating-point numbers by their path, float32, in the order of the file.
    """

    texts: dict[str, dict[str, Any]]
    arrays: dict[str, Array]


def read(data: bytes, limits: Limits = LIMITS) -> Hdf5Content:
    """Read an HDF5 file in a process of its own.

    Raises:
        ForeignError: It is damaged, too large, refers to something outside, or brought that process down.
        MissingPackageError: h5py is not installed.
    """
    if reason := why_missing("h5py"):
        raise MissingPackageError(reason)
    if len(data) > limits.file:
        raise ForeignError(f"The file has {len(data) / MB:,.0f} MB, and the limit is {limits.file / MB:,.0f} MB.")
    if not data.startswith(SIGNATURE):
        raise ForeignError(_DAMAGED)
    with unfinished(EXPORT) as folder:
        (folder / "file.h5").write_bytes(data)
        command = [sys.executable, "-m", "core.exchange.foreign.hdf5_worker", str(folder / "file.h5"), str(folder)]
        try:
            ended = subprocess.run(
                command,
                cwd=ROOT,
                env=absolute_environment() | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ForeignError("Reading the file takes too long: it is no network, or it was made to do so.") from error
        if (folder / REFUSED).exists():
            raise ForeignError((folder / REFUSED).read_text(encoding="utf-8"))
        if ended.returncode:
            raise ForeignError("The file brought the process down that read it: save the network again.")
        content = json.loads((folder / CONTENT).read_text(encoding="utf-8"))
        arrays = load_file(folder / WEIGHTS)
        return Hdf5Content(content["texts"], {path: arrays[str(place)] for place, path in enumerate(content["paths"])})


def read_here(path: Path, limits: Limits = LIMITS) -> Hdf5Content:
    """Read an HDF5 file in this process; raises `ForeignError` as `read` does."""
    import h5py

    texts: dict[str, dict[str, Any]] = {}
    arrays: dict[str, Array] = {}
    room = limits.numbers
    try:
        with h5py.File(path, "r") as file:
            for name, item in _walk(file, limits):
                if isinstance(item, h5py.Group):
                    if attributes := _texts(item, limits):
                        texts[name] = attributes
                elif item.dtype.kind == "f":
                    room -= 4 * _checked_size(name, item, limits)
                    if room < 0:
                        raise ForeignError(f"The weights take more than the {limits.numbers / MB:,.0f} MB allowed.")
                    arrays[name] = np.asarray(item[()], np.float32)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, MemoryError, OverflowError) as error:
        raise ForeignError(_DAMAGED) from error
    return Hdf5Content(texts, arrays)


def _walk(file: Any, limits: Limits) -> Iterator[tuple[str, Any]]:
    """Yield groups and arrays with their paths, each once, following nothing but what lies in the file itself."""
    import h5py

    waiting, seen = [("", file)], {_address(file)}
    while waiting:
        path, group = waiting.pop()
        yield path, group
        names = list(_names(group, limits.arrays + 1))
        if len(seen) + len(names) > limits.arrays:
            raise ForeignError(f"The file holds more than {limits.arrays:,} arrays, more than any network has.")
        below = []
        for name in names:
            if not path and name in PASSED_OVER:
                continue
            place = f"{path}/{name}".lstrip("/")
            if type(group.get(name, getlink=True)) is not h5py.HardLink:
                raise ForeignError(f"{shown(place)} is a link to somewhere else, which is not followed.")
            item = group[name]
            if not isinstance(item, h5py.Group | h5py.Dataset):
                raise ForeignError(f"{shown(place)} is neither a group nor an array.")
            if _address(item) in seen or place.count("/") > MAX_DEPTH:
                raise ForeignError(f"{shown(place)} leads back to what was already there.")
            seen.add(_address(item))
            if isinstance(item, h5py.Group):
                below.append((place, item))
            else:
                yield place, item
        waiting += reversed(below)


def _names(group: Any, most: int) -> Iterator[str]:
    for count, name in enumerate(group):
        if count >= most:
            return
        yield name


def _address(item: Any) -> tuple[int, bytes]:
    import h5py

    about = h5py.h5o.get_info(item.id)
    return about.fileno, bytes(str(about.addr), "ascii")


def _checked_size(name: str, item: Any, limits: Limits) -> int:
    """Return how many numbers an array has; raises `ForeignError` where it is not plainly in the file."""
    if item.is_virtual or item.external:
        raise ForeignError(f"{shown(name)} lies in another file, which is not opened.")
    settings = item.id.get_create_plist()
    if any(settings.get_filter(place)[0] not in _FILTERS for place in range(settings.get_nfilters())):
        raise ForeignError(f"{shown(name)} is packed in a way that networks never are.")
    size = int(item.size or 0)
    numbers = size * max(4, item.dtype.itemsize)
    if numbers > limits.numbers:
        raise ForeignError(f"{shown(name)} takes more than the {limits.numbers / MB:,.0f} MB allowed.")
    if numbers > MB and numbers > MAX_RATIO * item.id.get_storage_size():
        raise ForeignError(f"{shown(name)} would unpack to far more than it seems to hold.")
    return size


def _texts(group: Any, limits: Limits) -> dict[str, Any]:
    """Return those attributes of a group that are texts or lists of texts."""
    import h5py

    texts: dict[str, Any] = {}
    for name in TEXTS:
        if name not in group.attrs:
            continue
        about = h5py.h5a.open(group.id, name.encode())
        count = int(np.prod(about.shape, dtype=np.float64)) if about.shape else 1
        kind = about.dtype.kind
        if count > limits.arrays or kind not in "OS" or (kind == "O" and h5py.check_string_dtype(about.dtype) is None):
            if count:
                raise ForeignError(f"The note {name} of the file is no text.")
            continue
        if count * about.dtype.itemsize > limits.text:
            raise ForeignError(f"The note {name} of the file is too long.")
        value = group.attrs[name]
        words = [_text(each) for each in (value if about.shape else [value])]
        if sum(map(len, words)) > limits.text:
            raise ForeignError(f"The note {name} of the file is too long.")
        texts[name] = words if about.shape else words[0]
    return texts


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
