"""The course of an explanation: one click or key shows an epoch large, Play goes through all, and pages can follow."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server
from core.model.layers import Activation, Conv, Dense, Flatten

pytestmark = pytest.mark.browser
PATIENCE = 60_000
LAYERS = (Conv(8), Activation(), Flatten(), Dense(10))


@pytest.fixture
def run_id(train: Callable[..., str]) -> str:
    """Train a small network for three epochs where the app finds it, and return the id of its run."""
    return train(*LAYERS, epochs=3)


def place(page: Page, tiles: str, number: int) -> tuple[float, float]:
    """Return which place of the sheet a tile shows, counted in tiles."""
    left, top, width, height = (
        page.locator(tiles)
        .nth(number)
        .evaluate("t => [...t.style.backgroundPosition.split(' ').map(parseFloat), t.offsetWidth, t.offsetHeight]")
    )
    return left / width, top / height


def shown(page: Page) -> tuple[float, float]:
    return place(page, "figure .tile", 1)


def small(page: Page, card: int) -> tuple[float, float]:
    return place(page, ".card .tile", card)


def test_a_click_changes_the_large_map_and_the_address_can_follow(
    app: Server, new_page: Callable[..., Page], idle: Callable[[Page], None], run_id: str
) -> None:
    page = new_page()
    page.goto(f"{app.url}/explain?run={run_id}")
    page.get_by_test_id("stMain").get_by_text("Through time", exact=True).click(timeout=PATIENCE)
    cards, slider, told = (
        page.locator(".card"),
        page.get_by_role("slider", name="Epoch of the map"),
        page.locator("output"),
    )
    expect(cards).to_have_count(4, timeout=PATIENCE)
    idle(page)
    expect(told).to_have_text("epoch 3")
    assert shown(page) == pytest.approx(small(page, 3))
    cards.nth(1).click()
    expect(told).to_have_text("epoch 1")
    expect(cards.nth(1)).to_have_attribute("aria-pressed", "true")
    assert shown(page) == pytest.approx(small(page, 1))
    assert shown(page) != pytest.approx(small(page, 3))

    # Arrow keys move along the strip and along the slider.
    page.keyboard.press("ArrowRight")
    expect(told).to_have_text("epoch 2")
    expect(cards.nth(2)).to_be_focused()
    slider.press("Home")
    expect(told).to_have_text("untrained")
    assert shown(page) == pytest.approx(small(page, 0))

    # It plays to the end and stops there.
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(told).to_have_text("epoch 2")
    expect(told).to_have_text("epoch 3")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()

    # The page follows to the epoch that is looked at, and the class that is explained stays.
    title = page.get_by_role("heading", name=re.compile("How the map of")).inner_text()
    cards.nth(0).click()
    page.wait_for_timeout(600)
    idle(page)
    page.get_by_role("button", name="Look at this epoch on every page").click()
    page.wait_for_url("**epoch=0*")
    expect(page.get_by_role("heading", name=title)).to_be_visible(timeout=PATIENCE)
    expect(told).to_have_text("untrained")

    # On a phone nothing runs over the edge.
    page.set_viewport_size({"width": 390, "height": 844})
    idle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("figure").nth(0).bounding_box()["y"] == page.locator("figure").nth(1).bounding_box()["y"]  # type: ignore[index]
