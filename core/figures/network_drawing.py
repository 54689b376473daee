"""A network drawn as blocks, an SVG file that stands by itself: sizes by a stated scale, a sign for every kind."""

from collections.abc import Collection, Iterator, Sequence
from html import escape
from textwrap import wrap

from core.figures.layer_signs import OTHER, SIGNS, faces, kind_title, sign_of
from core.figures.network_blocks import (
    GAP_PX,
    INPUT,
    LETTER_PX,
    MAP_PX,
    PAD_PX,
    SLANT,
    Block,
    DrawnLayer,
    Item,
    Scale,
    fold,
    place,
    shape_label,
)
from core.figures.palette import THEMES, WRONG
from core.formatting import dimensions

MARK_PX = 14.0  # room above the blocks for what marks the current one
LABELS_PX = 52.0  # sign, name and shape
SIGN_PX = 16.0
LINE_PX = 18.0  # of the legend
ENTRY_PX = 172.0  # of the legend's table
NARROWEST_PX = 380.0  # of a drawing with a legend


def network_svg(
    layers: Sequence[DrawnLayer],
    *,
    title: str,
    current: Collection[str] = (),
    targets: Collection[str] = (),
    theme: str | None = None,
    zoom: float = 1.0,
    legend: bool = False,
) -> str:
    """Return a network as SVG: from left to right a block for every layer, as high and deep as its maps.

    Each layer is a group with its name in `data-layer`, `data-target` where a press on it leads, and what is to be
    read of it as its title.

    Args:
        layers: As `network_layers` or `spec_layers` returns them.
        title: The network's name, as it stands.
        current: Names of the layers that are looked at, which are marked.
        targets: Names of the layers that can be gone to; none are dimmed where it is empty.
        theme: "light" or "dark"; None follows what the viewer prefers and paints the page, for a file.
        zoom: Factor on the sizes of the blocks.
        legend: Whether the name stands above, and signs and scale are explained below.
    """
    scale = Scale.of(layers, zoom)
    items = fold(layers, current, targets)
    blocks = place(items, scale)
    width = max(blocks[-1].column[1] + PAD_PX, NARROWEST_PX if legend else 0.0)
    top = PAD_PX + 22.0 if legend else 0.0
    middle = top + MARK_PX + zoom * MAP_PX * (SLANT + 0.5)
    foot = top + MARK_PX + zoom * MAP_PX * (1 + SLANT)
    end, below = foot + LABELS_PX, ""
    if legend:
        below, end = _legend(items, scale, end + 8.0, width)
    name = escape(" ".join(title.split()))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {end:.0f}" width="{width:.0f}" '
        f'height="{end:.0f}" role="img" aria-labelledby="network-title network-text">',
        f'<title id="network-title">{name}</title><desc id="network-text">{escape(description(layers))}</desc>',
        f"<style>{_style({item.layer.kind for item in items}, theme)}</style>",
        '<rect class="page" width="100%" height="100%"/>' if theme is None else "",
        f'<text class="heading" x="{PAD_PX}" y="{PAD_PX + 12}">{name}</text>' if legend else "",
        f'<path class="way" d="{_way(blocks, middle)}"/>',
        *_frames(blocks, top + 1, end=foot + LABELS_PX - 1),
        *(
            _block(block, middle, foot, dim=bool(targets) and not block.item.target and block.item.layer.kind != INPUT)
            for block in blocks
        ),
        below,
        "</svg>",
    ]
    return "".join(parts)


def description(layers: Sequence[DrawnLayer]) -> str:
    """Return in words what is drawn, for those who cannot see it."""
    steps = "; ".join(f"{layer.name} ({kind_title(layer.kind).lower()}) {_shape(layer)}" for layer in layers)
    return f"From left to right: {steps}."


def caption(item: Item) -> str:
    """Return what is to be read of a block, one line."""
    layer = item.layer
    parts = [layer.name, kind_title(layer.kind), layer.note if layer.note != kind_title(layer.kind) else ""]
    folded = f"{item.folds} layers inside" if item.folds else ""
    return " · ".join(filter(None, (*parts, folded, _shape(layer), layer.wrong)))


def _leads_nowhere(item: Item) -> bool:
    return not item.target and item.layer.kind != INPUT


def _shape(layer: DrawnLayer) -> str:
    return dimensions(layer.shape, "×") if layer.shape else "cannot work"


def _block(block: Block, middle: float, foot: float, *, dim: bool) -> str:
    item, layer = block.item, block.item.layer
    left, right = block.column
    centre = (left + right) / 2
    classes = ["layer", layer.kind if layer.kind in SIGNS else OTHER]
    classes += [word for word, on in (("current", item.current), ("dim", dim), ("wrong", layer.wrong)) if on]
    target = f' data-target="{escape(item.target)}"' if item.target else ""
    shape = shape_label(item)
    top = middle - block.height / 2
    return "".join(
        (
            f'<g class="{" ".join(classes)}" data-layer="{escape(layer.name)}"{target}>',
            f"<title>{escape(caption(item))}</title>",
            f'<rect class="room" x="{left - GAP_PX / 2:.1f}" y="{middle - (foot - middle) - 8:.1f}" '
            f'width="{right - left + GAP_PX:.1f}" height="{2 * (foot - middle) + LABELS_PX + 8:.1f}" rx="6"/>',
            _solid(block, top),
            f'<path class="here" d="M{centre - 6:.1f} {top - block.depth - 11:.1f}h12l-6 8z"/>' if item.current else "",
            f'<path class="sign" transform="translate({centre - SIGN_PX / 2:.1f} {foot + 4:.1f})" '
            f'd="{sign_of(layer.kind)}"/>',
            f'<text class="name" x="{centre:.1f}" y="{foot + 33:.1f}">{escape(item.label)}</text>',
            f'<text class="shape" x="{centre:.1f}" y="{foot + 46:.1f}">{shape}</text>' if shape else "",
            "</g>",
        )
    )


def _solid(block: Block, top: float) -> str:
    """Return the faces of a block; twice where layers are folded into it, dashed where it has no size."""
    left, width, height, depth = block.left, block.width, block.height, block.depth
    if block.item.layer.shape is None:
        return f'<rect class="unknown" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
    faces = (
        f'<path class="side" d="M{left + width:.1f} {top:.1f}l{depth:.1f} {-depth:.1f}v{height:.1f}'
        f'l{-depth:.1f} {depth:.1f}z"/>'
        f'<path class="top" d="M{left:.1f} {top:.1f}l{depth:.1f} {-depth:.1f}h{width:.1f}l{-depth:.1f} {depth:.1f}z"/>'
        f'<rect class="front" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
    )
    if block.item.folds:  # seams: several layers in one
        lines = "".join(f"M{left + width * part:.1f} {top:.1f}v{height:.1f}" for part in (1 / 3, 2 / 3))
        faces += f'<path class="seam" d="{lines}"/>'
    return faces


def _way(blocks: Sequence[Block], middle: float) -> str:
    """Return the lines between neighbouring blocks, along which a picture passes."""
    ends = [block.left + block.width + block.depth for block in blocks]
    return "".join(f"M{end:.1f} {middle:.1f}H{block.left:.1f}" for end, block in zip(ends, blocks[1:], strict=False))


def _frames(blocks: Sequence[Block], top: float, end: float) -> Iterator[str]:
    """Yield a frame around the layers of each block that is open, with its name."""
    for name in dict.fromkeys(block.item.group for block in blocks if block.item.group):
        inside = [block for block in blocks if block.item.group == name or block.item.layer.name == name]
        left, right = inside[0].column[0] - GAP_PX / 2, inside[-1].column[1] + GAP_PX / 2
        yield (
            f'<rect class="frame" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
            f'height="{end - top:.1f}" rx="6"/>'
        )


def _legend(items: Sequence[Item], scale: Scale, top: float, width: float) -> tuple[str, float]:
    """Return signs and scale in words, and where they end."""
    parts, across = [], max(1, int((width - 2 * PAD_PX) // ENTRY_PX))
    kinds = list(dict.fromkeys(item.layer.kind for item in items))
    for number, kind in enumerate(kinds):
        x, y = PAD_PX + number % across * ENTRY_PX, top + number // across * (LINE_PX + 4)
        parts.append(
            f'<g class="{kind if kind in SIGNS else OTHER}"><rect class="front" x="{x}" y="{y:.1f}" width="6" '
            f'height="{SIGN_PX}"/><path class="sign" transform="translate({x + 10} {y:.1f})" d="{sign_of(kind)}"/>'
            f'<text class="entry" x="{x + 32}" y="{y + 12:.1f}">{escape(kind_title(kind))}</text></g>'
        )
    y = top + -(-len(kinds) // across) * (LINE_PX + 4) + LINE_PX
    for line in wrap(scale_words(scale), int((width - 2 * PAD_PX) / LETTER_PX)):
        parts.append(f'<text class="entry" x="{PAD_PX}" y="{y:.1f}">{escape(line)}</text>')
        y += LINE_PX
    return "".join(parts), y


def scale_words(scale: Scale) -> str:
    """Say what the sizes mean."""
    rows = f" Height of a row of numbers: square root of its length, at most {scale.numbers:,}." * bool(scale.numbers)
    return (
        f"Height and depth: square root of a map's height and width, the largest {scale.side} pixels. "
        f"Thickness: square root of its channels, at most {scale.channels:,}.{rows} "
        "Thin slabs keep the shape of the block before."
    )


def _style(kinds: Collection[str], theme: str | None) -> str:
    """Return the style sheet: of one theme, or of the light one with the dark one for those who prefer it."""
    if theme is not None:
        return _FORM + _colours(kinds, theme)
    return f"{_FORM}{_colours(kinds, 'light')}@media (prefers-color-scheme:dark){{{_colours(kinds, 'dark')}}}"


_FORM = (
    "text{font:11px system-ui,sans-serif}.heading{font-size:15px;font-weight:600}.name,.shape{text-anchor:middle}"
    ".name{font-weight:500}.sign{fill:none;stroke-width:1.4;stroke-linecap:round;stroke-linejoin:round}"
    ".room{fill:none;pointer-events:all}.way{fill:none;stroke-width:1.5}.frame{fill:none;stroke-dasharray:2 3}"
    ".front,.top,.side{stroke-width:.75;stroke-linejoin:round}.seam{fill:none;stroke-width:1.5}"
    ".unknown{fill:none;stroke-width:2;stroke-dasharray:4 3}.current .name{font-weight:700}"
    ".dim .front,.dim .top,.dim .side,.dim .sign{opacity:.45}"
)


def _colours(kinds: Collection[str], theme: str) -> str:
    colours = THEMES[theme]
    rules = [
        f".page{{fill:{colours.background}}}text{{fill:{colours.text}}}.shape,.entry{{fill:{colours.muted}}}",
        f".sign{{stroke:{colours.text}}}.way,.frame{{stroke:{colours.neutral}}}.here{{fill:{colours.mark}}}",
        f".front,.top,.side,.seam{{stroke:{colours.background}}}.current .name{{fill:{colours.mark}}}",
        f".unknown,.wrong .sign{{stroke:{WRONG}}}.wrong .name{{fill:{WRONG}}}",
    ]
    for kind in sorted({kind if kind in SIGNS else OTHER for kind in kinds}):
        front, top, side = faces(kind, theme)
        rules.append(f".{kind} .front{{fill:{front}}}.{kind} .top{{fill:{top}}}.{kind} .side{{fill:{side}}}")
    return "".join(rules)
