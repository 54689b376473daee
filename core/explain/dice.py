"""torch's and NumPy's global random numbers, seeded for one thread at a time and put back.

Captum draws from the global generators. In a server other threads share them: without turns, two explanations at the
same time would draw each other's numbers, and the same question would not get the same answer.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_TURN = threading.Lock()


class Dice:
    """The seeded generators; while the network computes, `pause` lets others have their turn."""

    def __init__(self, seed: int) -> None:
        self._held = False
        self._found: Any = None
        self.resume()
        # the CPU's alone: `torch.manual_seed` reseeds every GPU too
        torch.default_generator.manual_seed(seed)
        np.random.seed(seed)
        self._own = _states()

    def resume(self) -> None:
        """Take a turn: go on drawing where `pause` left off."""
        _TURN.acquire()
        self._held, self._found = True, _states()
        if hasattr(self, "_own"):
            _set(self._own)

    def pause(self) -> None:
        """End the turn: the generators are as they were found."""
        if self._held:
            self._own = _states()
            _set(self._found)
            self._held = False
            _TURN.release()


@contextmanager
def seeded(seed: int) -> Iterator[Dice]:
    """Seed torch's and NumPy's global generators within a block, for this thread alone, and put them back after it."""
    dice = Dice(seed)
    try:
        yield dice
    finally:
        dice.pause()


def _states() -> tuple[Any, Any]:
    return torch.default_generator.get_state(), np.random.get_state()


def _set(states: tuple[Any, Any]) -> None:
    torch.default_generator.set_state(states[0])
    np.random.set_state(states[1])
