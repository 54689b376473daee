"""The actor that Ray places: nothing but a worker that takes runs from the store, as `core.train.standalone` does.

torch is in the processes that this worker starts, not in that of the actor. A training that runs out of memory, or
crashes, ends such a process, and its runs go on in another one, on this machine and in Ray's sight nothing has
happened; an actor that ends by itself would be started anew elsewhere, and its runs would wait for that. When Ray ends
the actor, or its node, the processes lose their lifeline, write checkpoints and give their runs back.
"""

import os
import threading
from collections.abc import Mapping

from core.runs.store import RunStore
from core.train.standalone import work


class Worker:
    """A worker without an app."""

    def __init__(self) -> None:
        self._over = threading.Event()

    def train(self, environment: Mapping[str, str]) -> None:
        """Train runs of the store that these variables name until `end` is called; called again, it goes on.

        Raises:
            ConvScopeError: The settings are wrong or the store cannot be used from here.
        """
        os.environ.update(environment)
        store = RunStore()
        try:
            work(store, self._over)
        finally:
            store.close()

    def end(self) -> None:
        """Let it write checkpoints, give its runs back and leave."""
        self._over.set()
