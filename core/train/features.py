"""What the frozen layers in front of a network make of images: computed once for a split, in batches, and kept."""

from collections.abc import Callable, Generator
from functools import cached_property
from hashlib import blake2b

import torch
from torch import Tensor, nn

from core.train.feature_cache import FeatureCache, digests_of

BATCH = 8  # images that pass through together, always: another number may change the last digits
WRITTEN = 256  # images of which the features are written together
MEMORY_BYTES = 512 << 20  # of one split; where they are more, they are computed in every step


class FrozenFeatures:
    """Computes the features of images: what the frozen layers in front of a network hand on.

    The features of an image do not depend on the images that it is computed with.

    Args:
        front: The layers, see `core.model.pretrained_backbone.frozen_front`.
        prepare: Turns pixels, uint8 or floats from 0 to 1, (N, C, H, W), into what they receive.
        device: Where they are.
        precision: In which they compute.
    """

    def __init__(
        self, front: nn.Sequential, prepare: Callable[[Tensor], Tensor], device: torch.device, precision: torch.dtype
    ) -> None:
        self._front, self._prepare, self._device, self._precision = front, prepare, device, precision
        self._bytes = 0  # of one image's features, once known

    @torch.no_grad()
    def of(self, images: Tensor) -> Tensor:
        """Return the features (N, …) of images as `prepare` takes them."""
        features = []
        for part in images.split(BATCH):
            whole = torch.cat([part, part[-1:].expand(BATCH - len(part), *part.shape[1:])])
            with torch.autocast(self._device.type, self._precision, enabled=self._precision != torch.float32):
                features.append(self._front(self._prepare(whole.to(self._device)))[: len(part)])
        return torch.cat(features)

    def fit(self, images: Tensor) -> bool:
        """Return whether the features of so many images may be kept in memory."""
        if not self._bytes and len(images):
            features = self.of(images[:1])
            self._bytes = features.element_size() * features.numel()
        return len(images) * self._bytes <= MEMORY_BYTES

    def missing(self, images: Tensor) -> int:
        """Return of how many images of a split the features are not on the disk."""
        return len(images) - len(FeatureCache(self._key).read(digests_of(images)))

    def compute(self, images: Tensor) -> Generator[int, None, Tensor]:
        """Return the features of all images of a split, uint8 (N, C, H, W), in order.

        Yields how many are done, after each batch; those that are kept on the disk are done at once.
        """
        digests, cache = digests_of(images), FeatureCache(self._key)
        found = cache.read(digests)
        yield len(found)
        missing = [place for place in range(len(digests)) if place not in found]
        for start in range(0, len(missing), WRITTEN):
            places = missing[start : start + WRITTEN]
            for first in range(0, len(places), BATCH):
                batch = places[first : first + BATCH]
                found |= dict(zip(batch, self.of(images[torch.tensor(batch)]).cpu(), strict=True))
                yield len(found)
            cache.write([digests[place] for place in places], torch.stack([found[place] for place in places]))
        return torch.stack([found[place] for place in range(len(digests))]).to(self._device)

    @cached_property
    def _key(self) -> str:
        """Return what the features depend on besides the pixels, as a checksum."""
        about = (torch.__version__, str(self._front), self._device.type, str(self._precision))
        checksum = blake2b(repr(about).encode(), digest_size=16)
        for tensor in (*self._front.parameters(), *self._front.buffers()):
            checksum.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return checksum.hexdigest()
