"""What stands around the stack of layers: the network's name and data, its totals and its code."""

import re

import streamlit as st

from core.data.catalog import DATASETS
from core.formatting import large_number
from core.model.export import to_python
from core.model.presets import PRESETS
from core.model.shapes import LayerSummary, problems, summarize
from core.model.spec import MAX_NAME, ModelSpec
from pages.sections.build.layer_stack import share
from pages.shared.run import draft_history
from pages.shared.shell import navigation, session
from pages.shared.shell.controls import pick_dataset


def head(draft: session.Draft, revision: int) -> None:
    """Ask for the data set and the name, and offer every preset."""
    with st.grid(3, min_column_width=220, vertical_alignment="bottom"):
        key = f"data_{revision}"
        pick_dataset(draft.dataset, key, on_change=draft_history.switch_data, args=(key,))
        key = "network_name"
        st.session_state[key] = draft.spec.name  # it also changes by itself
        st.text_input("Name", max_chars=MAX_NAME, key=key, on_change=draft_history.rename, args=(key,))
        key = "preset_menu"
        st.menu_button(
            "Start from a preset",
            list(PRESETS),
            format_func=lambda name: f"**{PRESETS[name].title}** · {PRESETS[name].summary}",
            icon=":material/auto_awesome_mosaic:",
            key=key,
            on_click=draft_history.start_from,
            args=(key,),
            width="stretch",
        )
    st.caption(f"{DATASETS[draft.dataset].summary} {_origin(draft)}")


def _origin(draft: session.Draft) -> str:
    for name, about in PRESETS.items():
        if session.new_draft(draft.dataset, name).spec.layers == draft.spec.layers:
            return f"**{about.title}:** {about.summary} {about.source}"
    return ""


def totals(spec: ModelSpec) -> None:
    """Show what the whole network costs and where, and the way to train it."""
    layers = summarize(spec)
    obstacles = problems(spec)
    with st.container(border=True, key="totals"):
        numbers, action = st.columns([5, 2], vertical_alignment="center")
        with numbers, st.container(horizontal=True, gap="medium"):
            for label, value, help in _sums(layers, bool(obstacles)):
                st.metric(label, value, help=help, width="content")
        pressed = action.button(
            navigation.TO_TRAIN,
            type="primary",
            icon=":material/arrow_forward:",
            disabled=bool(obstacles),
            width="stretch",
            key="train",
        )
        if obstacles:
            st.markdown(_obstacle(layers))
        else:
            st.caption(_weight(layers))
    if pressed:
        navigation.go("train", run=None)


def _sums(layers: tuple[LayerSummary, ...], broken: bool) -> tuple[tuple[str, str, str], ...]:
    weights = sum(layer.num_params for layer in layers)
    macs = sum(layer.num_macs for layer in layers)
    frozen = sum(layer.frozen for layer in layers)
    about = f"{frozen:,} weights that stay those of the pretrained network: {4 * frozen / 1e6:.3g} MB."
    fixed = [("Frozen", large_number(frozen), about)] if frozen and not broken else []
    return (
        (
            "Parameters",
            "–" if broken else f"{weights:,}",
            f"Numbers that training changes: {4 * weights / 1e6:.3g} MB.",
        ),
        *fixed,
        ("Multiply-adds", "–" if broken else large_number(macs), f"For one image: {macs:,}."),
    )


def _weight(layers: tuple[LayerSummary, ...]) -> str:
    """Say which layers hold most of the parameters and do most of the work."""
    held = max(layers, key=lambda layer: layer.num_params)
    busy = max(layers, key=lambda layer: layer.num_macs)
    weights, macs = sum(layer.num_params for layer in layers), sum(layer.num_macs for layer in layers)
    if not weights:
        return "Nothing in it can learn: add a convolution or a dense layer."
    parts = [f"**{held.name}** holds {share(held.num_params, weights)} of the parameters"]
    if macs:
        parts.append(f"**{busy.name}** does {share(busy.num_macs, macs)} of the multiply-adds")
    return "; ".join(parts) + "."


def _obstacle(layers: tuple[LayerSummary, ...]) -> str:
    name = next((layer.name for layer in layers if layer.problem), None)
    if name is None:
        return "Add a layer to begin."
    return f":red[:material/error: **{name}** cannot work yet: mend it below to train.]"


def code(spec: ModelSpec) -> None:
    """Show the PyTorch code of the network, and offer it as a file."""
    with st.expander("PyTorch code", icon=":material/code:"):
        if problems(spec):
            st.caption("The code appears as soon as every layer works.")
            return
        text = to_python(spec, seed=session.config().seed)
        st.caption("This is what trains: the same calls make the network here.")
        st.code(text, language="python")
        file = re.sub(r"[^a-z0-9]+", "_", spec.name.lower()).strip("_") or "network"
        st.download_button(
            "Download", text, f"{file}.py", "text/x-python", icon=":material/download:", on_click="ignore"
        )
