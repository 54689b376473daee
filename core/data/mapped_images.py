"""Images that stay in their file: of a data set larger than memory, only what is looked at is read."""

import mmap
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

KEPT_BYTES = 2**28  # of the file that a process keeps before it lets go of all it has read


class MappedImages:
    """Images (N, C, H, W) uint8 that are read from a mapped file when they are asked for.

    It takes the place of a tensor: `images[indices]` returns one, as does anything else that a tensor can do, which
    reads all of them.

    Args:
        file: The mapped file.
        pixels: All images of the file, uint8 (M, C, H, W), a view of it.
        rows: (N,) which of them these are, in order.
        device: Where tensors are returned.
    """

    def __init__(
        self,
        file: mmap.mmap,
        pixels: NDArray[np.uint8],
        rows: NDArray[np.int64],
        device: torch.device | str = "cpu",
    ) -> None:
        self._file, self._pixels, self._rows = file, pixels, rows
        self.device = torch.device(device)
        self.shape, self.dtype = torch.Size((len(rows), *pixels.shape[1:])), torch.uint8
        self._read = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Tensor:
        """Return the images that a tensor would return for this index."""
        if isinstance(index, tuple):
            first, *rest = index
            if not all(isinstance(place, int | slice) for place in rest):
                return self[:][index]
            return self[first][(*rest,) if isinstance(first, int) else (slice(None), *rest)]
        rows = self._rows[index.cpu().numpy() if isinstance(index, Tensor) else index]
        images = torch.from_numpy(self._pixels[rows] if rows.ndim else self._pixels[rows].copy())
        self._read += images.numel()
        if self._read >= KEPT_BYTES and hasattr(mmap, "MADV_DONTNEED"):
            self._read = 0
            self._file.madvise(mmap.MADV_DONTNEED)  # the system may still have it: reading it again is cheap then
        return images.to(self.device)

    def to(self, device: torch.device | str) -> "MappedImages":
        """Return the same images for another device: each comes there when it is asked for."""
        return MappedImages(self._file, self._pixels, self._rows, device)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self[:], name)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out a function of torch with all images in memory."""
        return func(*_in_memory(args), **_in_memory(kwargs or {}))


def _in_memory(value: Any) -> Any:
    if isinstance(value, MappedImages):
        return value[:]
    if isinstance(value, dict):
        return {name: _in_memory(item) for name, item in value.items()}
    return type(value)(map(_in_memory, value)) if type(value) in (list, tuple) else value
