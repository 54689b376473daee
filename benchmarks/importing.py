"""Cost of bringing in a zip of pictures, beside decoding the same files with Pillow and nothing else.

`python -m benchmarks.importing ARCHIVE.zip [rounds]` takes turns: two processes decode all files of the archive, read
into memory beforehand, with `Image.open(...).load()`, and the slower one counts; then the whole import, from the
archive to the data set on the disk, processes started and near-duplicates found. Prints the memory at most used, too.
"""

import os
import resource
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import Image

from benchmarks.table import print_table
from core.data.decoding import Look
from core.data.folder import bring_in

CORES = 2


def decode(archive: Path, part: int, start: float) -> float:
    """Decode every other file of the archive and return the seconds it took; both begin at the same moment."""
    with zipfile.ZipFile(archive) as file:
        contents = [file.read(entry) for entry in file.infolist()[part::CORES] if not entry.is_dir()]
    time.sleep(max(0.0, start - time.time()))
    began = time.perf_counter()
    for content in contents:
        Image.open(BytesIO(content)).load()
    return time.perf_counter() - began


def bare(archive: Path) -> float:
    """Return the seconds that the slower of two processes needs for its half."""
    with ProcessPoolExecutor(CORES) as pool:
        start = time.time() + 15
        return max(pool.map(decode, [archive] * CORES, range(CORES), [start] * CORES))


def whole(archive: Path) -> float:
    """Return the seconds of the import into an empty data directory."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = home
        began = time.perf_counter()
        bring_in(archive, "Measured", look=Look(32), progress=lambda done, total: None)
        return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    archive, rounds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    samples: dict[str, list[float]] = {"Pillow, two processes": [], "import": []}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = 0
    for _ in range(rounds):
        samples["import"].append(whole(archive))
        peak = max(peak, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        samples["Pillow, two processes"].append(bare(archive))
    print_table("Importing a zip of pictures", "s", samples, against="Pillow, two processes")
    print(f"memory of this process: at most {peak / 1024:.0f} MB, {(peak - before) / 1024:.0f} MB more than before")


if __name__ == "__main__":
    main()
