"""Changes of whole batches of images, each image by its own amount; what is asked for is exactly what happens.

All take images (N, C, H, W) in 0..1, one amount per image (N,) on the same device, and return new images.
Beyond its edge an image goes on mirrored, the outermost pixels doubled: unlike black it adds no edge and no wedge
that a network could read the amount from, and unlike a repeated border it keeps the texture. The price is that what
lies at the edge may be seen twice after a far shift.
"""

import torch
from torch import Tensor
from torch.nn import functional

_GREY = (0.299, 0.587, 0.114)  # share of red, green and blue in brightness, ITU-R BT.601


def shift(images: Tensor, flipped: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Mirror left and right where `flipped` (bool), then move by whole pixels; no value is blended with another."""
    batch, channels, height, width = images.shape
    rows = _mirrored(torch.arange(height, device=images.device) - down[:, None].long(), height)
    columns = _mirrored(torch.arange(width, device=images.device) - right[:, None].long(), width)
    columns = torch.where(flipped[:, None], width - 1 - columns, columns)
    places = (rows[:, :, None] * width + columns[:, None, :]).view(batch, 1, -1).expand(-1, channels, -1)
    return images.flatten(2).gather(2, places).view_as(images)


def _mirrored(index: Tensor, size: int) -> Tensor:
    """Return where an index beyond the edge finds its value: size is size − 1 once more, −1 is 0 once more."""
    index = index.remainder(2 * size)
    return torch.minimum(index, 2 * size - 1 - index)


def warp(
    images: Tensor,
    flipped: Tensor,
    down: Tensor,
    right: Tensor,
    degrees: Tensor,
    area: Tensor,
    centre: Tensor,
) -> Tensor:
    """Flip and shift, turn about the middle, crop and resize back, all in one bilinear look-up.

    Args:
        images: (N, C, H, W) in 0..1.
        flipped: Whether left and right are mirrored, bool (N,).
        down: Pixels, (N,).
        right: Pixels, (N,).
        degrees: Anticlockwise, (N,).
        area: Share of the area that is kept, in the shape of the image, above 0 up to 1, (N,).
        centre: Where the kept part lies, (N, 2): 0 at the top or left, 1 at the bottom or right.
    """
    height, width = images.shape[2:]
    angle, scale = degrees.deg2rad(), area.sqrt()
    cos, sin = angle.cos(), angle.sin()
    offset = (centre - 0.5) * (1 - scale)[:, None]
    y, x = offset[:, 0] * height, offset[:, 1] * width
    sign = 1 - 2 * flipped.to(images.dtype)
    # From a place in the result to its place in the image, both from -1 to 1 (`align_corners=False`) as (x, y).
    matrix = torch.stack(
        (
            sign * scale * cos,
            -sign * scale * sin * (height / width),
            sign * (cos * x - sin * y - right) * (2 / width),
            scale * sin * (width / height),
            scale * cos,
            (sin * x + cos * y - down) * (2 / height),
        ),
        dim=1,
    ).view(-1, 2, 3, 1, 1)
    across, along = _middles(width, images)[None, :], _middles(height, images)[:, None]
    # What `affine_grid` computes, in a sixth of its time.
    grid = (matrix[:, :, 0] * across + (matrix[:, :, 1] * along + matrix[:, :, 2])).permute(0, 2, 3, 1)
    looked_up = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return looked_up.clamp_(0, 1)


def _middles(size: int, like: Tensor) -> Tensor:
    """Return the middles of pixels of a side that reaches from -1 to 1."""
    return (torch.arange(size, device=like.device, dtype=like.dtype) * 2 + 1) / size - 1


def recolour(images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Multiply the distance of colours from grey, of greys from their mean, and all from black; clip to 0..1.

    A factor of 1 changes nothing, and saturation nothing in grey images. The three are one matrix for each image,
    so that nothing is clipped in between.
    """
    batch, channels = images.shape[:2]
    shares = images.new_tensor(_GREY if channels == len(_GREY) else [1 / channels] * channels)
    strength = contrast * brightness
    own = (strength * saturation)[:, None, None] * torch.eye(channels, device=images.device)
    matrix = own + (strength - strength * saturation)[:, None, None] * shares
    grey = images.mean((2, 3)) @ shares
    rest = ((brightness - strength) * grey)[:, None, None]
    return torch.baddbmm(rest, matrix, images.flatten(2)).clamp_(0, 1).view(batch, channels, *images.shape[2:])


def cut_out(images: Tensor, top: Tensor, left: Tensor, side: int) -> Tensor:
    """Paint a square of `side` pixels in the mean colour of its image."""
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) - top[:, None]
    columns = torch.arange(width, device=images.device) - left[:, None]
    hole = ((rows >= 0) & (rows < side))[:, None, :, None] & ((columns >= 0) & (columns < side))[:, None, None, :]
    return torch.where(hole, images.mean((2, 3), keepdim=True), images)
