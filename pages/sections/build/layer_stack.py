"""The stack of layers: a line for each, the settings of the one that is open, and ways out of what cannot work."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

from core.figures.palette import THEMES, WRONG
from core.formatting import large_number
from core.glossary import GLOSSARY
from core.model.layer_result import sum_of_products
from core.model.layers import LAYERS, Layer, describe_layer
from core.model.shapes import LayerSummary, Problem, problems, summarize
from core.model.spec import ModelSpec
from core.options import matters, options
from pages.shared.run import draft_history
from pages.shared.shell import session
from pages.shared.shell.controls import ask
from pages.shared.shell.layout import escape_markdown

COLUMNS = {  # what they are called, and a hint
    "Shape": "Channels × height × width, before and after the layer.",
    "Parameters": GLOSSARY["parameters"],
    "Multiply-adds": GLOSSARY["multiply_adds"],
    "Receptive field": GLOSSARY["receptive_field"],
}


@dataclass(frozen=True)
class FeatureMapRow:
    """The first feature maps of a layer.

    Attributes:
        png: The maps side by side.
        text: What they are, and which colour means what.
    """

    png: bytes
    text: str


def heading() -> str:
    """Return the names of the columns; on a narrow screen each cell has its own."""
    cells = "".join(f'<div title="{escape(hint)}">{name}</div>' for name, hint in COLUMNS.items())
    names = f'<div class="facts" aria-hidden="true">{cells}</div>'
    return f'<div class="head"><div>Click a layer to open it</div>{names}</div>'


def facts(summary: LayerSummary, total: tuple[int, int], *, waits_for: str, side: int) -> str:
    """Return what there is to know of a layer.

    Args:
        summary: What it does in its stack.
        total: Parameters and multiply-adds of the whole stack; 0 where they are not known.
        waits_for: The layer in front that cannot work, or nothing.
        side: The longer side of an input image in pixels.
    """
    if waits_for:
        return f'<div class="facts waiting">waiting for {escape(waits_for)}</div>'
    values: tuple[str, ...] = (_shape(summary),)
    if summary.output_shape:
        params = _cost(sum_of_products(summary.params), f"{summary.num_params:,}", summary.num_params, total[0])
        if summary.frozen:
            frozen = f'<span class="frozen">{summary.frozen:,} frozen</span>'
            params = f"{params}{frozen}" if summary.num_params else frozen
        values = (
            *values,
            params,
            _cost("", large_number(summary.num_macs), summary.num_macs, total[1]),
            _receptive_field(summary, side),
        )
    cells = "".join(
        f'<div><div class="name">{name}</div>{value}</div>' for name, value in zip(COLUMNS, values, strict=False)
    )
    return f'<div class="facts {"broken" if summary.problem else "works"}">{cells}</div>'


def _shape(summary: LayerSummary) -> str:
    before, after = dimensions(summary.input_shape), dimensions(summary.output_shape)
    return f"{before} → <b>{after}</b>" if after else f"{before} → <b>?</b>"


def _cost(terms: str, number: str, value: int, total: int) -> str:
    if not value:
        return '<span class="none">0</span>'
    sum_of = f"{escape(terms)} = " if terms else ""
    if not total:
        return f"{sum_of}<b>{number}</b>"
    bar = f'<div class="bar"><div style="width:{100 * value / total:.1f}%"></div></div>'
    return f'{sum_of}<b>{number}</b><div class="share">{bar}<span>{share(value, total)}</span></div>'


def _receptive_field(summary: LayerSummary, side: int) -> str:
    field = summary.receptive_field
    if field is None:
        return ""
    whole = summary.jump is None and field >= side
    return "all pixels" if whole else f"{field}×{field} px"


def strip(maps: FeatureMapRow) -> str:
    """Return a layer's first feature maps."""
    data, text = b64encode(maps.png).decode("ascii"), escape(maps.text)
    image = f'<img src="data:image/png;base64,{data}" alt="{text}">'
    return f'<figure class="maps">{image}<figcaption>{text}</figcaption></figure>'


def dimensions(shape: tuple[int, ...] | None) -> str:
    """Write a shape: "32×28×28", "512", or nothing where it is not known."""
    return "×".join(f"{size:,}" for size in shape) if shape else ""


def share(value: int, total: int) -> str:
    """Write a share in per cent, never rounding something to nothing or a part to the whole."""
    percent = 100 * value / total
    if percent < 1:
        return "< 1%"
    return f"{min(round(percent), 99)}%" if value < total else "100%"


CSS = Path(__file__).with_suffix(".css")
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
    "backbone": "account_tree",
}


def stack(spec: ModelSpec, strips: Mapping[str, FeatureMapRow]) -> None:
    """Draw a network's layers from first to last; `strips` holds the feature maps of some of them, by name."""
    _style()
    summaries = summarize(spec)
    broken = next((place for place, layer in enumerate(summaries) if layer.problem), len(summaries))
    total = (sum(layer.num_params for layer in summaries), sum(layer.num_macs for layer in summaries))
    total = total if broken == len(summaries) else (0, 0)
    desk = draft_history.desk()
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


def _style() -> None:
    """Bring the style sheet, with the colours of the page's theme."""
    theme = THEMES[session.theme()]
    colours = f"--mark:{theme.mark};--line:{theme.line};--muted:{theme.muted};--wrong:{WRONG}"
    st.html(f"<style>.st-key-stack{{{colours}}}{CSS.read_text(encoding='utf-8')}</style>")


def _line(place: int, layer: Layer, summary: LayerSummary, line: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"line_{place}"):
        icon = "error" if summary.problem else ICONS[layer.kind]
        st.button(
            f"{summary.name} :small[:gray[{describe_layer(layer)}]]",
            type="tertiary",
            icon=f":material/{icon}:",
            key=f"open_{place}",
            on_click=draft_history.toggle,
            args=(place,),
            wrap=True,
        )
        st.html(line)


def problem(problem: Problem) -> None:
    """Say why a layer cannot work, and offer the changes after which it can."""
    st.error(escape_markdown(problem.message[0].upper() + problem.message[1:]), icon=":material/error:")
    with st.container(horizontal=True, gap="small"):
        for number, fix in enumerate(problem.fixes):
            key = f"fix_{number}"
            st.button(fix.label, icon=":material/build:", key=key, on_click=draft_history.apply_fix, args=(fix,))


def _settings(place: int, layer: Layer, summary: LayerSummary, revision: int, *, last: bool) -> None:
    """Ask for the settings of the open layer, and offer what can be done with it."""
    st.caption(f"**{layer.title}.** {layer.description}")
    if summary.note:
        st.caption(f":material/lightbulb: {summary.note}")
    if options(layer):
        with st.grid(3, min_column_width=120):
            for setting in (each for each in options(layer) if matters(each, vars(layer))):
                key = f"set_{revision}_{setting.name}"
                args = (place, setting.name, key)
                ask(setting, getattr(layer, setting.name), key, on_change=draft_history.change, args=args)
    if summary.macs_formula:
        st.caption(f"Multiply-adds for one image: {summary.macs_formula}")
    with st.container(horizontal=True, gap="small"):
        for label, icon, action, off in (
            ("Up", "arrow_upward", draft_history.move_up, place == 0),
            ("Down", "arrow_downward", draft_history.move_down, last),
            ("Duplicate", "content_copy", draft_history.duplicate, False),
            ("Remove", "delete", draft_history.remove, False),
        ):
            key = f"do_{label.lower()}"
            st.button(label, icon=f":material/{icon}:", key=key, on_click=action, args=(place,), disabled=off)
        add_menu(place + 1, "Add below", "add_below")


def undo_button() -> None:
    """Offer to take back the last change."""
    past = draft_history.desk().past
    help = f"Undo: {past[-1][0]}." if past else "Nothing to undo yet."
    st.button("Undo", icon=":material/undo:", key="undo", on_click=draft_history.undo, disabled=not past, help=help)


def add_menu(place: int, label: str, key: str) -> None:
    """Offer every kind of layer, to be put at a place of the stack."""
    st.menu_button(
        label,
        list(LAYERS),
        format_func=lambda kind: f"**{LAYERS[kind].title}** · {LAYERS[kind].description}",
        icon=":material/add:",
        key=key,
        on_click=draft_history.add,
        args=(place, key),
    )
