"""Patience with faults that pass, such as a database that others hold for a while."""

import time
from collections.abc import Callable
from typing import TypeVar

from core.errors import StorageError
from core.runs.transactions import BusyError

PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = 0.3

Answer = TypeVar("Answer")


class RetryPolicy:
    """Puts up with a fault until it has lasted for `PATIENCE_SECONDS`."""

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def tried(self) -> bool:
        """Whether the fault lasts."""
        return self._since is not None

    def bear(self, fault: StorageError) -> None:
        """Note that there is a fault; raises it if it has been there for too long."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since >= PATIENCE_SECONDS:
            raise fault

    def rest(self) -> None:
        """Note that all is well."""
        self._since = None


def insist(act: Callable[[], Answer], fault: type[StorageError] = BusyError) -> Answer:
    """Do something again and again while such a fault hinders it, and return its answer; raises the fault at last."""
    patience = RetryPolicy()
    while True:
        try:
            return act()
        except fault as error:
            patience.bear(error)
            time.sleep(AGAIN_SECONDS)
