"""Thousands of random networks through the whole of the product: `python -m tests.whole 10000`.

Prints each case that fails with its seed, then how many there were of each kind; `--first SEED --count 1` repeats one.
"""

import argparse
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tqdm import tqdm

CHUNK = 50


def walked(first: int, count: int, methods: int, threads: int) -> tuple[Counter[str], list[str]]:
    """Walk some cases; return what was counted, and a text for each that failed."""
    import torch

    from tests.whole.places import places
    from tests.whole.walk import draw, walk

    torch.set_num_threads(threads)
    warnings.simplefilter("ignore")
    counts, failures = Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as folder, places(Path(folder)) as where:
        for seed in range(first, first + count):
            try:
                outcome = walk(draw(seed, where.home, methods=methods), where.store, where.other)
            except Exception as error:
                frames = traceback.extract_tb(error.__traceback__)[-4:]
                place = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
                failures.append(f"seed {seed}: {type(error).__name__}: {str(error)[:300]} ({place})")
            else:
                counts.update(outcome.explained)
                counts["ended by a sentence" if outcome.failure else "trained to its end"] += 1
    return counts, failures


def main() -> int:
    """Do as the command line says and return 1 if a case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.whole", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=10_000, help="how many networks")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--methods", type=int, default=3, help="methods of explanation for each")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    began, counts, failed = time.monotonic(), Counter[str](), 0
    last = arguments.first + arguments.count
    starts = range(arguments.first, last, CHUNK)
    sizes = [min(CHUNK, last - start) for start in starts]
    methods, threads = [arguments.methods] * len(sizes), [arguments.threads] * len(sizes)
    with ProcessPoolExecutor(arguments.processes) as pool, tqdm(total=arguments.count, disable=None) as bar:
        for (found, failures), size in zip(pool.map(walked, starts, sizes, methods, threads), sizes, strict=True):
            counts += found
            failed += len(failures)
            for failure in failures:
                tqdm.write(failure)
            bar.update(size)
    for name, count in counts.most_common():
        print(f"{count:7,} {name}")
    print(f"{arguments.count:,} networks in {time.monotonic() - began:.0f} s: {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
