"""Groups of widgets that return core objects."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import floor, log10
from typing import Any

import streamlit as st

from core.data.catalog import DATASETS
from core.options import Option

AUTOMATIC = "Automatic"  # what an option reads that is left to whoever takes it


def ask(
    option: Option,
    value: Any,
    key: str,
    *,
    label: str = "",
    layers: Sequence[str] = (),
    disabled: bool = False,
    **words: Any,
) -> Any:
    """Ask for one option and return what it is set to.

    Args:
        option: What is asked for; if its default is None, it may be left to whoever takes it.
        value: What it is set to at first.
        key: Streamlit's key.
        label: What the control says instead of the option's label.
        layers: Those to choose from, where the option is a layer.
        disabled: Whether it is greyed.
        **words: For the widget: `on_change` and its `args`, say.
    """
    words |= {"label": label or option.label + " ⚡" * option.live, "help": option.help or None}
    words |= {"key": key, "disabled": disabled}
    if option.choices or option.kind == "layer":
        # Streamlit takes None for nothing chosen, so that an empty text stands for it.
        choices = [*([""] if option.default is None else []), *option.choices, *layers]
        if option.min is not None and option.max is not None:  # either a word or a small number
            choices += range(int(option.min), int(option.max) + 1)
        titles = {"": AUTOMATIC, **option.choices}
        chosen = st.selectbox(
            index=choices.index("" if value is None else value),
            options=choices,
            format_func=lambda choice: str(titles.get(choice, choice)),
            **words,
        )
        return None if chosen == "" else chosen
    assert option.min is not None and option.max is not None
    number: type[int] | type[float] = float if isinstance(option.default, float) else int
    words |= {"min_value": number(option.min), "max_value": number(option.max)}
    words |= {"value": None if value is None else number(value)}
    if option.step:
        return st.slider(step=number(option.step), **words)
    if number is float:
        return st.number_input(step=_step(option.default), format="%g", **words)
    return st.number_input(step=1, placeholder=AUTOMATIC if option.default is None else None, **words)


def _step(default: float) -> float:
    """Return how much a press of + or − changes a number: half a unit of its default's first digit."""
    return 10.0 ** floor(log10(default)) / 2 if default else 1e-4


@contextmanager
def settings_menu(key: str, words: str) -> Iterator[None]:
    """Fold controls under one button; the menu begins with words on them and is wide enough for rows of them."""
    body = f"{key}_body"
    with st.popover("Settings", icon=":material/tune:", key=key), st.container(key=body):
        st.caption(words)  # a hint on the button would stay open over the menu
        st.html(f'<style>[data-testid="stPopoverBody"]:has(.st-key-{body}) {{ width: min(40rem, 92vw); }}</style>')
        yield


def ask_one(label: str, options: Mapping[str, str], key: str, *, help: str | None = None) -> str:
    """Ask for one of a few options, names with their words; it stays chosen on all pages, at first the first one."""
    first = next(iter(options))
    chosen = st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        default=first,
        required=True,
        key=key,
        persist_state="session",
        wrap=True,
        help=help,
    )
    return chosen or first


def pick_dataset(value: str, key: str, **words: Any) -> str:
    """Ask for a data set; `words` go to the widget."""
    titles = told_apart({name: info.title for name, info in DATASETS.items()})
    words |= {"format_func": titles.__getitem__, "key": key}
    chosen: str = st.selectbox("Data set", list(titles), index=list(titles).index(value), **words)
    return chosen


def told_apart(labels: Mapping[str, str]) -> dict[str, str]:
    """Return what to call each of some things, by their ids; those of one name get the end of their id beside it.

    Streamlit knows the options of a list by their labels alone: of two alike, it takes the last for the other.
    """
    met = Counter(labels.values())
    return {key: label if met[label] == 1 else f"{label} · {key[-6:]}" for key, label in labels.items()}
