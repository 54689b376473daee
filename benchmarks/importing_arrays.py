"""Cost of bringing in 60,000 images as IDX or Parquet, beside reading the same files with NumPy or PyArrow.

`python -m benchmarks.importing_arrays [images] [rounds]` takes turns on files that it makes first: the whole import,
from the files to the data set on the disk with its statistics and the search for images that stand twice; and the least
that somebody does by hand, reading the files, decoding what is a picture (Pillow, one process), and saving one array.
IDX comes raw and gzipped, Parquet holds PNG files as the library `datasets` writes them.
"""

import gzip
import io
import os
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from benchmarks.table import print_table
from core.data.importing.importer import bring_in, understood, usual_look

SIDE = 28


def make_files(folder: Path, number: int) -> dict[str, list[Path]]:
    """Write smooth grey images with labels 0 to 9 in each of the formats, and return the files of each."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (number, 7, 7), dtype=np.uint8)
    images = coarse.repeat(4, axis=1).repeat(4, axis=2) * (rng.random((number, SIDE, SIDE)) < 0.3)
    labels = rng.integers(0, 10, number).astype(np.uint8)
    idx = [_idx(images), _idx(labels)]
    files: dict[str, list[Path]] = {"IDX": [], "IDX.gz": [], "Parquet": []}
    for name, content in zip(("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), idx, strict=True):
        files["IDX"].append(folder / name)
        files["IDX.gz"].append(folder / f"{name}.gz")
        files["IDX"][-1].write_bytes(content)
        files["IDX.gz"][-1].write_bytes(gzip.compress(content))
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    column = pa.array([{"bytes": _png(image), "path": None} for image in images], kind)
    files["Parquet"].append(folder / "train-00000-of-00001.parquet")
    pq.write_table(pa.table({"image": column, "label": pa.array(labels.astype(np.int64))}), files["Parquet"][0])
    return files


def _idx(array: NDArray[np.uint8]) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def _png(image: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def by_hand(kind: str, files: list[Path], folder: Path) -> float:
    """Return the seconds of reading files and saving one array."""
    began = time.perf_counter()
    if kind == "Parquet":
        table = pq.read_table(files[0])
        pictures = table["image"].combine_chunks().field("bytes")
        images = np.stack([np.asarray(Image.open(io.BytesIO(each.as_buffer()))) for each in pictures])
    else:
        content = files[0].read_bytes()
        content = gzip.decompress(content) if kind == "IDX.gz" else content
        images = np.frombuffer(content, np.uint8, offset=16).reshape(-1, SIDE, SIDE)
    np.save(folder / "images.npy", images)
    return time.perf_counter() - began


def whole(files: list[Path]) -> float:
    """Return the seconds of the import into an empty data directory."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = home
        given = [(file.name, file) for file in files]
        began = time.perf_counter()
        contents = understood(given)
        look = usual_look(contents)
        if contents.facts[0][1] == "Parquet":
            look = type(look)(SIDE, colour=False)
        bring_in(given, "Measured", look=look, contents=contents)
        return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 60_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every = make_files(folder, number)
        runs: dict[str, Callable[[str, list[Path]], float]] = {
            "by hand": lambda kind, files: by_hand(kind, files, folder),
            "import": lambda kind, files: whole(files),
        }
        for kind, files in every.items():
            samples: dict[str, list[float]] = {run: [] for run in runs}
            for turn in range(rounds + 1):
                for run, measure in runs.items():
                    seconds = measure(kind, files)
                    if turn:  # the first loads libraries
                        samples[run].append(seconds)
            print_table(f"{number:,} images as {kind}", "s", samples, against="by hand")


if __name__ == "__main__":
    main()
