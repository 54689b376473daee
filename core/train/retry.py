"""Retrying operations that fail for a while, such as writes to a locked database."""

import time
from collections.abc import Callable
from typing import TypeVar

from core.errors import StorageError
from core.runs.transactions import BusyError
from core.train.turns import Turns, in_thread

PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = 0.3

Result = TypeVar("Result")


class RetryPolicy:
    """Tolerates a fault until it has lasted for `PATIENCE_SECONDS`."""

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._since is not None

    def failed(self, fault: StorageError) -> None:
        """Record a failed attempt; raises the fault once it has lasted too long."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since >= PATIENCE_SECONDS:
            raise fault

    def succeeded(self) -> None:
        """Record a successful attempt."""
        self._since = None


def attempts(act: Callable[[], Result], fault: type[StorageError] = BusyError) -> Turns[Result]:
    """Call `act`, in a thread beside, until it raises no such fault, and return its result.

    Raises:
        StorageError: The fault, after `PATIENCE_SECONDS`.
    """
    policy = RetryPolicy()
    while True:
        try:
            return (yield from in_thread(act))
        except fault as error:
            policy.failed(error)
        due = time.monotonic() + AGAIN_SECONDS
        while time.monotonic() < due:
            yield due
