"""Cost of bringing in a zip of pictures, beside decoding the same files with Pillow and nothing else.

`python -m benchmarks.importing ARCHIVE.zip [rounds]` takes turns: the whole import, from the archive to the data set
on the disk, processes started and near-duplicates found; two processes that read the files with `zipfile` and decode
them with Pillow to arrays; two that only call `Image.open(...).load()` on files read into memory beforehand. Prints the
memory at most used, too, by this process and by one that decodes; imports come first, so that the latter is theirs.
"""

import os
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.table import print_table
from core.data.importing.decoder_worker import ImageFormat
from core.data.importing.importer import bring_in

CORES, FROM_ZIP = 2, "Pillow, from the zip to arrays"


def read_and_decode(archive: Path, part: int, start: float) -> float:
    """Read every other file of the archive, decode it to an array, and return the seconds it took."""
    time.sleep(max(0.0, start - time.time()))
    began = time.perf_counter()
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist()[part::CORES]:
            if not entry.is_dir():
                np.asarray(Image.open(BytesIO(file.read(entry))).convert("RGB"))
    return time.perf_counter() - began


def decode(archive: Path, part: int, start: float) -> float:
    """Only decode every other file of the archive, and return the seconds it took."""
    with zipfile.ZipFile(archive) as file:
        contents = [file.read(entry) for entry in file.infolist()[part::CORES] if not entry.is_dir()]
    time.sleep(max(0.0, start - time.time()))
    began = time.perf_counter()
    for content in contents:
        Image.open(BytesIO(content)).load()
    return time.perf_counter() - began


def bare(archive: Path, work: Callable[[Path, int, float], float]) -> float:
    """Return the seconds that the slower of two processes needs for its half; both begin at the same moment."""
    with ProcessPoolExecutor(CORES) as pool:
        return max(pool.map(work, [archive] * CORES, range(CORES), [time.time() + 8] * CORES))


def whole(archive: Path) -> float:
    """Return the seconds of the import into an empty data directory."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = home
        began = time.perf_counter()
        bring_in(archive, "Measured", look=ImageFormat(32), progress=lambda done, total: None)
        return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    archive, rounds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    samples: dict[str, list[float]] = {FROM_ZIP: [], "Pillow alone, from memory": [], "import": []}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = 0
    largest = 0
    for turn in range(rounds):
        samples["import"].append(whole(archive))
        if not turn:
            largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        peak = max(peak, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        samples[FROM_ZIP].append(bare(archive, read_and_decode))
        samples["Pillow alone, from memory"].append(bare(archive, decode))
    print_table("Importing a zip of pictures", "s", samples, against=FROM_ZIP)
    print(f"memory of this process: at most {peak / 1024:.0f} MB, {(peak - before) / 1024:.0f} MB more than before")
    print(f"memory of a process that decodes: at most {largest / 1024:.0f} MB")


if __name__ == "__main__":
    main()
