"""Drawing of explanations side by side in one scale, with their legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.explain.methods.base import Method
from core.figures.overlays import Overlay, faded, overlay
from core.inference.network import Network
from pages.shared.display.map_grid import color_bar
from pages.shared.explanation.controls import HeatmapStyle
from pages.shared.network.comparison import unwrap
from pages.shared.picture import input_image
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.widgets.map_view import Field, map_view

if TYPE_CHECKING:
    from core.explain.attribution import Attribution
    from core.probe.receptive_fields import ReceptiveFieldMap


@st.cache_resource(show_spinner=False, max_entries=16)
def _receptive_fields(run_id: str, _network: Network) -> "dict[str, ReceptiveFieldMap]":
    from core.probe.layer_graph import layer_graph

    return {part.name: part.receptive_field for part in layer_graph(_network.model, _network.input_shape)}


def field_of(network: Network, layer: str) -> Field | None:
    """Return the receptive field of each cell of a layer's maps, or None where it is unknown or has no places."""
    try:
        field = _receptive_fields(network.id, network).get(layer)
    except ConvScopeError:
        return None
    if field is None or not field.places:
        return None
    boxes = [field.box(row, 0) for row in range(field.sides[0])], [field.box(0, col) for col in range(field.sides[1])]
    return Field(tuple((box[0], box[2]) for box in boxes[0]), tuple((box[1], box[3]) for box in boxes[1]))


def field_words(field: Field, layer: str) -> str:
    """Return a sentence on a layer's cells and their receptive field."""
    most = max(bottom - top for top, bottom in field.rows), max(right - left for left, right in field.cols)
    cells = f"{len(field.rows)} × {len(field.cols)} cells"
    return f"Seen from layer {layer}: {cells}, each sees up to {most[0]} × {most[1]} pixels (dashed where you point)."


UNIT = {"channel": "map", "row": "row", "col": "column"}
MIN_MAP_PX = 150  # screen pixels of one of several maps


@dataclass(frozen=True)
class MapColumn:
    """One column of maps: whose network, which class, against which other, and what that is called (Markdown)."""

    network: Network
    target: int
    versus: int | None = None
    title: str = ""


@dataclass(frozen=True)
class ShownExplanation:
    """An explanation that is on the screen."""

    view: MapColumn
    attribution: "Attribution"


def draw(
    method: Method,
    views: Sequence[MapColumn],
    results: "Sequence[Attribution | ConvScopeError]",
    picture: input_image.InputImage,
    look: HeatmapStyle,
) -> list[ShownExplanation]:
    explanations = [
        ShownExplanation(view, each)
        for view, each in zip(views, results, strict=True)
        if not isinstance(each, ConvScopeError)
    ]
    figure = _overlay(method, explanations, picture, look) if explanations else None
    pictures = iter(np.split(figure.pixels, len(explanations), axis=1) if figure else ())
    with st.grid(len(views), min_column_width=MIN_MAP_PX, gap="small"):
        for place, (view, each) in enumerate(zip(views, results, strict=True)):
            with st.container(gap="xsmall"):
                if len(views) > 1:
                    st.markdown(f":small[{view.title}]")
                with show_errors():
                    _map(method, unwrap(each), view, picture, figure, next(pictures), place)
    if figure:
        _words(method, explanations, figure, look)
    return explanations


def _overlay(
    method: Method, explanations: Sequence[ShownExplanation], picture: input_image.InputImage, look: HeatmapStyle
) -> Overlay:
    """Draw explanations of a picture beside one another, in one scale."""
    from core.explain.attribution import heatmap
    from core.explain.strength import full_colour

    networks = {each.view.network.cache_key for each in explanations}
    return overlay(
        np.concatenate([faded(picture.array(), method.signed)] * len(explanations), axis=1),
        np.concatenate([heatmap(each.attribution).numpy() for each in explanations], axis=1),
        signed=method.signed,
        positive=method.positive,
        negative=method.negative,
        strength=look.strength,
        percentile=look.percentile,
        sign=look.sign,
        zoom=zoom(picture.array()),
        scope="networks" if len(networks) > 1 else "these" if len(explanations) > 1 else "map",
        full_colour=full_colour([each.attribution for each in explanations]),
    )


def _map(
    method: Method,
    attribution: "Attribution",
    view: MapColumn,
    picture: input_image.InputImage,
    figure: Overlay | None,
    pixels: np.ndarray,
    place: int,
) -> None:
    from core.explain.attribution import heatmap
    from core.explain.strength import strength_of

    assert figure is not None  # there is this one
    values, layer = heatmap(attribution).numpy(), attribution.options.get("layer")
    field = field_of(view.network, str(layer)) if layer and attribution.values.ndim == 2 else None
    map_view(
        pixels,
        picture.raw(),
        key=f"map_{method.name}_{place}",
        label=f"{method.title} of {view.title}: {figure.text}",
        group=picture.digest,
        values=values,
        field=field,
    )
    if words := strength_of(attribution).text:
        st.caption(escape_markdown(words))
    elif attribution.gap and attribution.gap.shortfall:
        st.caption(escape_markdown(attribution.gap.shortfall))


def _words(method: Method, explanations: Sequence[ShownExplanation], figure: Overlay, look: HeatmapStyle) -> None:
    words = [figure.text]
    if not method.signed and look.sign != "both":
        words.append("Its values have no sign to choose by.")
    words += _places(explanations)
    if figure.scale.high:
        color_bar(figure.scale, " ".join(words))
    elif not explanations[0].attribution.blank:
        st.caption(escape_markdown(" ".join(words)))


def _places(explanations: Sequence[ShownExplanation]) -> list[str]:
    """Say which layers and which of their units were looked at."""
    words = dict[str, None]()
    for each in explanations:
        options, coarse = each.attribution.options, each.attribution.values.ndim == 2
        layer = options.get("layer")
        if layer:
            field = field_of(each.view.network, str(layer)) if coarse else None
            words[field_words(field, str(layer)) if field else f"Layer {layer}."] = None
        unit = [f"{name} {options[key]}" for key, name in UNIT.items() if options.get(key) is not None]
        if unit:
            words[f"Of {', '.join(unit)}."] = None
    return list(words)


def zoom(pixels: np.ndarray) -> int:
    """Return how many pixels to show for each of a picture's, so that its longer side has 256 or more."""
    return max(1, -(-256 // max(pixels.shape[:2])))
