"""The stack as a picture: a block for every layer, up to the first that cannot work."""

import streamlit as st

from core.figures.network_blocks import INPUT, spec_layers
from core.figures.network_drawing import network_svg
from core.model.spec import ModelSpec
from pages.shared.run import draft_history
from pages.shared.shell import session
from pages.shared.widgets.network_view import network_view
from pages.shared.widgets.scroll_into_view import scroll_to


def drawing(spec: ModelSpec) -> None:
    """Draw a stack; a press on a layer opens its settings below."""
    layers, places = spec_layers(spec), {name: place for place, name in enumerate(spec.layer_names)}
    names, opened = [layer.name for layer in layers if layer.name != INPUT], draft_history.desk().open
    if not names:
        return

    def choose(name: str) -> None:
        draft_history.show(places[name])
        st.session_state["drawn_layer"] = places[name]

    network_view(
        network_svg(
            layers,
            title=spec.name,
            current=[] if opened is None else [spec.layer_names[opened]],
            targets=names,
            theme=session.theme(),
        ),
        key="drawing",
        label=f"The network, {len(names)} layers: press one to open its settings",
        hint="Press a layer to open its settings below.",
        names=names,
        choose=choose,
    )
    if (place := st.session_state.pop("drawn_layer", None)) is not None:
        scroll_to(f"layer_{place}")
