"""A process that trains keeps the memory it has freed, and its threads do not wait spinning."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest

FAULTS = """
import ctypes, json, os, resource
from core.train.process_tuning import tune_process

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.memset.argtypes = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        block = libc.malloc(64 << 20)
        libc.memset(block, 1, 64 << 20)
        libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def spins():
    return os.environ.get("GOMP_SPINCOUNT")

first = faults(), spins()
tune_process()
faults()
print(json.dumps([first, (faults(), spins())]))
"""


def run(**environment: str) -> Iterator[tuple[int, str | None]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GOMP_"))}
    done = subprocess.run([sys.executable, "-c", FAULTS], env=kept | environment, capture_output=True, check=True)
    return ((faults, spins) for faults, spins in json.loads(done.stdout))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the settings are glibc's")
def test_a_large_block_that_was_freed_is_used_again_without_the_kernel_filling_it_with_zeros() -> None:
    before, after = run()
    assert before[0] >= 4 * 32  # each block anew, in pages of 2 MB at most
    assert after[0] < 8
    assert (before[1], after[1]) == (None, "10000")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the settings are glibc's")
def test_what_the_environment_says_is_left_alone() -> None:
    before, after = run(GOMP_SPINCOUNT="7", MALLOC_MMAP_THRESHOLD_="1048576", MALLOC_TRIM_THRESHOLD_="1048576")
    assert after[0] >= 4 * 32
    assert (before[1], after[1]) == ("7", "7")
