"""What a person does to the network that would be trained next: every change can be undone and none can throw."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

import streamlit as st

from core.data.catalog import DATASETS
from core.errors import ConvScopeError
from core.model.layers import LAYERS, Layer
from core.model.presets import PRESETS, preset_of
from core.model.shapes import Fix
from core.model.spec import ModelSpec
from core.train.suggestion import suggested_preset
from pages.shared.run.settings_form import suggestion_for, take_over
from pages.shared.shell import session

MAX_PAST = 50
CHANGED = ", changed"


@dataclass(frozen=True)
class DraftHistory:
    """How far this session is with its draft.

    Attributes:
        open: Which layer's settings are open, counted from 0; None for none.
        revision: Part of the key of every widget that shows the draft: a new one starts from the draft's values.
        past: What was done and the draft before it, the latest last.
        notice: Why the last change was refused, or nothing.
    """

    open: int | None = 0
    revision: int = 0
    past: tuple[tuple[str, session.Draft], ...] = ()
    notice: str = ""


def desk() -> DraftHistory:
    """Return how far this session is."""
    history: DraftHistory = st.session_state.get("desk", DraftHistory())
    count = len(session.draft().spec.layers)
    return history if history.open is None or history.open < count else replace(history, open=None)


def _edit(change: Callable[..., None]) -> Callable[..., None]:
    """Make a change one that answers with a sentence where it cannot be made."""

    @wraps(change)
    def safe(*args: Any) -> None:
        st.session_state["desk"] = replace(desk(), notice="")
        try:
            change(*args)
        except ConvScopeError as error:
            history = desk()
            st.session_state["desk"] = replace(history, notice=str(error), revision=history.revision + 1)

    return safe


def _keep(words: str, draft: session.Draft, opened: int | None, *, fresh: bool = True) -> None:
    """Take a new draft, remembering the one before; `fresh` makes the widgets start from its values."""
    history, before = desk(), session.draft()
    if draft == before:
        return
    past = history.past
    _suit(before, draft)
    if fresh or not past or past[-1][0] != words:  # typing a number is one step, however many it took
        past = (*past, (words, before))[-MAX_PAST:]
    session.set_draft(draft)
    st.session_state["desk"] = DraftHistory(opened, history.revision + fresh, past)


def _stack(words: str, layers: tuple[Layer, ...], opened: int | None, *, fresh: bool = True) -> None:
    """Take another stack; a network that began as a preset says in its name whether it still is that preset."""
    draft = session.draft()
    name, key = draft.spec.name, draft.preset or preset_of(draft.spec)
    if key:
        name = PRESETS[key].title + CHANGED * (layers != session.new_draft(draft.dataset, key).spec.layers)
    spec = replace(draft.spec, name=name, layers=layers)
    _keep(words, replace(draft, spec=spec, preset=key), opened, fresh=fresh)


def toggle(place: int) -> None:
    """Open a layer's settings, or close them."""
    history = desk()
    opened = None if history.open == place else place
    st.session_state["desk"] = replace(history, open=opened, revision=history.revision + 1, notice="")


def show(place: int) -> None:
    """Open a layer's settings, which stay open if they are."""
    if desk().open != place:
        toggle(place)


@_edit
def add(place: int, key: str) -> None:
    """Put a layer of the kind chosen in the menu `key` at a place of the stack."""
    layers, kind = session.draft().spec.layers, st.session_state[key]
    if kind in LAYERS:
        layer = LAYERS[kind]()
        _stack(f"add {layer.title.lower()}", (*layers[:place], layer, *layers[place:]), place)


@_edit
def remove(place: int) -> None:
    """Take a layer out."""
    spec = session.draft().spec
    layers = (*spec.layers[:place], *spec.layers[place + 1 :])
    _stack(f"remove {spec.layer_names[place]}", layers, None)


@_edit
def move_up(place: int) -> None:
    """Put a layer in front of the one before it."""
    _swap(place, place - 1)


@_edit
def move_down(place: int) -> None:
    """Put a layer behind the one after it."""
    _swap(place, place + 1)


def _swap(place: int, other: int) -> None:
    spec = session.draft().spec
    layers = list(spec.layers)
    layers.insert(other, layers.pop(place))
    _stack(f"move {spec.layer_names[place]}", tuple(layers), other)


@_edit
def duplicate(place: int) -> None:
    """Put a copy of a layer behind it."""
    spec = session.draft().spec
    layers = (*spec.layers[: place + 1], *spec.layers[place:])
    _stack(f"duplicate {spec.layer_names[place]}", layers, place + 1)


@_edit
def change(place: int, setting: str, key: str) -> None:
    """Give a layer's setting the value of the widget `key`."""
    spec = session.draft().spec
    changed = replace(spec.layers[place], **{setting: st.session_state[key]})
    layers = (*spec.layers[:place], changed, *spec.layers[place + 1 :])
    _stack(f"change {spec.layer_names[place]}", layers, place, fresh=False)


@_edit
def apply_fix(fix: Fix) -> None:
    """Put the stack of a fix in place."""
    same = len(fix.layers) == len(session.draft().spec.layers)
    _stack(fix.label[0].lower() + fix.label[1:], fix.layers, desk().open if same else None)


@_edit
def start_from(key: str) -> None:
    """Begin again with the preset chosen in the menu `key`."""
    name = st.session_state[key]
    if name in PRESETS:
        _keep(f"start from {PRESETS[name].title}", session.new_draft(session.draft().dataset, name), 0)


@_edit
def switch_data(key: str) -> None:
    """Make the network one for the data set chosen in the widget `key`; the stack stays, save its last numbers."""
    use_data(st.session_state[key])


def use_data(name: str) -> None:
    """Make the network one for a data set, and the settings those that suit it unless somebody chose some."""
    if name not in DATASETS:
        return
    draft = session.draft()
    preset, other = suggested_preset(DATASETS[draft.dataset]), suggested_preset(DATASETS[name])
    if preset != other and draft.spec == session.new_draft(draft.dataset, preset).spec:  # nobody chose it
        _keep("change the data set", session.new_draft(name, other), 0)
    else:
        _keep("change the data set", session.draft_for(draft, name), desk().open)


def _suit(before: session.Draft, after: session.Draft) -> None:
    """Make the settings those that suit another network or data set, unless somebody chose some."""
    known = before.dataset in DATASETS and after.dataset in DATASETS
    if known and session.config() == suggestion_for(before):
        take_over(suggestion_for(after))


@_edit
def load_draft(dataset: str, spec: ModelSpec) -> None:
    """Build on the network of a run."""
    _keep("build from a run", session.Draft(dataset, spec), 0)


@_edit
def rename(key: str) -> None:
    """Give the network the name in the widget `key`."""
    draft = session.draft()
    spec = replace(draft.spec, name=" ".join(str(st.session_state[key]).split()))
    _keep("rename", replace(draft, spec=spec, preset=""), desk().open)


@_edit
def undo() -> None:
    """Take back the last change."""
    history = desk()
    if history.past:
        before, draft = session.draft(), history.past[-1][1]
        session.set_draft(draft)
        if draft.dataset in DATASETS:
            _suit(before, draft)
        st.session_state["desk"] = replace(history, past=history.past[:-1], revision=history.revision + 1)
