"""How much may be held at once: bytes or pictures that are taken from a budget and given back to it."""

import threading
from collections.abc import Callable

from core.errors import DataError


class Budget:
    """An amount of which parts are taken and given back, by any thread.

    Args:
        limit: Returns how much may be taken at this moment.
        refusal: What is said where it is not enough.
        above: Another budget that the same is taken from.
    """

    def __init__(self, limit: Callable[[], int], refusal: str, above: "Budget | None" = None) -> None:
        self._limit, self._refusal, self._above = limit, refusal, above
        self._lock = threading.Lock()
        self.used = 0

    def take(self, amount: int) -> None:
        """Take some; raises `DataError` where that is more than is left, and takes nothing."""
        with self._lock:
            if self.used + amount > self._limit():
                raise DataError(self._refusal)
            self.used += amount
        if self._above is not None:
            try:
                self._above.take(amount)
            except DataError:
                with self._lock:
                    self.used -= amount
                raise

    def give(self, amount: int) -> None:
        """Give back what was taken."""
        with self._lock:
            self.used -= amount
        if self._above is not None:
            self._above.give(amount)
