"""Who is asked, and about what: the weights of a run at one moment, and a picture as a network receives it."""

import copy
import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError, RunError
from core.inference.stamped import StampedNetwork, load_stamped, stamp_of
from core.runs.records import Run
from pages.shared.pretrained import Pretrained
from pages.shared.state import store

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Picture:
    """A picture as a network receives it.

    Attributes:
        title: Where it comes from, in words; may hold what a user wrote.
        shape: (C, H, W).
        pixels: The uint8 values in that order.
        label: Its true class, if known.
    """

    title: str
    shape: tuple[int, int, int]
    pixels: bytes
    label: int | None = None

    @property
    def digest(self) -> str:
        """A name for these very pixels, for caches."""
        return hashlib.blake2b(repr(self.shape).encode() + self.pixels, digest_size=12).hexdigest()

    def raw(self) -> "np.ndarray[Any, Any]":
        """Return the pixels as (C, H, W) uint8."""
        import numpy as np

        return np.frombuffer(self.pixels, dtype=np.uint8).reshape(self.shape)

    def array(self) -> "np.ndarray[Any, Any]":
        """Return the pixels as (H, W, 3) uint8, to show."""
        import numpy as np

        pixels = self.raw().transpose(1, 2, 0)
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if self.shape[0] == 1 else pixels


@dataclass(frozen=True)
class Weights:
    """The weights of a run at one moment: whatever is asked of a network is asked of these.

    Attributes:
        run: The run.
        epoch: After which epoch, 0 for before the first step; None for the latest weights there are.
        stamp: That of the only file that will do, see `pinned`; empty for whichever is there.
    """

    run: Run
    epoch: int | None = None
    stamp: str = ""

    @property
    def moment(self) -> str:
        """The moment in words: "latest", "epoch 3", "epoch 0, untrained", "pretrained"."""
        if isinstance(self.run, Pretrained):
            return "pretrained"
        if self.epoch is None:
            return "latest"
        return f"epoch {self.epoch}" if self.epoch else "epoch 0, untrained"

    @cached_property
    def _asked_epoch(self) -> int | None:
        """The epoch whose file is read: a training that has just begun has no latest weights, but those of epoch 0."""
        run_id, epoch = self.run.id, self.epoch
        if epoch is None and self.run.status.active and not store().checkpoint(run_id).exists():
            return 0 if store().checkpoint(run_id, 0).exists() else None
        return epoch

    @property
    def exist(self) -> bool:
        """Whether there are any yet."""
        return isinstance(self.run, Pretrained) or store().checkpoint(self.run.id, self._asked_epoch).exists()

    @cached_property
    def network(self) -> StampedNetwork:
        """The network of a run with these weights, read once: what is computed by it is kept under its stamp.

        Raises:
            ConvScopeError: There are no weights yet, or they are damaged.
        """
        key = self.run.id, self._asked_epoch, stamp_of(store().checkpoint(self.run.id, self._asked_epoch))
        found = _read(*key)
        if found.stamp != key[-1]:  # written meanwhile: what was read is right, but not what this key stands for
            _read.clear(*key)
        if self.stamp and found.stamp != self.stamp:
            raise RunError("New weights were written while these were asked: look again in a moment.")
        return found

    def own_copy(self) -> Any:
        """Return a network with these weights that is shared with nobody."""
        return copy.deepcopy(replace(self).network.model)

    def pinned(self) -> "Weights":
        """Return these weights as they lie on the disk now, with a mark that costs no reading.

        For work on many epochs: once others were written, such weights refuse to be read.
        """
        if isinstance(self.run, Pretrained):
            return self
        return replace(self, stamp=stamp_of(store().checkpoint(self.run.id, self._asked_epoch)))

    @property
    def mark(self) -> tuple[str, int | None, str]:
        """A key for caches: that of the weights which `network` has, and of no others."""
        if isinstance(self.run, Pretrained):
            return self.run.id, None, ""
        if self.stamp:
            return self.run.id, self._asked_epoch, self.stamp
        try:
            stamp = self.network.stamp
        except ConvScopeError:  # nothing can be computed by them, so nothing is kept under this
            stamp = "unreadable"
        return self.run.id, self._asked_epoch, stamp


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(run_id: str, epoch: int | None, stamp: str) -> StampedNetwork:
    """Read a network; `stamp` is that of the file a moment ago, the result has that of the file which was read."""
    return load_stamped(store(), run_id, epoch)
