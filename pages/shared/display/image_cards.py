"""Cards of pictures with captions, in a grid."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

if TYPE_CHECKING:
    import numpy as np

# Nine stand in one row where there is room, else in three rows of three.
_STYLE = """<style>
.cs-cards { container-type: inline-size; }
.cs-cards ol { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px 8px; margin: 0; padding: 0;
  list-style: none; }
.cs-cards li { margin: 0; padding: 0; min-width: 0; font-size: 0.8125rem; line-height: 1.3; }
.cs-cards img { display: block; width: 100%; max-width: 128px; margin: 0 0 6px; border-radius: 2px;
  image-rendering: pixelated; outline: 1px solid color-mix(in srgb, currentColor 30%, transparent);
  background: repeating-linear-gradient(135deg, color-mix(in srgb, currentColor 30%, transparent) 0 1px,
  transparent 1px 6px); }
.cs-cards b { display: block; font-weight: 600; overflow-wrap: anywhere; }
.cs-cards span { font-variant-numeric: tabular-nums; }
@container (min-width: 700px) { .cs-cards ol { grid-template-columns: repeat(9, 1fr); } }
</style>"""


@dataclass(frozen=True, eq=False)
class Card:
    """A card: pictures below one another, with a caption.

    Attributes:
        title, note: Shown as they stand.
        words: What the pictures show, for a screen reader and a resting pointer.
        pictures: uint8 (H, W, 3), or (H, W, 4) where a part is transparent; all of a kind have one size.
    """

    title: str
    note: str
    words: str
    pictures: "tuple[np.ndarray, ...]"


def cards(items: Sequence[Card]) -> None:
    """Show cards side by side."""
    st.html(f'{_STYLE}<div class="cs-cards"><ol>{"".join(map(_card, items))}</ol></div>')


def _card(card: Card) -> str:
    words = html.escape(card.words)
    images = "".join(f'<img alt="{words}" title="{words}" src="{_source(each)}">' for each in card.pictures)
    return f"<li>{images}<b>{html.escape(card.title)}</b><span>{html.escape(card.note)}</span></li>"


def _source(pixels: "np.ndarray") -> str:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=6)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
