"""Groups of widgets that return core objects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field
from math import floor, log10
from typing import Any

import streamlit as st

from core.data.catalog import DATASETS
from core.errors import RunError
from core.model.zoo import ZOO, ZooInfo
from core.runs.records import Run
from pages.shared import state
from pages.shared.layout import empty_state, plain
from pages.shared.pretrained import Pretrained, as_run, run_id_of

MANY = 24  # layers that can stand side by side


def ask(setting: Field[Any], value: Any, key: str, *, disabled: bool = False, **words: Any) -> Any:
    """Ask for one self-describing setting (see `core.options`) and return what it is set to.

    `words` go to the widget: `on_change` and its `args`, say.
    """
    about = setting.metadata
    words |= {"label": about["label"] + " ⚡" * about["live"], "help": about["help"], "key": key, "disabled": disabled}
    if about["choices"]:
        choices = list(about["choices"])
        if about["min"] is not None:  # either a word or a small number
            choices += range(int(about["min"]), int(about["max"]) + 1)
        titles = about["titles"]
        return st.selectbox(
            index=choices.index(value),
            options=choices,
            format_func=lambda choice: str(titles.get(choice, choice)),
            **words,
        )
    if isinstance(setting.default, float):
        low, high = float(about["min"]), float(about["max"])
        if about["step"]:
            return st.slider(min_value=low, max_value=high, value=float(value), step=about["step"], **words)
        step = _step(setting.default)
        return st.number_input(min_value=low, max_value=high, value=float(value), step=step, format="%g", **words)
    return st.number_input(min_value=int(about["min"]), max_value=int(about["max"]), value=int(value), step=1, **words)


def _step(default: float) -> float:
    """Return how much a press of + or − changes a number: half a unit of its default's first digit."""
    return 10.0 ** floor(log10(default)) / 2 if default else 1e-4


def ask_one(label: str, options: Mapping[str, str], key: str) -> str:
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
    )
    return chosen or first


def ask_layer(
    label: str, names: Sequence[str], key: str, *, note: Callable[[str], str] | None = None, help: str | None = None
) -> str:
    """Ask for a layer in the order of the stack, at first the first one; the address carries the choice (`layer`).

    Args:
        label: What the control says.
        names: The layers; more than a few make a list to open and to search.
        key: Streamlit's key.
        note: What stands small beside a name.
        help: What a pointer resting on it reads.
    """
    asked = st.query_params.get("layer")
    if asked in names and st.session_state.get(key) != asked:
        st.session_state[key] = asked

    def follow() -> None:
        st.query_params["layer"] = st.session_state[key] or names[0]

    if st.session_state.get(key) not in names:
        st.session_state[key] = names[0]
    if len(names) > MANY:
        picked: str = st.selectbox(
            label,
            names,
            format_func=lambda name: f"{name} · {note(name)}" if note else name,
            key=key,
            on_change=follow,
            persist_state="session",
            help=help,
        )
        return picked
    chosen = st.pills(
        label,
        names,
        format_func=lambda name: f"{plain(name)} :small[{note(name)}]" if note else plain(name),
        required=True,
        wrap=True,
        key=key,
        on_change=follow,
        persist_state="session",
        help=help,
    )
    return chosen or names[0]


def run_or_end() -> Run:
    """Return the network to look at; where there is none, say so, offer the way on and end the page."""
    try:
        return state.run_to_inspect()
    except RunError as error:
        if "run" in st.query_params:
            empty_state(plain(str(error)), "See all runs", "runs", run=None)
        else:
            empty_state(plain(str(error)), "Train a network", "train")
            _offer_pretrained()
        st.stop()


def _offer_pretrained() -> None:
    """Offer to look into a pretrained network; one of them is here already."""

    def follow() -> None:
        st.query_params["run"] = run_id_of(st.session_state["first_pretrained"])

    st.pills(
        "Or look into a pretrained network",
        list(ZOO),
        format_func=lambda name: f"{ZOO[name].title} :small[{origin(ZOO[name])}]",
        key="first_pretrained",
        on_change=follow,
    )


def origin(info: ZooInfo) -> str:
    """Say how the weights of a pretrained network get here."""
    if info.download_mb is None:
        return "comes with the app"
    return "downloaded" if info.is_here else f"{info.download_mb:.0f} MB"


def choose_run(run: Run, label: str = "Network", of: str = "run", epoch: str = "epoch") -> None:
    """Ask which network to look at, trained here or pretrained; the address carries the choice from page to page.

    Args:
        run: The one that is chosen so far.
        label: What the control says.
        of: The parameter of the address that a choice sets.
        epoch: The parameter that was said of the one before, and is dropped.
    """
    runs = {other.id: other for other in state.store().list() if other.step}
    if not isinstance(run, Pretrained):
        runs |= {run.id: run}
    runs |= {other.id: other for other in map(as_run, map(run_id_of, ZOO))}
    key = f"pick_{of}"
    st.session_state[key] = run.id  # said anew each time: the control of another page is another one

    def follow() -> None:
        st.query_params[of] = st.session_state[key]
        st.query_params.pop(epoch, None)

    st.selectbox(
        label,
        list(runs),
        format_func=lambda run_id: _describe(runs[run_id]),
        key=key,
        on_change=follow,
        help="Every training so far, then the pretrained networks; the same one stays chosen on all pages.",
    )


def _describe(run: Run) -> str:
    if isinstance(run, Pretrained):
        info = run.info
        return f"{run.name} · pretrained" + ("" if info.is_here else f", {info.download_mb:.0f} MB to download")
    score = "" if run.valid_accuracy is None else f" · {run.valid_accuracy:.1%}"
    return f"{run.name} · {run.status}{score}"


def pick_dataset(value: str, key: str, **words: Any) -> str:
    """Ask for a data set; `words` go to the widget."""
    names = list(DATASETS)
    words |= {"format_func": lambda name: DATASETS[name].title, "key": key}
    chosen: str = st.selectbox("Data set", names, index=names.index(value), **words)
    return chosen
