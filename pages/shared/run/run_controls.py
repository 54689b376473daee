"""What can be asked of a run while it trains: pause, step, stop, its pace, and the settings that may change live."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.errors import ConvScopeError
from core.options import matters, options
from core.runs.records import Run
from core.train.config import TrainConfig
from pages.shared.shell import services
from pages.shared.shell.controls import ask
from pages.shared.shell.layout import escape_markdown

_REFUSAL = "run_refusal"


def last_refusal(change: Callable[..., None]) -> Callable[..., None]:
    """Make a change of a run, named by its id, one that leaves a sentence where it cannot be made; for callbacks."""

    def safe(run_id: str, *args: Any) -> None:
        st.session_state.pop(_REFUSAL, None)
        try:
            change(run_id, *args)
        except ConvScopeError as error:
            st.session_state[_REFUSAL] = (run_id, str(error))

    return safe


def report_refusal(run: Run) -> str:
    """Return why the last thing asked of a run was refused, or nothing."""
    run_id, words = st.session_state.get(_REFUSAL, ("", ""))
    return words if run_id == run.id else ""


def show_refusal(run: Run) -> None:
    """Say why the last thing asked of a run was refused, if it was."""
    if words := report_refusal(run):
        st.error(escape_markdown(words), icon=":material/error:")


ACTIONS = {  # what is asked of the run: label and icon
    "pause": ("Pause", ":material/pause:"),
    "resume": ("Resume", ":material/play_arrow:"),
    "step": ("One batch", ":material/skip_next:"),
    "epoch": ("One epoch", ":material/fast_forward:"),
    "stop": ("Stop training", ":material/stop:"),
}
PACES = {0.0: "Full speed", 8.0: "8 a second", 2.0: "2 a second", 0.5: "1 every 2 s"}


def transport(run: Run) -> None:
    """Draw the buttons of a run; to be called in the fragment that follows it, which a press runs again.

    Presses are handled before the fragment is drawn, so no further run is needed to show what they changed.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", key="transport"):
        buttons(run, *ACTIONS)
        if run.status.active:
            _pace(run)
            popover = st.popover("Change live", icon=":material/bolt:", key=f"live_{run.id}", on_change="rerun")
            if popover.open:  # else every tick would draw it
                with popover:
                    _live(run)
    show_refusal(run)


def buttons(run: Run, *names: str) -> None:
    """Draw those of `ACTIONS` that make sense now."""
    for what in _sensible(run):
        if what in names:
            label, icon = ACTIONS[what]
            st.button(
                label,
                icon=icon,
                key=f"{what}_{run.id}",
                on_click=_request,
                args=(run.id, what),
                disabled=what == "epoch" and not run.steps_per_epoch,  # before it began, nobody knows how long one is
                width=112 if what in ("pause", "resume") else "content",  # taking turns, they must not move the others
            )


def _sensible(run: Run) -> list[str]:
    """Return what can be asked of a run.

    Until it is over that is always four things, each at its place: at every single batch a run waits, trains and pauses
    again, and a second press must not meet another button than the first.
    """
    going = run.status.active
    rests = run.status.resumable or (going and run.wanted == "pause")
    turn = ["resume"] if rests else ["pause"] if going else []
    return [*turn, *(["step", "epoch", "stop"] if going else [])]


@last_refusal
def _request(run_id: str, what: str) -> None:
    services.engine().request(run_id, what)


def _pace(run: Run) -> None:
    key = f"pace_{run.id}_{run.pace:g}"  # another one once the pace has changed, be it in another tab

    def follow() -> None:
        services.store().set_pace(run.id, st.session_state[key])

    paces = list(PACES) if run.pace in PACES else [*PACES, run.pace]
    st.selectbox(
        "Speed",
        paces,
        index=paces.index(run.pace),
        format_func=lambda pace: PACES.get(pace, f"{pace:g} a second"),
        key=key,
        on_change=follow,
        width=135,
        label_visibility="collapsed",
        help="Slow motion, to follow it batch by batch.",
    )


def _live(run: Run) -> None:
    st.caption("Holds from the next batch on; each change draws a line on the curves.")
    values = run.settings
    with st.grid(2, min_column_width=150):
        for setting in options(TrainConfig):
            now = values.get(setting.name, setting.default)
            if setting.live and matters(setting, {**vars(TrainConfig()), **values}):
                key = f"live_{run.id}_{setting.name}_{now:g}"
                ask(setting, now, key, on_change=_edit, args=(run.id, setting.name, key))


@last_refusal
def _edit(run_id: str, name: str, key: str) -> None:
    run = services.store().get(run_id)
    TrainConfig.from_mapping({**run.settings, name: st.session_state[key]})  # refuses what is out of range
    services.store().edit(run_id, {name: st.session_state[key]})
