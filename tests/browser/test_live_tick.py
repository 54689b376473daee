"""A live page sends only what has changed: no browser is needed to count that."""

from collections.abc import Callable
from itertools import count

import pytest

from benchmarks.server import Server
from benchmarks.visitor import Visitor
from core.model.layers import Conv, Dense, Flatten
from core.runs.records import Metric, Status
from core.runs.store import RunStore

pytestmark = pytest.mark.browser
ALWAYS = {"new_session", "session_status_changed", "script_finished", "block", "metric", "progress", "pulse"}


def test_a_tick_sends_only_what_has_changed(app: Server, train: Callable[..., str]) -> None:
    run_id = train(Conv(4), Flatten(), Dense(10))
    store = RunStore()
    run = store.get(run_id)
    store.change(run_id, status=Status.RUNNING.value, owner="tests", total_steps=10_000)
    steps = count(run.step + 1)

    def learn(*valid: float) -> None:
        step = next(steps)
        metric = Metric(step, run.epoch + len(valid), 0.01, 60.0 + step, 0.5, 0.75, *valid)
        values = {"step": step, "seconds": metric.seconds, "epoch": metric.epoch, "train_accuracy": step / 10_000}
        store.worker.record(run_id, [metric], **values)

    with Visitor(app.url, "train", run=run_id) as visitor:
        assert {"vega_lite_chart", "button", "page_link"} < set(visitor.load().kinds)
        while "film" not in visitor.beat().kinds:  # until what draws the pictures is loaded
            learn()
        learn(0.4, 0.8)
        assert "vega_lite_chart" in visitor.beat().kinds  # an epoch has ended
        tick = visitor.beat()  # nothing is new
        assert set(tick.kinds) <= ALWAYS
        assert tick.messages <= 20
        assert tick.bytes < 5_000
        learn()
        assert not {"heading", "page_link"} & set(visitor.beat().kinds)
        store.request(run_id, "pause")
        assert "button" in visitor.beat().kinds
        store.change(run_id, status=Status.STOPPED.value)
        assert "page_link" in visitor.beat().kinds  # the whole page is drawn anew
    store.close()
