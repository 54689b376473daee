"""The sign and the colour of every kind of layer in a drawing of a network."""

from core.figures.network_blocks import BLOCK, INPUT
from core.figures.palette import HUES, THEMES
from core.model.layers import LAYERS

OTHER = "other"
# Lines within 16 × 16; each kind has another one, so that none is told by its colour alone.
SIGNS = {
    INPUT: "M2 3h12v10h-12zM2 11l4-4 3 3 2-2 3 3",
    "conv": "M2 2h12v12h-12zM6 2v12M10 2v12M2 6h12M2 10h12",
    "batch_norm": "M1 13c4 0 4-10 7-10s3 10 7 10",
    "activation": "M1 12h7l6-9",
    "max_pool": "M1 3h14l-5 6v5l-4-2v-3z",
    "avg_pool": "M1 8h14M1 8c2.3-8 4.7-8 7 0s4.7 8 7 0",
    "dropout": "M8 2a6 6 0 1 0 .01 0zM3.8 12.2l8.4-8.4",
    "global_avg_pool": "M8 2a6 6 0 1 0 .01 0zM8 7a1 1 0 1 0 .01 0z",
    "flatten": "M2 3h12M2 6.3h12M2 9.6h12M2 13h12",
    "dense": "M3 3l10 2M3 3l10 8M3 8l10-3M3 8l10 3M3 13l10-8M3 13l10-2",
    "residual": "M1 12h14M3 12c0-11 10-11 10 0M10.5 9.5l2.5 2.5 2.5-3",
    "backbone": "M1 3h3v10h-3zM6 5h3v6h-3zM11 6.5h3v3h-3z",
    BLOCK: "M2 2h12v12h-12zM5 5h6v6h-6z",
    OTHER: "M2 8h1M7.5 8h1M13 8h1",
}
_TITLES = {INPUT: "Input", BLOCK: "Block of layers", "loss": "Softmax and loss", OTHER: "Other layer"}
_HUES = {  # place in `HUES`; what is not here computes nothing and is grey
    "conv": 0,
    "max_pool": 1,
    "avg_pool": 1,
    "global_avg_pool": 1,
    "residual": 2,
    "backbone": 2,
    BLOCK: 2,
    "activation": 3,
    "dense": 4,
    "batch_norm": 6,
    "dropout": 7,
}


def sign_of(kind: str) -> str:
    """Return the lines of a kind's sign, an SVG path within 16 × 16."""
    return SIGNS.get(kind, SIGNS[OTHER])


def kind_title(kind: str) -> str:
    """Return what a kind is called."""
    return LAYERS[kind].title if kind in LAYERS else _TITLES.get(kind, _TITLES[OTHER])


def faces(kind: str, theme: str) -> tuple[str, str, str]:
    """Return the colours of a block's front, top and side, "#rrggbb"."""
    hue = HUES[theme][_HUES[kind]] if kind in _HUES else THEMES[theme].neutral
    return hue, _mixed(hue, "#ffffff", 0.45), _mixed(hue, "#000000", 0.3)


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + bytes(round((1 - share) * one + share * two) for one, two in pairs).hex()
