"""The heartbeat of runs: a thread that shows once a second that they are trained."""

import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from core.errors import ConvScopeError
from core.runs.store import RunStore

HEARTBEAT_SECONDS = 1.0


class Heartbeat:
    """Shows within a `with` block that runs live, in one write for all of an owner.

    Args:
        living: Returns the ids of the runs by store and owner.
    """

    def __init__(self, living: Callable[[], Mapping[tuple[RunStore, str], Collection[str]]]) -> None:
        self._living, self._over = living, threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_SECONDS):
            for (store, owner), run_ids in self._living().items():
                with suppress(ConvScopeError):  # the training itself says so when it cannot record
                    store.worker.beat(run_ids, owner)
