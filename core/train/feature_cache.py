"""Features of pictures on the disk: what a frozen network made of them once, found again by their pixels."""

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from core.errors import StorageError
from core.settings import settings

FOLDER = "features"  # in the data directory
LIMIT_BYTES = 1 << 30  # of all features together; those that were not used for longest go first
DIGEST_BYTES = 16
READ = 256  # images that are read together


def digests_of(images: Tensor) -> list[bytes]:
    """Return a checksum of the pixels of each image, (N, C, H, W) uint8; they may still lie in their file."""
    parts = (images[start : start + READ].cpu() for start in range(0, len(images), READ))
    return [blake2b(image.numpy().tobytes(), digest_size=DIGEST_BYTES).digest() for part in parts for image in part]


class FeatureCache:
    """The features that one network made, in one precision: whatever cannot be read or written is computed again.

    Args:
        key: What identifies the network and all else that the features depend on besides the pixels; a file name.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def read(self, digests: Sequence[bytes]) -> dict[int, Tensor]:
        """Return the features of those pictures that are kept, by their place among `digests`."""
        wanted: dict[bytes, list[int]] = {}
        for place, digest in enumerate(digests):
            wanted.setdefault(digest, []).append(place)
        found: dict[int, Tensor] = {}
        for path in self._files():
            with suppress(OSError, SafetensorError, KeyError, RuntimeError):
                with safe_open(path, framework="pt") as file:
                    kept = [bytes(row) for row in file.get_tensor("digests").numpy()]
                    rows = [row for row, digest in enumerate(kept) if digest in wanted]
                    features = file.get_tensor("features") if rows else torch.empty(0)
                for row in rows:
                    found |= dict.fromkeys(wanted[kept[row]], features[row])
                if rows:
                    os.utime(path)
        return found

    def write(self, digests: Sequence[bytes], features: Tensor) -> None:
        """Keep the features (N, …) of pictures; where the disk does not allow it, nothing is kept."""
        name = blake2b(b"".join(digests), digest_size=DIGEST_BYTES).hexdigest()
        table = torch.tensor([list(digest) for digest in digests], dtype=torch.uint8)
        with suppress(OSError, SafetensorError, StorageError):
            folder = settings().folder(FOLDER, self._key)
            part = folder / f"{name}.{os.getpid()}.part"
            try:
                save_file({"digests": table, "features": features.cpu().contiguous()}, part)
                part.replace(folder / f"{name}.safetensors")
            finally:
                part.unlink(missing_ok=True)
            _trim(folder.parent)

    def _files(self) -> list[Path]:
        with suppress(StorageError):
            return sorted(settings().folder(FOLDER, self._key).glob("*.safetensors"))
        return []


def _trim(folder: Path) -> None:
    """Remove what was not used for longest until `LIMIT_BYTES` are left."""
    files: list[tuple[float, int, Path]] = []
    for path in folder.rglob("*"):
        with suppress(OSError):
            if path.is_file():
                files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= LIMIT_BYTES:
            break
        with suppress(OSError):
            path.unlink()
            total -= size
