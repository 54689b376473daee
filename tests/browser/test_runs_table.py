"""The runs table obeys clicks and ticks, also when a new run moves its rows, and follows a run to its end."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.model.presets import preset
from core.runs.records import Metric, Status
from core.runs.store import RunStore
from core.train.config import TrainConfig

pytestmark = pytest.mark.browser
ROW = 35  # height of a row and of the header, in pixels


@pytest.fixture
def store(app: Any) -> Iterator[RunStore]:
    (app.home / "runs").mkdir(parents=True, exist_ok=True)
    store = RunStore(f"sqlite:///{app.home / 'runs.db'}", app.home / "runs")
    yield store
    store.close()


def add(store: RunStore, name: str) -> str:
    run_id = store.create(preset("lenet5", (1, 8, 8), 10), TrainConfig(), "digits", name, owner="a test")
    store.change(run_id, status=Status.STOPPED.value)
    return run_id


def click_row(page: Page, row: int, url: str | re.Pattern[str]) -> None:
    """Click a cell until the address follows: the canvas is there before it listens."""
    for _ in range(10):
        page.get_by_test_id("stDataFrame").first.click(position={"x": 120, "y": ROW * (row + 1.5)})
        with suppress(AssertionError):
            expect(page).to_have_url(url, timeout=2000)
            return
    pytest.fail(f"The address stayed {page.url}.")


def test_a_click_chooses_a_run_and_a_new_one_does_not_move_the_choice(
    app: Any, store: RunStore, page: Page, idle: Callable[[Page], None]
) -> None:
    oldest, newest = add(store, "Oldest"), add(store, "Newest <b>x</b>")
    page.goto(app.url + "/runs")
    heading = page.locator("h3").first
    expect(heading).to_have_text("Newest <b>x</b>")
    idle(page)
    click_row(page, 1, f"{app.url}/runs?run={oldest}")
    expect(heading).to_have_text("Oldest")
    add(store, "Newer still")
    page.reload()
    expect(heading).to_have_text("Oldest")
    idle(page)
    click_row(page, 1, f"{app.url}/runs?run={newest}")
    expect(heading).to_have_text("Newest <b>x</b>")


def tick_row(page: Page, row: int, words: str) -> None:
    """Tick a row until the address says so: the canvas is there before it listens."""
    for _ in range(10):
        page.get_by_test_id("stDataFrame").first.click(position={"x": 16, "y": ROW * (row + 1.5)})
        with suppress(AssertionError):
            expect(page).to_have_url(re.compile(words), timeout=2000)
            return
    pytest.fail(f"The address stayed {page.url}.")


def test_ticks_lay_curves_over_one_another_and_stay_while_other_runs_are_looked_at(
    app: Any, store: RunStore, page: Page, idle: Callable[[Page], None]
) -> None:
    first, second, third = (add(store, name) for name in ("First", "Second", "Third"))
    page.goto(app.url + "/runs")
    idle(page)
    tick_row(page, 0, f"compare={third}")
    tick_row(page, 2, f"compare={third}-{first}")
    expect(page.locator("h3").first).to_have_text("2 runs compared")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    click_row(page, 1, re.compile(f"run={second}"))
    expect(page.locator(".st-key-run_details h3")).to_have_text("Second")
    expect(page).to_have_url(re.compile(f"compare={third}-{first}"))
    tick_row(page, 0, f"compare={first}(&|$)")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(0)


@contextmanager
def growing(store: RunStore, run_id: str) -> Iterator[None]:
    """Add steps to a run as a worker does, for as long as the block lasts."""
    done = threading.Event()

    def grow() -> None:
        step = 0
        while not done.wait(0.2):
            step += 8
            metrics = [Metric(at, 1, 0.001, at * 0.03, 2.3 / at, 0.5, None, None) for at in range(step - 7, step + 1)]
            store.worker.record(run_id, metrics, step=step, seconds=step * 0.03, epoch=1)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_run_is_followed_to_its_end_while_a_note_is_written(
    app: Any, store: RunStore, page: Page, idle: Callable[[Page], None]
) -> None:
    run_id = add(store, "Going")
    store.change(run_id, status=Status.RUNNING.value, total_steps=1000, heartbeat=time.time())
    with growing(store, run_id):  # from the start: a run that shows no life is soon said to be interrupted
        page.goto(f"{app.url}/runs?run={run_id}")
        idle(page)
        badge = page.locator(".st-key-run_details").get_by_text("Training", exact=True).first
        expect(badge).to_be_visible()
        page.get_by_role("button", name="Note").click()
        note = page.get_by_role("textbox", name="Note")
        note.click()
        note.press_sequentially("Slowly, while it trains.", delay=250)  # several ticks long
        expect(note).to_have_value("Slowly, while it trains.")
        page.get_by_role("button", name="Save note").click()
        expect(page.locator(".st-key-run_note")).to_have_text("Slowly, while it trains.")
        store.change(run_id, status=Status.FINISHED.value)
    expect(page.locator(".st-key-run_details").get_by_text("Finished")).to_be_visible(timeout=10_000)
    expect(page.get_by_role("button", name="Delete")).to_have_count(1)  # what is no longer offered is gone
    expect(page.get_by_role("button", name="Delete")).to_be_enabled()
    assert store.get(run_id).note == "Slowly, while it trains."
