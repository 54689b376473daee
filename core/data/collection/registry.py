"""All collections of this server: found by a token, kept while somebody holds them, and gone soon after."""

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache

from core.data.collection.budget import Budget
from core.data.collection.codes import Codes
from core.data.collection.collection import MB, Collection
from core.data.collection.thumbnails import ThumbnailMaker
from core.errors import DataError
from core.leftovers import unfinished
from core.settings import cannot_write, settings

KEPT_SECONDS = 15 * 60.0  # after the last who held one has left, so that a page can be loaded again
MOST = 500


@dataclass(eq=False)
class _Entry:
    collection: Collection
    closing: ExitStack
    holders: set[str] = field(default_factory=set)
    since: float = 0.0  # when the last one left


class Registry:
    """The collections, and the codes that lead into them.

    Args:
        clock: Seconds that pass.
        kept: How many of them a collection is kept that nobody holds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, kept: float = KEPT_SECONDS) -> None:
        self._clock, self._kept = clock, kept
        self._lock = threading.RLock()
        self._entries: dict[str, _Entry] = {}
        self._thumbnails = ThumbnailMaker()
        self._room = Budget(
            lambda: settings().max_uploads_mb * MB,
            "The server holds as many pictures as it can: try again in a few minutes.",
        )
        self.codes = Codes(clock)

    def open(self, holder: str) -> Collection:
        """Make an empty collection for a visitor, with two classes.

        Raises:
            DataError: There are too many.
            StorageError: The data directory cannot be written.
        """
        with self._lock:
            self.sweep()
            if len(self._entries) >= MOST:
                raise DataError("Too many people collect pictures at this moment: try again in a few minutes.")
            closing, token = ExitStack(), secrets.token_urlsafe(16)
            try:
                folder = closing.enter_context(unfinished(".boxes-", settings().folder("collections")))
            except OSError as error:
                raise cannot_write(error) from error
            collection = Collection(token, folder, self._room, self._thumbnails)
            for _ in range(2):
                collection.add_class()
            self._entries[token] = _Entry(collection, closing, {holder})
            self._thumbnails.warm()
            return collection

    def hold(self, token: str, holder: str) -> Collection | None:
        """Return a collection, kept from now on for as long as `holder` does not leave; None where it is gone."""
        with self._lock:
            self.sweep()
            entry = self._entries.get(token)
            if entry is None:
                return None
            entry.holders.add(holder)
            return entry.collection

    def find(self, token: str) -> Collection | None:
        """Return a collection; None where it is gone."""
        with self._lock:
            self.sweep()
            entry = self._entries.get(token)
            return entry.collection if entry else None

    def leave(self, holder: str) -> None:
        """Note that a visitor is gone: what nobody else holds takes no phones, and is given back after `kept`."""
        with self._lock:
            for entry in self._entries.values():
                if holder in entry.holders:
                    entry.holders.discard(holder)
                    entry.since = self._clock()
                    if not entry.holders:
                        self.codes.withdraw(collection=entry.collection.token)
            self.sweep()

    def sweep(self) -> None:
        """Give back what nobody has held for too long."""
        with self._lock:
            now = self._clock()
            for token, entry in list(self._entries.items()):
                if not entry.holders and now - entry.since >= self._kept:
                    self.release(token)

    def release(self, token: str) -> None:
        """Delete a collection with all its files and codes; nothing happens where it is gone."""
        with self._lock:
            entry = self._entries.pop(token, None)
            if entry is not None:
                self.codes.withdraw(collection=token)
                entry.collection.clear()
                entry.closing.close()

    def close(self) -> None:
        """Delete all collections: the server stops."""
        with self._lock:
            for token in list(self._entries):
                self.release(token)


@cache
def registry() -> Registry:
    """Return the collections of this server."""
    return Registry()
