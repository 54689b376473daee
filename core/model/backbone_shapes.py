"""What the blocks of a pretrained network make of a picture's shape, and what they cost; without torch.

The sizes of all blocks lie in a file, which `tests/model/backbone_blocks.py` writes from the networks themselves.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import ceil, floor

from core.assets import read_asset
from core.formatting import dimensions
from core.model.layer_result import LayerResult, ReceptiveField, ShapeError, Window
from core.model.layers import Backbone
from core.model.spec import Shape
from core.model.zoo import zoo_info

_FILE = "backbones/blocks-6a7d3fd7.json", "6a7d3fd7"  # and the beginning of its checksum
CHANNELS = 3
KEPT = 3  # numbers that a training keeps for each number of a convolution: its output, normalised, and activated


@dataclass(frozen=True)
class BlockSize:
    """One block of a pretrained network.

    Attributes:
        channels: Number of maps that come out.
        params: Number of its weights.
        windows: Span, stride, padding in front and padding behind of each window on its widest branch.
        work: (windows that come before, multiply-adds, numbers) for each place of the maps behind so many windows of
            its convolutions and dense layers; −1 windows stand for one place in all.
    """

    channels: int
    params: int
    windows: tuple[tuple[int, int, int, int], ...]
    work: tuple[tuple[int, int, int], ...]


@lru_cache(maxsize=1)
def _blocks() -> dict[str, tuple[BlockSize, ...]]:
    listed = json.loads(read_asset(*_FILE))
    return {
        name: tuple(
            BlockSize(channels, params, tuple(map(tuple, windows)), tuple(map(tuple, work)))
            for channels, params, windows, work in blocks
        )
        for name, blocks in listed.items()
    }


def num_blocks(network: str) -> int:
    """Return how many blocks a pretrained network has before its pooling and classifier."""
    return len(_blocks()[network])


def resized(layer: Backbone, sides: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the (H, W) that a picture of other sides is resized to; None where it stays as it is."""
    height, width = sides
    shorter = min(height, width)
    if not layer.size or shorter == layer.size:
        return None
    return round(height * layer.size / shorter), round(width * layer.size / shorter)


def backbone_windows(layer: Backbone, sides: tuple[int, ...]) -> list[tuple[Window, tuple[int, ...]]]:
    """Return the windows of a backbone's widest branch behind the resizing, each with the (H, W) that come out."""
    found: list[tuple[Window, tuple[int, ...]]] = []
    reached = resized(layer, sides) or sides
    for block in _blocks()[layer.network][: layer.up_to or None]:
        for window in block.windows:
            reached = _slide(reached, window)
            found.append(((*window[:3], 1), reached))
    return found


def backbone_result(layer: Backbone, shape: Shape) -> LayerResult:
    """Pass the shape of a picture, (C, H, W), through a backbone; raises `ShapeError`."""
    _check(layer, shape)
    original = shape[1:]
    sides = resized(layer, original) or original
    field, frozen, params, macs, inner, channels = ReceptiveField(), 0, 0, list[int](), 0, CHANNELS
    blocks = _blocks()[layer.network][: layer.up_to or None]
    for number, block in enumerate(blocks, start=1):
        reached = list(accumulate(block.windows, _slide, initial=sides))
        for short in reached:
            if min(short) < 1:
                size = dimensions(resized(layer, original) or original, "×")
                why = f"a picture of {size} pixels is too small for block {number} of {zoo_info(layer.network).title}"
                raise ShapeError("span", f"{min(sides)} / {max(1, block.windows[0][1])} < 1: {why}.")
        places = [*(height * width for height, width in reached), 1]
        macs.append(sum(places[level] * weights for level, weights, _ in block.work))
        if layer.train_from and number >= layer.train_from:
            params += block.params
            inner += KEPT * sum(places[level] * numbers for level, _, numbers in block.work)
        else:
            frozen += block.params
        for span, stride, front, _ in block.windows:
            field = field.through((span, stride, front, 1))
        sides, channels = reached[-1], block.channels
    return LayerResult(
        shape=(channels, *sides),
        receptive_field=_in_pixels(field, original, resized(layer, original)),
        params=((params,),) if params else (),
        macs=((sum(macs),),),
        frozen=frozen,
        inner=inner,
    )


def _check(layer: Backbone, shape: Shape) -> None:
    title, count = zoo_info(layer.network).title, num_blocks(layer.network)
    last = layer.up_to or count
    if shape[0] not in (1, CHANNELS):
        raise ShapeError("channels", f"{shape[0]} channels: {title} looks at grey or colour pictures, of 1 or 3.")
    if layer.up_to > count:
        raise ShapeError("blocks", f"{layer.up_to} > {count}: {title} has {count} blocks.")
    if layer.train_from > last:
        raise ShapeError("blocks", f"{layer.train_from} > {last}: the block to train from lies behind the last one.")


def _slide(sides: tuple[int, ...], window: tuple[int, int, int, int]) -> tuple[int, ...]:
    span, stride, front, behind = window
    return tuple((side + front + behind - span) // stride + 1 if side > 0 else 0 for side in sides)


def _in_pixels(field: ReceptiveField, sides: tuple[int, ...], resized: tuple[int, int] | None) -> ReceptiveField:
    """Return a field in pixels of the picture before it was resized; bilinear resizing looks at one more at each end.

    It is resized by about the same factor both ways: that of the height counts.
    """
    if resized is None:
        return field
    assert field.start is not None and field.jump is not None
    factor = sides[0] / resized[0]
    first = floor((field.start + 0.5) * factor - 0.5)
    size = ceil((field.size - 1) * factor) + 2
    return ReceptiveField(size, jump=field.jump * factor, start=first)
