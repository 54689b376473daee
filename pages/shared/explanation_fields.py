"""What the cells of a layer see of the picture: the layer that a map was seen from, drawn on it."""

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import ConvScopeError
from core.inference.network import Network
from pages.shared.widgets.map_view import Field

if TYPE_CHECKING:
    from core.probe.sights import Sight


@st.cache_resource(show_spinner=False, max_entries=16)
def _sights(run_id: str, _weights: Network) -> "dict[str, Sight]":
    from core.probe.anatomy import dissect

    return {part.name: part.sight for part in dissect(_weights.model, _weights.input_shape)}


def field_of(weights: Network, layer: str) -> Field | None:
    """Return what each cell of a layer's maps sees, or None where that is not known or has no places."""
    try:
        sight = _sights(weights.id, weights).get(layer)
    except ConvScopeError:
        return None
    if sight is None or not sight.places:
        return None
    boxes = [sight.box(row, 0) for row in range(sight.sides[0])], [sight.box(0, col) for col in range(sight.sides[1])]
    return Field(tuple((box[0], box[2]) for box in boxes[0]), tuple((box[1], box[3]) for box in boxes[1]))


def field_words(field: Field, layer: str) -> str:
    """Say in a sentence which layer it is, how many cells it has and how much one sees."""
    most = max(bottom - top for top, bottom in field.rows), max(right - left for left, right in field.cols)
    cells = f"{len(field.rows)} × {len(field.cols)} cells"
    return f"Seen from layer {layer}: {cells}, each sees up to {most[0]} × {most[1]} pixels (dashed)."
