"""The global random states of torch and NumPy, which all threads share: seeded, used by one thread at a time, put back.

Captum, dropout and `reset_parameters` take no generator and draw from them. Whoever calls these does it within
`seeded`; everybody else draws from a generator of his own. `tests/test_architecture.py` lets no other module touch the
global states.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

_LOCK = threading.RLock()


class _States(NamedTuple):
    torch: Tensor
    numpy: Any
    device: Tensor | None


class SeededGlobalState:
    """Seeded random numbers that stand in for the global ones between `resume` and `pause`.

    One thread at a time can hold the global states; the same thread may hold several, one within another, and each
    then finds what the outer one left. What others draw in the meantime changes nothing here, nor the other way round.

    Args:
        seed: As for `torch.manual_seed` and `numpy.random.seed`; at most 32 bits of it reach NumPy.
        device: Whose own random numbers are seeded too, if it is a CUDA or MPS device; other devices' stay untouched.
        numpy: Whether NumPy's state is among them; to read and write it takes 0.1 ms, torch's a hundredth of that.
    """

    def __init__(self, seed: int, device: torch.device | None = None, *, numpy: bool = True) -> None:
        self._device = device if device is not None and device.type in ("cuda", "mps") else None
        self._own = _States(
            torch.Generator().manual_seed(seed).get_state(),
            np.random.RandomState(seed % 2**32).get_state() if numpy else None,
            None if self._device is None else torch.Generator(self._device).manual_seed(seed).get_state(),
        )
        self._found: _States | None = None

    @property
    def torch(self) -> Tensor:
        """State of torch's CPU generator, as `torch.get_rng_state` gives it; can be set while nobody holds it."""
        return self._own.torch

    @property
    def device(self) -> Tensor | None:
        """State of the device's generator, or None on the CPU."""
        return self._own.device

    def set(self, torch_state: Tensor, device_state: Tensor | None = None) -> None:
        """Go on from states that were read before; NumPy's, and those that are None, stay.

        Raises:
            RuntimeError: It is no state of torch's CPU generator.
        """
        torch.Generator().set_state(torch_state)
        device = self._own.device if device_state is None else device_state
        self._own = self._own._replace(torch=torch_state, device=device)

    def resume(self) -> None:
        """Wait for the turn, and go on drawing where `pause` left off."""
        _LOCK.acquire()
        self._found = self._read()
        self._write(self._own)

    def pause(self) -> None:
        """Put the global states back as they were found, and let others have their turn; no effect where not held."""
        if self._found is not None:
            self._own = self._read()
            self._write(self._found)
            self._found = None
            _LOCK.release()

    def __enter__(self) -> "SeededGlobalState":
        self.resume()
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def _read(self) -> _States:
        numpy = None if self._own.numpy is None else np.random.get_state()
        return _States(torch.get_rng_state(), numpy, _device_state(self._device))

    def _write(self, states: _States) -> None:
        torch.set_rng_state(states.torch)
        if states.numpy is not None:
            np.random.set_state(states.numpy)
        if self._device is not None and states.device is not None:
            if self._device.type == "cuda":
                torch.cuda.set_rng_state(states.device, self._device)
            else:
                torch.mps.set_rng_state(states.device)


@contextmanager
def seeded(seed: int) -> Iterator[SeededGlobalState]:
    """Seed the global random states of the CPU within a block, for this thread alone, and put them back after it."""
    with SeededGlobalState(seed) as state:
        yield state


def _device_state(device: torch.device | None) -> Tensor | None:
    if device is None:
        return None
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.mps.get_rng_state()
