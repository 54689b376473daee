"""What a tick of the live page reads of the store."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event
from streamlit.testing.v1 import AppTest

from core.runs.records import Metric, Run, Status
from core.runs.store import RunStore
from pages.shared.run import waiting
from pages.shared.run.live_parts import Board
from pages.shared.shell import services
from pages.shared.shell.navigation import path


@pytest.fixture
def asked() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            statements.append(statement)

    engine = services.store().database.engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def learn(store: RunStore, run: Run) -> None:
    metric = Metric(run.step + 1, run.epoch, 0.01, run.seconds + 0.1, 0.5, 0.75)
    store.worker.record(run.id, [metric], step=metric.step, seconds=metric.seconds)


def draw_again() -> None:
    import streamlit as st

    st.session_state["part"].draw(st.session_state["run"])


def test_a_tick_reads_the_run_and_nothing_else(
    trained_run: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SECONDS", 3600.0)  # which have not passed since the page was drawn
    store = services.store()
    store.change(trained_run, status=Status.RUNNING.value, owner="tests", total_steps=10_000, pace=0.0)
    app = AppTest.from_file(path("train"), default_timeout=90)
    app.query_params["run"] = trained_run
    board: Board = app.run().session_state["live_board"]
    learn(store, store.get(trained_run))
    asked.clear()
    board._beat("figures")
    latest = board._fresh["figures"]
    assert latest.step == store.get(trained_run).step
    again = AppTest.from_function(draw_again)
    again.session_state["part"], again.session_state["run"] = board._parts["figures"], latest
    assert "Validation accuracy" in [metric.label for metric in again.run().metric]
    assert len(asked) == 2  # one of them this test's own
