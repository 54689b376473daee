"""A network as blocks in a row: its layers with their shapes, inner blocks folded, and the size and place of each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import sqrt

from core.formatting import dimensions
from core.inference.network import Network
from core.model.layers import describe_layer
from core.model.shapes import summarize
from core.model.spec import ModelSpec, Shape
from core.probe.network_layers import layers_of, parts_of

INPUT = "input"  # name and kind of what goes in
BLOCK = "block"
SLABS = ("activation", "batch_norm", "dropout")  # they keep the shape: drawn thin, without a shape of their own
MANY = 30  # layers that are drawn one by one
MAP_PX, CHANNELS_PX = 96.0, 36.0  # height of the largest map, thickness of the most channels
LEAST_PX, SLAB_PX, ROW_PX = 3.0, 5.0, 9.0  # the thinnest block, a slab, a row of numbers
SLANT = 0.35  # how far a block reaches back for its width
LETTER_PX = 6.8  # mean width of a letter of a label, 11 px
GAP_PX, PAD_PX = 10.0, 12.0  # between two columns, around the drawing
MAX_LABEL = 16  # letters


@dataclass(frozen=True)
class DrawnLayer:
    """One layer to be drawn.

    Attributes:
        name: As in `model.named_modules()`; "input" for what goes in.
        kind: That of a `Layer`, "input", "block" or "other".
        shape: (C, H, W) or (F,) of what comes out; None where it cannot be computed.
        note: What is particular about it, in a few words; empty if nothing is.
        wrong: Why it cannot work; empty if it can.
    """

    name: str
    kind: str
    shape: Shape | None
    note: str = ""
    wrong: str = ""


@dataclass(frozen=True)
class Item:
    """A layer, or a folded block, as it stands in the drawing.

    Attributes:
        layer: The layer; for a folded block the block itself.
        label: Its name, cut where it is long, without that of the open block around it.
        group: The innermost open block around it; empty if there is none.
        folds: Number of layers that are folded into it.
        target: The layer that a press on it leads to; empty where it leads nowhere.
        current: Whether it is looked at.
    """

    layer: DrawnLayer
    label: str
    group: str = ""
    folds: int = 0
    target: str = ""
    current: bool = False


@dataclass(frozen=True)
class Scale:
    """What the sizes of blocks are measured by: the largest of a network, each drawn by its square root.

    Attributes:
        side: Height or width of the largest map in pixels of it.
        channels: The most channels.
        numbers: The longest row of numbers; 0 where there is none.
        zoom: Factor on all sizes of blocks.
    """

    side: int
    channels: int
    numbers: int
    zoom: float = 1.0

    @classmethod
    def of(cls, layers: Sequence[DrawnLayer], zoom: float = 1.0) -> "Scale":
        """Return the scale in which the largest maps and rows fill their room."""
        maps = [layer.shape for layer in layers if layer.shape and len(layer.shape) == 3]
        rows = [layer.shape[0] for layer in layers if layer.shape and len(layer.shape) == 1]
        sides = [side for shape in maps for side in shape[1:]]
        return cls(max(sides, default=1), max((shape[0] for shape in maps), default=1), max(rows, default=0), zoom)

    def thickness(self, channels: int) -> float:
        """Return the width of a block's front in pixels of the drawing."""
        return self.zoom * max(LEAST_PX, CHANNELS_PX * sqrt(channels / self.channels))

    def height(self, side: int) -> float:
        """Return the height of a block for the side of a map."""
        return self.zoom * max(LEAST_PX, MAP_PX * sqrt(side / self.side))

    def length(self, numbers: int) -> float:
        """Return the height of a row of numbers."""
        return self.zoom * max(LEAST_PX, MAP_PX * sqrt(numbers / self.numbers))


@dataclass(frozen=True)
class Block:
    """A block of the drawing: its front is a rectangle, its top and side reach back by `depth` to the upper right.

    Attributes:
        item: What it stands for.
        column: Left and right edge of its column, all in pixels of the drawing.
        left: Left edge of the front.
        width, height: Of the front.
        depth: How far it reaches to the right and up.
    """

    item: Item
    column: tuple[float, float]
    left: float
    width: float
    height: float
    depth: float


def spec_layers(spec: ModelSpec) -> tuple[DrawnLayer, ...]:
    """Return what goes in and the layers of a stack, up to the first that cannot work."""
    drawn = [DrawnLayer(INPUT, INPUT, spec.input_shape)]
    for layer, summary in zip(spec.layers, summarize(spec), strict=True):
        wrong = summary.problem.message if summary.problem else ""
        drawn.append(DrawnLayer(summary.name, summary.kind, summary.output_shape, describe_layer(layer), wrong))
        if wrong:
            break
    return tuple(drawn)


def network_layers(network: Network, inner: Collection[str] = ()) -> tuple[DrawnLayer, ...]:
    """Return what goes in and the layers of a network as they are listed; raises `ConvScopeError`.

    Args:
        network: The network.
        inner: Names of layers that are not listed, because they lie inside one that is, and stand before it here.
    """
    listed = (DrawnLayer(layer.name, layer.kind, layer.output_shape) for layer in layers_of(network))
    drawn = spec_layers(network.spec) if network.spec else (DrawnLayer(INPUT, INPUT, network.input_shape), *listed)
    names = {layer.name for layer in drawn}
    if all(name in names for name in inner):
        return drawn
    parts = [part for part in parts_of(network) if part.name in inner and part.name not in names]
    inside = {
        outer: [DrawnLayer(part.name, part.kind, part.output_shape) for part in parts if _inside(part.name, outer)]
        for outer in names
    }
    return tuple(each for layer in drawn for each in (*inside[layer.name], layer))


def fold(
    layers: Sequence[DrawnLayer], current: Collection[str] = (), targets: Collection[str] = (), most: int = MANY
) -> tuple[Item, ...]:
    """Return what is drawn: with more than `most` layers, blocks are folded unless a current layer lies in them.

    Args:
        layers: All layers in order; a block comes after its own layers, whose names begin with its name and a dot.
        current: Names of the layers that are looked at.
        targets: Names of those that can be gone to; a layer also stands for those inside it.
        most: How many layers are drawn without folding.
    """
    blocks = [layer.name for layer in layers if any(_inside(other.name, layer.name) for other in layers)]
    opened = {name for name in blocks if name in current or any(_inside(layer, name) for layer in current)}
    if len(layers) <= most:
        opened = set(blocks)
    items = []
    for layer in layers:
        around = [name for name in blocks if _inside(layer.name, name)]
        if any(name not in opened for name in around):
            continue
        group = max(around, key=len, default="")
        whole = layer.name not in opened  # what lies in it is not drawn by itself
        folds = sum(_inside(other.name, layer.name) for other in layers) if whole else 0
        stands_for = [name for name in targets if name == layer.name or (whole and _inside(name, layer.name))]
        items.append(
            Item(
                layer,
                _short(layer.name.removeprefix(f"{group}.") if group else layer.name),
                group,
                folds,
                layer.name if layer.name in stands_for else next(iter(stands_for), ""),
                any(name == layer.name or (whole and _inside(name, layer.name)) for name in current),
            )
        )
    return tuple(items)


def _inside(name: str, block: str) -> bool:
    return name.startswith(f"{block}.")


def _short(name: str) -> str:
    if len(name) <= MAX_LABEL:
        return name
    cut = name[1 - MAX_LABEL :]
    return "…" + (cut.partition(".")[2] or cut)


def shape_label(item: Item) -> str:
    """Return the shape that stands below a block: none below a slab, which keeps that of the block before."""
    shape = item.layer.shape
    return "" if item.layer.kind in SLABS else dimensions(shape, "×") if shape else "?"


def place(items: Sequence[Item], scale: Scale) -> tuple[Block, ...]:
    """Put blocks side by side, each in a column that its block and its labels fit in."""
    blocks, edge = [], PAD_PX
    for item in items:
        width, height, depth = _size(item.layer, scale)
        letters = max(len(item.label), len(shape_label(item)))
        room = max(width + depth, LETTER_PX * letters, 16.0)
        blocks.append(Block(item, (edge, edge + room), edge + (room - width - depth) / 2, width, height, depth))
        edge += room + GAP_PX
    return tuple(blocks)


def _size(layer: DrawnLayer, scale: Scale) -> tuple[float, float, float]:
    """Return width and height of a block's front, and how far it reaches back."""
    if layer.shape is None:
        return scale.zoom * CHANNELS_PX / 2, scale.zoom * MAP_PX / 2, 0.0
    thin = scale.zoom * SLAB_PX if layer.kind in SLABS else 0.0
    if len(layer.shape) == 1:
        return thin or scale.zoom * ROW_PX, scale.length(layer.shape[0]), scale.zoom * SLANT * ROW_PX
    channels, height, width = layer.shape
    return thin or scale.thickness(channels), scale.height(height), SLANT * scale.height(width)
