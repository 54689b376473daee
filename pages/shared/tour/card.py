"""The guided tour on a page: what to look at, a guess, and what one's own network says to it."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.classroom.questions import Question
from core.classroom.tour import STOPS
from core.runs.records import Run
from pages.shared.shell import navigation
from pages.shared.shell.layout import show_errors
from pages.shared.shell.navigation import TOUR
from pages.shared.tour.guess import ask_guess, show_guess

_GUESSES = "tour_guesses"


def tour_stop(page: str, network_id: str, ask: Callable[[], Question | None]) -> None:
    """Draw the stop of a page where the address says that the tour is there; else nothing, or the way to it.

    Args:
        page: A key of `core.classroom.tour.STOPS`.
        network_id: Whose answers the guesses are about.
        ask: Returns the question, or None: there is nothing to guess, or it draws how far its work is.
    """
    at = st.query_params.get(TOUR)
    if at not in STOPS:
        return
    if at != page:
        with st.container(horizontal=True, key="tour_elsewhere"):
            navigation.link(at, f"{_place(at)} is on {navigation.PAGES[at].title}", icon=":material/tour:")
            _leave()
        return
    _stop(page, network_id, ask)


def tour_way_in(run: Run) -> None:
    """Draw the link that begins the tour with a run, or goes on with it where the address says so."""
    at = st.query_params.get(TOUR)
    words = (
        f"Go on with the tour: {_place(at).partition(', ')[2]}"
        if at in STOPS
        else "Take the tour: five guesses about it"
    )
    name = at if at in STOPS else next(iter(STOPS))
    navigation.link(name, words, icon=":material/tour:", run=run.id, tour=name)


@st.fragment
def _stop(page: str, network_id: str, ask: Callable[[], Question | None]) -> None:
    stop = STOPS[page]
    with st.container(border=True, key="tour"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(_place(page))
            _leave()
        st.markdown(f"**{stop.title}** {stop.look}")
        with show_errors():
            question = ask()
            if question is not None:
                _guess(question, page, network_id)
        _way_on(page, network_id)


def _guess(question: Question, page: str, network_id: str) -> None:
    """Ask for a guess, which is locked as soon as it is made, and hold it against the answer."""
    place, key = (page, network_id, question.text), f"tour_{page}_{network_id}"
    guess = st.session_state.setdefault(_GUESSES, {}).get(place)
    if guess is None:
        ask_guess(question.text, question.options, key, partial(_lock, place, key))
        return
    waiting = "Your guess is kept. The answer stands here once the training has ended."
    because = waiting if question.right is None else question.because
    show_guess(question.text, question.options, guess, question.right, because)


def _lock(place: tuple[str, str, str], key: str) -> None:
    """Keep a guess as it is when it is made first."""
    st.session_state[_GUESSES].setdefault(place, st.session_state[key])


def _way_on(page: str, network_id: str) -> None:
    names = list(STOPS)
    following = names[names.index(page) + 1 :]
    if following:
        guessed = any(place[:2] == (page, network_id) for place in st.session_state.get(_GUESSES, {}))
        name = following[0]
        label = f"{'Next' if guessed else 'Skip to'}: {STOPS[name].title}"
        navigation.link(name, label, icon=":material/arrow_forward:", tour=name)
    else:
        st.markdown("This was the last stop. All pages stay open to you, with the same network.")


def _place(page: str) -> str:
    return f"Tour, {_stop_of(page)}"


def _stop_of(page: str) -> str:
    return f"stop {list(STOPS).index(page) + 1} of {len(STOPS)}"


def _leave() -> None:
    if st.button("Leave the tour", type="tertiary", key="tour_leave"):
        del st.query_params[TOUR]
        st.rerun()
