"""Codes that let a phone send pictures into one class: drawn at random, and worth nothing soon."""

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from core.errors import DataError

VALID_SECONDS = 15 * 60.0
MOST = 1000  # that are valid at once
REFUSAL = "This code is not valid any more, or never was: scan the code that the screen shows now."


@dataclass(frozen=True)
class Ticket:
    """What a code leads to.

    Attributes:
        collection: The token of a collection.
        box: The id of a class in it.
        until: When it expires, by the clock of `Codes`.
    """

    collection: str
    box: str
    until: float


class Codes:
    """The codes that are valid now; of each only a digest is kept.

    A code is good until it is withdrawn, and no longer than `VALID_SECONDS`; a code that was guessed, has expired or
    was withdrawn is answered in the same words and after the same work.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tickets: dict[bytes, Ticket] = {}

    def issue(self, collection: str, box: str) -> str:
        """Return a new code for a class; raises `DataError` where too many are valid."""
        code = secrets.token_urlsafe(16)
        with self._lock:
            self._forget_expired()
            if len(self._tickets) >= MOST:
                raise DataError("Too many codes are shown at this moment: try again in a few minutes.")
            self._tickets[_digest(code)] = Ticket(collection, box, self._clock() + VALID_SECONDS)
        return code

    def find(self, code: str) -> Ticket:
        """Return what a code leads to; raises `DataError` where it leads nowhere."""
        sought, found = _digest(code), None
        with self._lock:
            self._forget_expired()
            for digest, ticket in self._tickets.items():  # all of them: how long it takes tells nothing
                if hmac.compare_digest(digest, sought):
                    found = ticket
        if found is None:
            raise DataError(REFUSAL)
        return found

    def withdraw(self, *, code: str = "", collection: str = "", box: str = "") -> None:
        """Make a code worthless, or all of a collection, or all of one class in it."""
        sought = _digest(code)
        with self._lock:
            for digest, ticket in list(self._tickets.items()):
                named = ticket.collection == collection and box in ("", ticket.box)
                if named or hmac.compare_digest(digest, sought):
                    del self._tickets[digest]

    def _forget_expired(self) -> None:
        now = self._clock()
        for digest, ticket in list(self._tickets.items()):
            if ticket.until <= now:
                del self._tickets[digest]


def _digest(code: str) -> bytes:
    return sha256(code.encode("utf-8", "replace")).digest()
