"""UMAP, told how far it is and free to be cancelled; one at a time, because its compiler's threads are not shared."""

import io
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int, int], None]
PARTS = 1000
_COMPILED = 0.2  # of the progress: numba compiles the first time, the neighbours are found each time
_TURN = threading.Lock()  # two at once make numba's simplest thread pool end the process


def told_umap(
    rows: NDArray[np.float32],
    *,
    neighbors: int,
    seed: int,
    start: NDArray[np.float32] | None,
    progress: Progress | None,
) -> NDArray[np.float32]:
    """Lay rows (N, D) out in the plane by umap-learn: float32 (N, 2), the same for the same seed.

    Args:
        rows: At least 4.
        neighbors: How many neighbours each row has, fewer than N.
        seed: Of the random numbers.
        start: Where the rows begin, (N, 2); the eigenvectors of their graph if None.
        progress: Called with parts of `PARTS`; what it raises ends the work.
    """
    tell = progress or (lambda done, total: None)
    tell(0, PARTS)
    while not _TURN.acquire(timeout=0.1):
        tell(0, PARTS)
    try:
        from umap import UMAP  # type: ignore[import-untyped]  # this late: it takes seconds

        tell(1, PARTS)
        model = UMAP(
            n_neighbors=neighbors,
            n_jobs=1,
            random_state=seed,
            init="spectral" if start is None else start,
            tqdm_kwds={"disable": False, "file": _Listener(tell), "mininterval": 0.1, "miniters": 1, **_BAR},
        )
        found: NDArray[np.float32] = model.fit_transform(rows)
    finally:
        _TURN.release()
    tell(PARTS, PARTS)
    return found


_BAR: dict[str, Any] = {"bar_format": "{n_fmt}/{total_fmt}", "ascii": True, "dynamic_ncols": False, "leave": False}


class _Listener(io.StringIO):
    """What tqdm takes for a terminal: hears "120/500" and passes it on."""

    def __init__(self, tell: Progress) -> None:
        super().__init__()
        self.pass_on = tell

    def write(self, text: str) -> int:
        done, _, total = text.strip().partition("/")
        if done.isdigit() and total.isdigit() and int(total):
            share = _COMPILED + (1 - _COMPILED) * int(done) / int(total)
            self.pass_on(int(share * PARTS), PARTS)
        return len(text)
