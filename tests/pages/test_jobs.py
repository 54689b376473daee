"""Work in the background: shared, watched, cancelled, and never lost."""

import gc
import queue
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from core.errors import ExplainError
from core.explain.epochs import MissingEpoch
from pages.shared.shell import background_jobs, job_board
from pages.shared.shell.job_board import Lane

GATES: dict[str, threading.Event] = {}
CALLS: list[str] = []
ERRORS: list[Exception] = []  # what the work raises, the last one first
HIDDEN: list[bool] = []  # not empty: the page does not show the place


@pytest.fixture(autouse=True)
def _nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_jobs, "_session", background_jobs._session)
    monkeypatch.setattr(background_jobs, "GRACE_SECONDS", {})
    st.cache_resource.clear()
    GATES.update({name: threading.Event() for name in ("a", "b", "c")})
    for each in (CALLS, ERRORS, HIDDEN):
        each.clear()


def script(name: str, ask: str, person: str, here) -> None:  # type: ignore[no-untyped-def]
    """Show one piece of work that waits for its gate after its first step."""
    import streamlit as st

    from pages.shared.shell import background_jobs

    def work(tell):  # type: ignore[no-untyped-def]
        here["calls"].append(name)
        tell(1, 2)
        while not here["gates"][name].wait(0.01):
            tell(1, 2)
        if here["errors"]:
            raise here["errors"].pop()
        return f"result of {name}"

    background_jobs._session = lambda: person
    if not here["hidden"]:
        found = background_jobs.background((name,), work, words="Counting", place="test", ask=ask)
        if found is not None:
            st.markdown(found)


def opened(name: str = "a", ask: str = "", person: str = "one") -> AppTest:
    here = {"calls": CALLS, "gates": GATES, "errors": ERRORS, "hidden": HIDDEN}
    words = {"name": name, "ask": ask, "person": person, "here": here}
    app = AppTest.from_function(script, kwargs=words, default_timeout=20).run()
    assert not app.exception
    return app


def until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def job(name: str = "a") -> job_board.Job:
    found = job_board.board().look((name,))
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


def test_one_long_work_does_not_block_the_others_on_two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_board.os, "cpu_count", lambda: 2)
    opened("a")
    second = opened("b")
    GATES["b"].set()
    until(job("b").result.done)
    assert second.run().markdown[0].value == "result of b"
    assert not job("a").result.done()
    GATES["a"].set()
    until(job("a").result.done)


def test_what_waits_for_its_turn_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_board.os, "cpu_count", lambda: 1)
    first, other, last = opened("a"), opened("b"), opened("c")
    until(lambda: job("a").done and job("b").done)
    last.run()
    assert "waiting for its turn" in last.get("progress")[0].proto.text
    last.button(key="cancel_test").click().run()
    assert job("c").over
    assert job("c").work is None
    with pytest.raises(CancelledError):
        job("c").result.result()
    for name, app in (("a", first), ("b", other)):
        GATES[name].set()
        until(job(name).result.done)
        assert app.run().markdown[0].value == f"result of {name}"
    assert CALLS == ["a", "b"]


def test_it_ends_when_everybody_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    opened()
    until(lambda: job().done)
    monkeypatch.setattr(job_board, "PATIENCE", 0.0)
    until(lambda: job().over)


def test_work_that_lasts_goes_on_without_watchers_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_board, "PATIENCE", 0.0)
    board, steps, go = job_board.Board(), queue.SimpleQueue[int](), threading.Semaphore(0)

    def work(tell: job_board.Progress) -> str:
        for step in range(100):
            tell(step, 100)
            steps.put(step)
            go.acquire()
        return "all"

    job = board.watch("file", work, "one", Lane.DOWNLOAD, lasting=True)
    for step in range(3):
        assert steps.get(timeout=10) == step
        go.release()
    assert steps.get(timeout=10) == 3
    job.leave("one")
    go.release()
    job.result.result(10)
    assert job.ended and steps.empty()


def test_no_lane_waits_for_another() -> None:
    board, go = job_board.Board(), threading.Event()
    for lane in Lane:
        for number in range(job_board.threads_of(lane) + 1):
            if lane is not Lane.SHORT:
                board.watch((lane, number), lambda tell: go.wait(10), "one", lane)
    assert board.watch("short", lambda tell: 7, "one").result.result(10) == 7
    waiting = [job.started is None for job in board.jobs.values()]
    assert waiting.count(True) >= 3  # one of each other lane
    go.set()
    for pool in board.pools.values():
        pool.shutdown(wait=True)


def test_what_is_done_at_once_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_jobs, "GRACE_SECONDS", {Lane.SHORT: 10.0})
    GATES["a"].set()
    assert opened().markdown[0].value == "result of a"
    ERRORS.append(ExplainError("No."))
    GATES["b"].set()
    assert [error.value for error in opened("b").error] == ["No."]


def test_it_waits_for_a_press_where_that_is_asked() -> None:
    app = opened(ask="Compute them all")
    assert app.button(key="ask_test").label == "Compute them all"
    assert not CALLS
    app.button(key="ask_test").click().run()
    until(lambda: CALLS == ["a"])
    GATES["a"].set()
    until(job().result.done)
    assert app.run().markdown[0].value == "result of a"


def fail(error: Exception, **words: str) -> AppTest:
    """Return a page whose work has failed with an error."""
    ERRORS.append(error)
    app = opened(**words)
    until(lambda: job().done)
    GATES["a"].set()
    until(job().result.done)
    return app.run()


def test_what_waited_for_a_press_is_not_begun_again_unasked() -> None:
    ERRORS.append(ExplainError("The server does not answer."))
    GATES["a"].set()
    app = opened(ask="Download").button(key="ask_test").click().run()
    until(job().result.done)
    assert [error.value for error in app.run().error] == ["The server does not answer."]
    HIDDEN.append(True)
    app.run()
    HIDDEN.clear()
    assert app.run().button(key="ask_test").label == "Download"
    assert CALLS == ["a"]


def test_what_goes_wrong_is_said_once_where_it_was_asked_and_can_be_tried_again() -> None:
    app = fail(ExplainError("This *cannot* be explained."))
    assert [error.value for error in app.error] == [r"This \*cannot\* be explained."]
    assert [button.label for button in app.button] == ["Try again"]
    assert [error.value for error in app.run().error] == [r"This \*cannot\* be explained."]
    assert CALLS == ["a"]  # a page that is drawn again does not try by itself
    app.button(key="again_test").click().run()
    assert not app.error
    until(job().result.done)
    assert app.run().markdown[0].value == "result of a"
    assert CALLS == ["a", "a"]


def test_a_failure_is_not_kept_for_other_visitors() -> None:
    app = fail(ExplainError("The disk is full."), person="one")
    other = opened(person="other")
    assert not other.error
    until(job().result.done)
    assert other.run().markdown[0].value == "result of a"
    assert CALLS == ["a", "a"]
    assert app.run().markdown[0].value == "result of a"


def test_whoever_comes_back_to_a_place_tries_anew() -> None:
    app = fail(ExplainError("The database is busy."))
    HIDDEN.append(True)
    assert not app.run().error
    HIDDEN.clear()
    assert not app.run().error
    until(job().result.done)
    assert app.run().markdown[0].value == "result of a"


def test_all_who_watched_hear_why_it_failed() -> None:
    ERRORS.append(ExplainError("This cannot be explained."))
    apps = [opened(person=person) for person in ("one", "other")]
    GATES["a"].set()
    until(job().result.done)
    assert [app.run().error[0].value for app in apps] == ["This cannot be explained."] * 2
    assert CALLS == ["a"]


def test_an_unexpected_error_is_a_sentence_and_its_traceback_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = fail(OSError("/secret/path is full"))
    assert not app.exception
    assert app.error[0].value == (
        "This could not be finished because of an unexpected error (OSError). The details are in the server's log."
    )
    assert "OSError: /secret/path is full" in caplog.text
    assert "in work" in caplog.text


class Upload:
    """Something large that work closes over."""


@pytest.mark.parametrize("end", ["result", "sentence", "surprise", "cancelled", "waiting", "part"])
def test_what_the_work_held_is_released_as_soon_as_it_is_over(end: str, caplog: pytest.LogCaptureFixture) -> None:
    board = job_board.Board()
    upload, go, reached = Upload(), threading.Event(), threading.Event()
    gone = weakref.ref(upload)

    def work(tell: job_board.Progress, upload: Upload = upload) -> object:
        reached.set()
        go.wait(10)
        tell(1, 2)
        if end in ("sentence", "surprise"):
            raise (ExplainError if end == "sentence" else KeyError)(str(upload))
        return [attempt(partial(refuse, upload))] if end == "part" else 1

    def attempt(ask: Callable[[], object]) -> object:
        try:
            return ask()
        except ExplainError as error:
            return error

    def refuse(upload: Upload) -> None:
        raise ExplainError("No.")

    if end == "waiting":
        for number in range(job_board.threads_of(Lane.SHORT)):
            board.watch(number, lambda tell: go.wait(10), "one")
    found = board.watch("upload", work, "one")
    del work, upload
    if end != "waiting":
        assert reached.wait(10)
    if end in ("cancelled", "waiting"):
        found.leave("one")
    if end == "waiting":
        gc.collect()
        assert gone() is None
    go.set()
    board.pools[Lane.SHORT].shutdown(wait=True)
    assert found.result.done()
    gc.collect()
    assert gone() is None
    assert found.over == (end not in ("result", "part"))


def test_what_runs_is_never_started_twice_however_much_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_board, "KEPT", 3)
    board, go = job_board.Board(), threading.Event()
    running = board.watch("long", lambda tell: go.wait(10), "one")
    for number in range(20):
        assert board.watch(number, lambda tell: 7, "one").result.result(10) == 7
    assert board.watch("long", lambda tell: None, "other") is running
    assert not running.result.done()
    go.set()
    board.pools[Lane.SHORT].shutdown(wait=True)
    assert len(board.jobs) == 3


def test_results_are_kept_up_to_a_number_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_board, "KEPT_BYTES", 2_000_000)
    board = job_board.Board()
    for number in range(5):
        board.watch(number, lambda tell: {"map": [np.zeros(100_000)]}, "one").result.result(10)  # 800 kB
    board.watch("large", lambda tell: bytes(3_000_000), "one").result.result(10)
    board.pools[Lane.SHORT].shutdown(wait=True)
    assert list(board.jobs) == ["large"]


def test_sizes_are_of_all_that_a_result_holds() -> None:
    network = torch.nn.Linear(10, 100)
    held = job_board.Job(None, size=3)
    assert job_board.size_of((np.zeros((2, 3)), torch.zeros(5), "abc", network)) == 48 + 20 + 3 + 4 * 1100
    assert job_board.size_of({"job": held}) > 0


@dataclass(frozen=True)
class Pair:
    """Two parts of a result."""

    one: object
    other: object


def test_a_gap_that_stays_is_shared() -> None:
    board = job_board.Board()
    first = board.watch("epochs", lambda tell: (MissingEpoch(1, "This method does not fit."),), "one")
    first.result.result(10)
    assert board.watch("epochs", lambda tell: (), "other") is first


def test_a_result_with_an_error_in_it_is_not_kept_for_other_visitors() -> None:
    board = job_board.Board()
    no = ExplainError("No.")
    for found in ([1, no], {"map": no}, Pair(1, no), (MissingEpoch(1, "Busy.", may_pass=True),)):
        first = board.watch(repr(found), lambda tell, found=found: found, "one")
        first.result.result(10)
        assert board.watch(repr(found), lambda tell: [1, 2], "one") is first
        assert board.watch(repr(found), lambda tell: [1, 2], "other").result.result(10) == [1, 2]
