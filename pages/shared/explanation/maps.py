"""The section of explanations of a picture: the network's input and a card for each method."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.explain.methods.registry import METHODS
from core.inference.network import Network
from pages.shared.display.class_bars import class_name, same_classes
from pages.shared.explanation.cards import UNASKED_SECONDS, Waiting, card, compute_all
from pages.shared.explanation.controls import HeatmapStyle, method_options
from pages.shared.explanation.rendering import MapColumn, ShownExplanation, zoom
from pages.shared.network import inference
from pages.shared.network.comparison import LETTERS, collect_results, unwrap
from pages.shared.picture import input_image
from pages.shared.shell.layout import escape_markdown
from pages.shared.widgets.map_view import map_view

STYLE = """<style>
div[class*="st-key-head_"] { min-height: 2.5rem; flex-wrap: nowrap; }
div[class*="st-key-head_"] p { line-height: 1.25; }
div[class*="st-key-explained_"] { min-height: 25rem; }
[class*="st-key-about_"] button > div > [aria-hidden] { display: none; }
</style>"""


def comparable(
    networks: Sequence[Network], picture: input_image.InputImage
) -> tuple[Sequence[Network], list[np.ndarray]]:
    """Return the networks that can be asked about this picture and class, and what they answer."""
    answers = collect_results(networks, lambda network: inference.probabilities(network, picture))
    if len(networks) > 1 and (isinstance(answers[1], ConvScopeError) or not same_classes(networks)):
        networks, answers = networks[:1], answers[:1]  # what keeps it away stands where its answer would
    return networks, [unwrap(answer) for answer in answers]


def map_title(networks: Sequence[Network], answers: Sequence[np.ndarray], target: int) -> None:
    """Write which class is explained, above its maps."""
    why = "Why" if all(answer.argmax() == target for answer in answers) else "What speaks for"
    st.subheader(f"{why} “{class_name(networks[0], target)}”?", anchor=False, width="content")


def map_columns(
    networks: Sequence[Network], target: int, more: Sequence[int] = (), versus: int | None = None
) -> list[MapColumn]:
    """List the columns of maps: each network, each class, and the difference of two classes."""
    views = []
    for letter, network in zip(LETTERS, networks, strict=False):
        brand = [letter, network.moment] if len(networks) > 1 else []
        names = {index: class_name(network, index) for index in (target, *more, versus) if index is not None}
        for index in (target, *more):
            title = [*brand, names[index]] if more or versus is not None or not brand else brand
            views.append(MapColumn(network, index, None, " · ".join(title)))
        if versus is not None:
            views.append(
                MapColumn(network, target, versus, " · ".join([*brand, f"{names[target]} and not {names[versus]}"]))
            )
    return views


def map_cards(
    views: Sequence[MapColumn],
    picture: input_image.InputImage,
    names: Sequence[str],
    look: HeatmapStyle,
    *,
    own: bool = True,
    unasked_seconds: float = UNASKED_SECONDS,
) -> list[ShownExplanation]:
    """Draw the picture and a card for each method, and return the maps that are there already.

    Args:
        views: The columns of each card.
        picture: What is explained.
        names: The methods.
        look: How maps are drawn.
        own: Whether the methods have the settings that were asked for, else their defaults.
        unasked_seconds: What takes no longer than this is computed without a press.
    """
    explanations: list[ShownExplanation] = []
    waiting: list[Waiting] = []
    columns, width = (3, 220) if len(views) == 1 else (2, 340) if len(views) == 2 else (1, 340)
    above = st.container()
    with st.grid(columns, min_column_width=width):
        with st.container(border=True, height="stretch", key="explained_input", gap="xsmall"):
            _input(picture, wide=columns == 1)
        for name in names:
            options = method_options(name) if own else {}
            of_method = card(METHODS[name], options, views, picture, look, unasked_seconds, names)
            if isinstance(of_method, Waiting):
                waiting.append(of_method)
            else:
                explanations += of_method
    with above:
        compute_all(waiting)
    return explanations


def _input(picture: input_image.InputImage, *, wide: bool) -> None:
    channels, height, width = picture.shape
    values = "one value (dark to light)" if channels == 1 else "three values (red, green, blue)"
    with st.container(horizontal=True, vertical_alignment="center", key="head_input"):
        st.markdown("**What the network receives**")
    with st.container(horizontal=wide, vertical_alignment="center", gap="medium" if wide else "xsmall"):
        with st.container(width=200 if wide else "stretch"):
            size = zoom(picture.array())
            map_view(
                picture.array().repeat(size, axis=0).repeat(size, axis=1),
                picture.raw(),
                first=True,
                key="map_input",
                label="The picture as the network receives it",
                group=picture.digest,
                hint="Point at a pixel: it is marked in all maps.",
            )
        st.caption(f"{escape_markdown(picture.title)}: {height} × {width} pixels of {values}.")
