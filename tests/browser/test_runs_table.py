"""A click on any cell of the runs table chooses that run, also when a new one moves the rows."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.model.presets import preset
from core.runs.records import Status
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


def click_row(page: Page, row: int, url: str) -> None:
    """Click a cell until the address follows: the canvas is there before it listens."""
    for _ in range(10):
        page.get_by_test_id("stDataFrame").click(position={"x": 120, "y": ROW * (row + 1.5)})
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
