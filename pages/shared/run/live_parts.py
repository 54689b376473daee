"""The parts of a page that follows a run: each is drawn again by itself, and only when it has something new to show."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from core.errors import ConvScopeError
from core.runs.records import Run
from pages.shared.shell import services
from pages.shared.shell.layout import show_errors
from pages.shared.widgets.auto_refresh import pulse

TICK_SECONDS = 0.5
_BOARD = "live_board"


@dataclass(frozen=True)
class Drawn:
    """When a part was drawn last: the run as it was then, and how many seconds ago that is."""

    run: Run
    seconds: float


def has_changed(run: Run, drawn: Drawn) -> bool:
    """Say whether anything about a run is new, apart from its worker's heartbeat."""
    return run != replace(drawn.run, heartbeat=run.heartbeat)


@dataclass(frozen=True)
class LivePart:
    """A part of a live page.

    Attributes:
        key: Names it; unique on its page.
        draw: Draws it; a `ConvScopeError` is shown in its place.
        due: Says whether it is to be drawn again for the run as it is now.
    """

    key: str
    draw: Callable[[Run], None]
    due: Callable[[Run, Drawn], bool] = has_changed


class Board:
    """The parts of one drawing of a page, until the page is drawn anew.

    The run is read once a tick, whatever is drawn then.

    Args:
        run: The run as it is now.
        stage: Returns of a run what the page around the parts depends on: it is drawn anew once that is another.
    """

    def __init__(self, run: Run, stage: Callable[[Run], object]) -> None:
        self._run, self._stage = run, stage
        self._parts: dict[str, LivePart] = {}
        self._drawn: dict[str, tuple[Run, float]] = {}
        self._fresh: dict[str, Run] = {}  # the run as it was just read, for the parts that are to show it
        st.session_state[_BOARD] = self

    def draw(self, part: LivePart, *, beats: bool = False) -> None:
        """Draw a part here, a fragment of its own; one that `beats` is drawn each tick, and has others drawn then."""
        self._parts[part.key] = part
        self._fresh[part.key] = self._run

        @st.fragment(key=_name(part.key))
        def fragment() -> None:
            with show_errors():
                latest = self._fresh.pop(part.key, None) or services.store().get(self._run.id)
                self._drawn[part.key] = latest, time.monotonic()
                part.draw(latest)
                if self._stage(latest) != self._stage(self._run):
                    st.rerun()
            if beats:  # after an error too: a busy database may answer the next time
                pulse(TICK_SECONDS, key=f"pulse_{self._run.id}", on_beat=partial(self._beat, part.key))

        fragment()

    def _beat(self, own: str) -> None:
        """Read the run and have what is due drawn, in any case the part `own`, which asked for it."""
        services.engine().watch(self._run.id)
        try:
            latest = services.store().get(self._run.id)
        except ConvScopeError:  # that part will say so
            return
        if self._stage(latest) != self._stage(self._run):
            st.rerun()
        due = [key for key, part in self._parts.items() if key != own and self._is_due(part, latest)]
        self._fresh |= dict.fromkeys([*due, own], latest)
        if due:
            st.rerun([*map(_name, due), _name(own)])

    def _is_due(self, part: LivePart, latest: Run) -> bool:
        shown, moment = self._drawn[part.key]
        return part.due(latest, Drawn(shown, time.monotonic() - moment))

    def has(self, key: str) -> bool:
        """Say whether a part is on the screen."""
        return key in self._parts


def redraw(*keys: str) -> None:
    """Draw some parts again in answer to a press: to be called at the end of its callback."""
    board: Board | None = st.session_state.get(_BOARD)
    on_screen = [_name(key) for key in keys if board is not None and board.has(key)]
    if on_screen:
        st.rerun(on_screen)


def _name(key: str) -> str:
    return f"live_{key}"
