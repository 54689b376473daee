"""Augmentation: every time an image is trained on, it looks a little different."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from core.data.image_ops import cut_out, recolour, shift, warp
from core.errors import DataError

# The greatest strength of each kind; all begin at 0.
STRONGEST = {"flip": 1.0, "shift": 0.5, "rotation": 180.0, "crop": 0.9, "jitter": 1.0, "cutout": 0.75}


@dataclass(frozen=True)
class Augmentation:
    """How strongly training images are changed; 0 leaves them as they are.

    Attributes:
        flip: Probability that left and right are swapped.
        shift: Farthest move up, down, left and right, as a share of the side; in whole pixels, at least one.
        rotation: Largest angle in degrees, either way.
        crop: Largest share of the area that is cut off; what is left is enlarged to the old size.
        jitter: Brightness, contrast and (in colour) saturation are multiplied by 1 − jitter to 1 + jitter.
        cutout: Side of the square that is painted over, as a share of the shorter side; at least one pixel.

    Raises:
        DataError: A strength is no number or out of its range (`STRONGEST`).
    """

    flip: float = 0.0
    shift: float = 0.0
    rotation: float = 0.0
    crop: float = 0.0
    jitter: float = 0.0
    cutout: float = 0.0

    def __post_init__(self) -> None:
        for kind in fields(self):
            strength, most = getattr(self, kind.name), STRONGEST[kind.name]
            if type(strength) not in (int, float) or not 0 <= strength <= most:
                raise DataError(f"The strength of {kind.name} must be a number from 0 to {most:g}, not {strength!r}.")

    @property
    def active(self) -> bool:
        """Whether anything is changed at all."""
        return any(getattr(self, kind.name) for kind in fields(self))


def augment(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Change each image of a batch in its own random way.

    An active augmentation takes the same random numbers from the generator whatever its strengths are: another
    strength of one kind leaves the draws of the others as they were. One that is not takes none, and returns the
    images themselves.

    Args:
        images: (N, C, H, W) float32 in 0..1, before they are normalised, on any device; they stay as they are.
        augmentation: How strongly.
        generator: Decides everything; on the CPU.

    Returns:
        Images like `images`, in 0..1 and in the same memory format. Places beyond the edge are mirrored, see
        `core.data.image_ops`.
    """
    if not augmentation.active:
        return images
    draws = torch.rand(len(images), 12, generator=generator).to(images.device)
    channels_last = images.is_contiguous(memory_format=torch.channels_last)
    changed = _placed(images, augmentation, draws[:, :7])
    if augmentation.jitter:
        factors = 1 + augmentation.jitter * (2 * draws[:, 7:10] - 1)
        changed = recolour(changed, *factors.unbind(1))
    if augmentation.cutout:
        height, width = images.shape[2:]
        side = max(1, round(augmentation.cutout * min(height, width)))
        top, left = (_whole(draws[:, 10 + axis], size - side) for axis, size in enumerate((height, width)))
        changed = cut_out(changed, top, left, side)
    return changed.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def _placed(images: Tensor, augmentation: Augmentation, draws: Tensor) -> Tensor:
    """Do what moves pixels; only turning and cropping need values between them."""
    if not (augmentation.flip or augmentation.shift or augmentation.rotation or augmentation.crop):
        return images
    flipped = draws[:, 0] < augmentation.flip
    farthest = [max(1, round(augmentation.shift * size)) if augmentation.shift else 0 for size in images.shape[2:]]
    down, right = (_whole(draws[:, 1 + axis], 2 * most) - most for axis, most in enumerate(farthest))
    if not (augmentation.rotation or augmentation.crop):
        return shift(images, flipped, down, right)
    degrees = augmentation.rotation * (2 * draws[:, 3] - 1)
    area = 1 - augmentation.crop * draws[:, 4]
    return warp(images, flipped, down, right, degrees, area, draws[:, 5:7])


def _whole(draws: Tensor, most: int) -> Tensor:
    """Turn numbers from 0 up to 1 into whole ones from 0 to `most`, each as likely; float32 may round up to 1 more."""
    return (draws * (most + 1)).long().clamp_(max=most)


def random_variants(images: Tensor, augmentation: Augmentation, count: int, *, seed: int) -> Tensor:
    """Return so many augmented variants of each image, drawn from a seed.

    Args:
        images: uint8 (N, C, H, W).
        augmentation: How strongly each kind changes them.
        count: How many of each.
        seed: What they are drawn from.

    Returns:
        uint8 (N, count, C, H, W).
    """
    copies = images.repeat_interleave(count, dim=0).float().div_(255)
    variants = augment(copies, augmentation, torch.Generator().manual_seed(seed))
    return variants.mul(255).round_().to(torch.uint8).view(len(images), count, *images.shape[1:])
