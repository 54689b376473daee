"""Settings of the C libraries below torch, for processes that train and for the server. It does not import torch."""

import ctypes
import gc
import os
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # names of glibc's malloc.h
_LARGEST_BLOCK, _NEVER = 1 << 30, (1 << 31) - 1  # bytes


def tune_process() -> None:
    """Make training steps cheaper for the rest of this process; results stay the same to the bit.

    To be called before torch is imported: OpenMP reads its settings when it is loaded. What is set in the environment
    already is left alone. Two things are changed:

    - Threads of OpenMP wait for each other only shortly before they sleep. On a machine with other work they would
      otherwise spin away the time of those they wait for.
    - glibc keeps freed memory. By default it returns large blocks to the kernel at once, which must fill them with
      zeros, page by page, when the next step asks for the same blocks again: a fifth to a third of a step's time.
      Elsewhere than on glibc nothing is done.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)
    if "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        mallopt(_M_TRIM_THRESHOLD, _NEVER)


def compute_on_one_core() -> None:
    """Have each computation of this process, and of those that it starts, use one core, if nobody has said otherwise.

    For a server, in which many compute small things at once beside those that train. It is to be called before torch
    is imported: `torch.set_num_threads` binds a convolution only in threads that have asked torch something before,
    see `findings/torch_set_num_threads_and_convolutions.sh`. Workers set their number of threads themselves.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def release_memory() -> None:
    """Return what nobody uses any more to the system, when a run has ended and not another step asks for it."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
