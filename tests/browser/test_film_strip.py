"""What is redrawn while a network really learns: the pictures change, and what was opened or switched stays."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server

pytestmark = pytest.mark.browser
PATIENCE = 120_000


def filters(page: Page) -> str:
    """Return the picture of the filters that is on the screen."""
    film = page.locator('.film[aria-label="The filters of conv1"]')
    return str(film.evaluate("film => film.style.getPropertyValue('--sheet')"))


def batch(page: Page) -> int:
    """Return which batch the pictures are of; 0 for before training."""
    text = page.get_by_text(re.compile("of these 8 are right")).inner_text()
    found = re.search(r"after batch ([\d,]+)", text)
    return int(found[1].replace(",", "")) if found else 0


def until(check: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_the_strip_is_redrawn_while_a_run_trains(app: Server, page: Page) -> None:
    page.goto(app.url)
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url("**/train?run=*")
    cards = page.locator(".film.cards .card")
    expect(cards).to_have_count(8, timeout=PATIENCE)
    expect(page.locator('.film[aria-label="The filters of conv1"] .tile')).to_have_count(32)
    until(lambda: filters(page))
    at, picture = batch(page), filters(page)
    page.get_by_role("button", name="Curves").click()
    page.get_by_text("Logarithmic loss").click()
    page.get_by_text("Inside the training").click()
    key = page.get_by_text("whole network")
    expect(key).to_be_visible(timeout=PATIENCE)

    until(lambda: batch(page) > at and filters(page) != picture)
    expect(page.get_by_role("switch", name="Logarithmic loss")).to_be_checked()
    expect(key).to_be_visible()
    page.get_by_role("button", name="Stop training").click()
    expect(page.get_by_text("Stopped, weights kept")).to_be_visible(timeout=PATIENCE)
    expect(cards).to_have_count(8)
