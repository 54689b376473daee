"""The stack of layers: a line for each, the settings of the one that is open, and ways out of what cannot work."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from core.figures.palette import THEMES
from core.model.layers import LAYERS, Layer
from core.model.shapes import LayerSummary, Problem, problems, summarize
from core.model.spec import ModelSpec
from core.options import options
from pages.shared import edits, state
from pages.shared.controls import ask
from pages.shared.layout import plain
from pages.shared.rows import Strip, describe, facts, heading, strip

CSS = Path(__file__).with_suffix(".css")
WRONG = "#d6453d"
ICONS = {
    "conv": "grid_on",
    "batch_norm": "equalizer",
    "activation": "show_chart",
    "max_pool": "compress",
    "avg_pool": "blur_on",
    "dropout": "grain",
    "global_avg_pool": "adjust",
    "flatten": "reorder",
    "dense": "hub",
    "residual": "alt_route",
}


def stack(spec: ModelSpec, strips: Mapping[str, Strip]) -> None:
    """Draw a network's layers from first to last; `strips` holds the feature maps of some of them, by name."""
    _style()
    summaries = summarize(spec)
    broken = next((place for place, layer in enumerate(summaries) if layer.problem), len(summaries))
    total = (sum(layer.num_params for layer in summaries), sum(layer.num_macs for layer in summaries))
    total = total if broken == len(summaries) else (0, 0)
    desk = edits.desk()
    with st.container(key="stack", gap="xsmall"):
        st.html(heading())
        if not spec.layers:
            problem(problems(spec)[0])
        for place, (layer, summary) in enumerate(zip(spec.layers, summaries, strict=True)):
            waits_for = summaries[broken].name if place > broken else ""
            line = facts(summary, total, waits_for=waits_for, side=max(spec.input_shape[1:]))
            with st.container(border=True, key=f"layer_{place}", gap="small"):
                _line(place, layer, summary, line)
                if summary.name in strips:
                    st.html(strip(strips[summary.name]))
                if summary.problem:
                    problem(summary.problem)
                if desk.open == place:
                    _settings(place, layer, summary, desk.revision, last=place == len(summaries) - 1)
        with st.container(horizontal=True):
            add_menu(len(summaries), "Add a layer", "add_last")
            undo_button("undo_below")


def _style() -> None:
    """Bring the style sheet, with the colours of the page's theme."""
    theme = THEMES[state.theme()]
    colours = f"--mark:{theme.mark};--line:{theme.line};--muted:{theme.muted};--wrong:{WRONG}"
    st.html(f"<style>.st-key-stack{{{colours}}}{CSS.read_text(encoding='utf-8')}</style>")


def _line(place: int, layer: Layer, summary: LayerSummary, line: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"line_{place}"):
        icon = "error" if summary.problem else ICONS[layer.kind]
        st.button(
            f"{summary.name} :small[:gray[{describe(layer)}]]",
            type="tertiary",
            icon=f":material/{icon}:",
            key=f"open_{place}",
            on_click=edits.toggle,
            args=(place,),
            wrap=True,
        )
        st.html(line)


def problem(problem: Problem) -> None:
    """Say why a layer cannot work, and offer the changes after which it can."""
    st.error(plain(problem.message[0].upper() + problem.message[1:]), icon=":material/error:")
    with st.container(horizontal=True, gap="small"):
        for number, fix in enumerate(problem.fixes):
            key = f"fix_{number}"
            st.button(fix.label, icon=":material/build:", key=key, on_click=edits.apply_fix, args=(fix,))


def _settings(place: int, layer: Layer, summary: LayerSummary, revision: int, *, last: bool) -> None:
    """Ask for the settings of the open layer, and offer what can be done with it."""
    st.caption(f"**{layer.title}.** {layer.description}")
    if summary.note:
        st.caption(f":material/lightbulb: {summary.note}")
    if options(layer):
        with st.grid(3, min_column_width=120):
            for setting in options(layer):
                key = f"set_{revision}_{setting.name}"
                args = (place, setting.name, key)
                ask(setting, getattr(layer, setting.name), key, on_change=edits.change, args=args)
    if summary.macs_formula:
        st.caption(f"Multiply-adds for one image: {summary.macs_formula}")
    with st.container(horizontal=True, gap="small"):
        for label, icon, action, off in (
            ("Up", "arrow_upward", edits.move_up, place == 0),
            ("Down", "arrow_downward", edits.move_down, last),
            ("Duplicate", "content_copy", edits.duplicate, False),
            ("Remove", "delete", edits.remove, False),
        ):
            key = f"do_{label.lower()}"
            st.button(label, icon=f":material/{icon}:", key=key, on_click=action, args=(place,), disabled=off)
        add_menu(place + 1, "Add below", "add_below")


def undo_button(key: str) -> None:
    """Offer to take back the last change."""
    past = edits.desk().past
    help = f"Undo: {past[-1][0]}." if past else "Nothing to undo yet."
    st.button("Undo", icon=":material/undo:", key=key, on_click=edits.undo, disabled=not past, help=help)


def add_menu(place: int, label: str, key: str) -> None:
    """Offer every kind of layer, to be put at a place of the stack."""
    st.menu_button(
        label,
        list(LAYERS),
        format_func=lambda kind: f"**{LAYERS[kind].title}** · {LAYERS[kind].description}",
        icon=":material/add:",
        key=key,
        on_click=edits.add,
        args=(place, key),
    )
