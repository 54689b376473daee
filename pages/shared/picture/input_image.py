"""The picture that a network is asked about."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True)
class InputImage:
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

    def tensor(self) -> "Tensor":
        """Return the pixels as (C, H, W) uint8."""
        import torch

        return torch.frombuffer(bytearray(self.pixels), dtype=torch.uint8).reshape(self.shape)

    def raw(self) -> "np.ndarray[Any, Any]":
        """Return the pixels as (C, H, W) uint8."""
        import numpy as np

        return np.frombuffer(self.pixels, dtype=np.uint8).reshape(self.shape)

    def array(self) -> "np.ndarray[Any, Any]":
        """Return the pixels as (H, W, 3) uint8, to show."""
        import numpy as np

        pixels = self.raw().transpose(1, 2, 0)
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if self.shape[0] == 1 else pixels
