"""Who is asked, and about what: the weights of a run at one moment, and a picture as a network receives it."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    """

    run: Run
    epoch: int | None = None

    @property
    def moment(self) -> str:
        """The moment in words: "latest", "epoch 3", "epoch 0, untrained", "pretrained"."""
        if isinstance(self.run, Pretrained):
            return "pretrained"
        if self.epoch is None:
            return "latest"
        return f"epoch {self.epoch}" if self.epoch else "epoch 0, untrained"

    @property
    def mark(self) -> tuple[str, int | None, int]:
        """A key for caches, another one whenever the weights are.

        A training that has just begun has no latest weights yet: then those of epoch 0 are.
        """
        run_id, epoch = self.run.id, self.epoch
        if isinstance(self.run, Pretrained):
            return run_id, None, 0
        if epoch is None and self.run.status.active and not store().checkpoint(run_id).exists():
            epoch = 0 if store().checkpoint(run_id, 0).exists() else None
        path = store().checkpoint(run_id, epoch)
        return run_id, epoch, path.stat().st_mtime_ns if path.exists() else 0
