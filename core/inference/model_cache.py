"""Models in memory: the last few of each kind, shared by all threads, each read by one of them at a time."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

MAX_MODELS = 8
MAX_LARGE = 3  # pretrained networks have up to half a gigabyte of weights


class ModelCache:
    """Keeps what was used last; thread-safe.

    Args:
        max_entries: How many are kept.
    """

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries = OrderedDict[Hashable, _Entry]()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what is kept under a key, or make it; what `make` raises is not kept."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
        with entry.lock:
            if not entry.made:
                entry.value, entry.made = make(), True
        return entry.value

    def drop(self, key: Hashable) -> None:
        """Forget what is kept under a key, if anything is."""
        with self._lock:
            self._entries.pop(key, None)


class _Entry:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made = False
        self.value: Any = None
