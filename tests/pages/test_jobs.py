"""Work in the background: shared, watched, cancelled, and never lost."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.errors import ExplainError
from pages.shared import jobs

GATES: dict[str, threading.Event] = {}
CALLS: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_session", jobs._session)
    st.cache_resource.clear()
    GATES.update({name: threading.Event() for name in ("a", "b", "broken")})
    CALLS.clear()


def script(name: str, ask: str, person: str, here) -> None:  # type: ignore[no-untyped-def]
    """Show one piece of work that waits for its gate after its first step."""
    import streamlit as st

    from pages.shared import jobs

    def work(tell):  # type: ignore[no-untyped-def]
        here["calls"].append(name)
        tell(1, 2)
        while not here["gates"][name].wait(0.01):
            tell(1, 2)
        if name == "broken":
            raise here["error"]("This cannot be explained.")
        return f"result of {name}"

    jobs._session = lambda: person
    try:
        found = jobs.background((name,), work, words="Counting", place="test", ask=ask)
    except here["error"] as error:
        st.error(str(error))
    else:
        if found is not None:
            st.markdown(found)


def opened(name: str = "a", ask: str = "", person: str = "one") -> AppTest:
    here = {"calls": CALLS, "gates": GATES, "error": ExplainError}
    words = {"name": name, "ask": ask, "person": person, "here": here}
    app = AppTest.from_function(script, kwargs=words, default_timeout=20).run()
    assert not app.exception
    return app


def until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def job(name: str = "a") -> jobs.Job:
    found = jobs._slot((name,)).job
    assert found is not None
    return found


def test_it_shows_how_far_it_is_and_then_the_result() -> None:
    app = opened()
    until(lambda: job().done)
    app.run()
    assert "Counting: 50% · about" in app.get("progress")[0].proto.text
    GATES["a"].set()
    until(job().result.done)
    app.run()
    assert [text.value for text in app.markdown] == ["result of a"]
    assert not app.button
    assert CALLS == ["a"]


def test_two_people_share_one_piece_of_work_and_one_may_leave() -> None:
    one, other = opened(person="one"), opened(person="other")
    until(lambda: job().done)
    one.button(key="cancel_test").click().run()
    assert one.button(key="ask_test").label == "Compute"
    other.run()
    assert not job().over
    GATES["a"].set()
    until(job().result.done)
    assert other.run().markdown[0].value == "result of a"
    assert CALLS == ["a"]


def test_cancelled_by_the_last_one_it_ends_and_can_be_asked_for_again() -> None:
    app = opened()
    until(lambda: job().done)
    first = job()
    app.button(key="cancel_test").click().run()
    until(lambda: first.over)
    assert not app.get("progress")
    app.button(key="ask_test").click().run()
    until(lambda: CALLS == ["a", "a"])
    GATES["a"].set()
    until(job().result.done)
    assert app.run().markdown[0].value == "result of a"


def test_what_waits_for_its_turn_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.os, "cpu_count", lambda: 1)
    first, second = opened("a"), opened("b")
    until(lambda: job().done)
    second.run()
    assert "waiting for its turn" in second.get("progress")[0].proto.text
    second.button(key="cancel_test").click().run()
    assert job("b").over
    with pytest.raises(CancelledError):
        job("b").result.result()
    GATES["a"].set()
    until(job().result.done)
    assert first.run().markdown[0].value == "result of a"
    assert CALLS == ["a"]


def test_it_ends_when_everybody_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    opened()
    until(lambda: job().done)
    monkeypatch.setattr(jobs, "PATIENCE", 0.0)
    until(lambda: job().over)


def test_it_waits_for_a_press_where_that_is_asked() -> None:
    app = opened(ask="Compute them all")
    assert app.button(key="ask_test").label == "Compute them all"
    assert not CALLS
    app.button(key="ask_test").click().run()
    until(lambda: CALLS == ["a"])
    GATES["a"].set()
    until(job().result.done)
    assert app.run().markdown[0].value == "result of a"


def test_what_goes_wrong_is_said_where_it_was_asked() -> None:
    app = opened("broken")
    GATES["broken"].set()
    until(job("broken").result.done)
    assert app.run().error[0].value == "This cannot be explained."
    with pytest.raises(ExplainError):
        job("broken").result.result()
