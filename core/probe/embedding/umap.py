"""UMAP with progress and cancellation; one at a time, in a thread of its own."""

import errno
import importlib
import importlib.util
import io
import os
import tempfile
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.extras import extra
from core.progress import Progress
from core.settings import cannot_write, settings

Floats = NDArray[np.float32]
PARTS = 1000
_PREPARED_SHARE = 0.2  # of the progress: numba has compiled, which it does once, and the neighbours are found
_PROGRESS_SECONDS = 0.1  # seconds
_THREAD = ThreadPoolExecutor(1, "umap")  # numba's simplest pool of threads ends the process if two use it at once
_BAR: dict[str, Any] = {
    "bar_format": "{n_fmt}/{total_fmt}",
    "ascii": True,
    "leave": False,
    "mininterval": _PROGRESS_SECONDS,
}


class _Cancelled(Exception):
    """Ends UMAP's work once it was cancelled."""


class _Listener(io.StringIO):
    """A file for tqdm that reads its progress ("120/500") and raises once the work is cancelled.

    UMAP has no callbacks: its documented `tqdm_kwds` are the only way to hear how far it is, and to end it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unwanted = threading.Event()
        self.done = 0

    def write(self, text: str) -> int:
        done, _, total = text.strip().partition("/")
        if done.isdigit() and total.isdigit() and int(total):
            self.done = int(PARTS * (_PREPARED_SHARE + (1 - _PREPARED_SHARE) * int(done) / int(total)))
            if self.unwanted.is_set():
                from tqdm.auto import tqdm

                tqdm.get_lock().release()  # tqdm writes with its lock held and lets go only if all goes well
                raise _Cancelled
        return len(text)


def umap_with_progress(
    rows: Floats, *, neighbors: int, seed: int, start: Floats | None, progress: Progress | None
) -> Floats:
    """Return the UMAP of rows (N, D): float32 (N, 2), the same for the same seed.

    Args:
        rows: At least 4.
        neighbors: How many neighbours each row has, fewer than N.
        seed: Of the random numbers.
        start: Where the rows begin, (N, 2); the eigenvectors of their graph if None.
        progress: Called every tenth of a second with parts of `PARTS`; what it raises ends the work.

    Raises:
        MissingPackageError: umap-learn is not installed.
    """
    listener, tell = _Listener(), progress or (lambda done, total: None)
    job = _THREAD.submit(_laid_out, rows, neighbors, seed, start, listener)
    try:
        while True:
            tell(listener.done, PARTS)
            try:
                points = job.result(timeout=_PROGRESS_SECONDS)
                break
            except TimeoutError:
                continue
    except BaseException:
        listener.unwanted.set()
        job.cancel()
        raise
    tell(PARTS, PARTS)
    return points


def _laid_out(rows: Floats, neighbors: int, seed: int, start: Floats | None, listener: _Listener) -> Floats:
    from sklearn.neighbors import NearestNeighbors

    with extra("umap"):
        place_numba_cache()
        _import_uncompiled("pynndescent")
        from umap import UMAP  # type: ignore[import-untyped]  # this late: it takes seconds

    warnings.filterwarnings("ignore", r"precomputed_knn\[2\]")  # no row is added to the map later
    distances, indices = NearestNeighbors(n_neighbors=neighbors).fit(rows).kneighbors(rows)
    distances[indices == np.arange(len(rows))[:, None]] = 0  # of a row to itself, but for rounding
    model = UMAP(
        n_neighbors=neighbors,
        precomputed_knn=(indices, distances.astype(np.float32)),
        n_jobs=1,
        random_state=seed,
        init="spectral" if start is None else start,
        tqdm_kwds={"disable": False, "file": listener, **_BAR},
    )
    points: Floats = model.fit_transform(rows)
    return points


def _import_uncompiled(package: str) -> None:
    """Import a package without letting numba compile it, and leave numba as it was.

    umap-learn imports pynndescent, which compiles itself as it is imported: half of the seconds of the first UMAP. It
    is not needed where the nearest neighbours are given.
    """
    config: Any = importlib.import_module("numba").config
    before, config.DISABLE_JIT = config.DISABLE_JIT, True
    try:
        importlib.import_module(package)
    finally:
        config.DISABLE_JIT = before


def place_numba_cache() -> None:
    """Place numba's cache in the data directory where the folder of its packages is read-only, as in containers.

    It has to be called before numba is imported, which ends with a `RuntimeError` where there is no place. Nothing
    changes where `NUMBA_CACHE_DIR` names one.

    Raises:
        StorageError: The data directory cannot be written either.
    """
    spec = importlib.util.find_spec("umap")
    if os.environ.get("NUMBA_CACHE_DIR") or spec is None or spec.origin is None:
        return
    if not _writable(Path(spec.origin).parent / "__pycache__"):
        folder = settings().folder("numba")
        if not _writable(folder):
            raise cannot_write(PermissionError(errno.EACCES, "Permission denied", str(folder)))
        os.environ["NUMBA_CACHE_DIR"] = str(folder)


def _writable(folder: Path) -> bool:
    """Whether a file can be written there, tried as numba does; permissions do not show read-only disks."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
