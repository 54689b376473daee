"""The epochs play by themselves on a page, and a click on the loss curve moves all of them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server
from core.model.layers import Activation, Conv, Dense, Flatten

pytestmark = pytest.mark.browser
PATIENCE = 60_000


def test_a_click_on_the_loss_curve_chooses_an_epoch_and_the_play_button_goes_on_from_there_to_the_end(
    app: Server, page: Page, idle: Callable[[Page], None], train: Callable[..., str]
) -> None:
    run = train(Conv(4), Activation(), Flatten(), Dense(10), epochs=3)
    page.goto(f"{app.url}/train?run={run}")
    slider = page.get_by_role("slider", name="Epoch")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("3, latest"), timeout=PATIENCE)
    idle(page)
    curve = page.get_by_test_id("stVegaLiteChart").first
    box = curve.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.46 * box["width"], box["y"] + 0.45 * box["height"])
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^1 "), timeout=PATIENCE)
    page.wait_for_url("**epoch=1*")

    visited: list[str] = []
    page.goto(f"{app.url}/filters?run={run}&epoch=1")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^1 "), timeout=PATIENCE)
    page.on("framenavigated", lambda frame: visited.append(frame.url))
    play = page.locator(".st-key-play_epoch button")
    play.click()
    expect(slider).to_have_attribute("aria-valuetext", re.compile("3, latest"), timeout=PATIENCE)
    expect(play).to_have_attribute("aria-label", "Play the epochs", timeout=PATIENCE)
    assert any("epoch=2" in url for url in visited)
