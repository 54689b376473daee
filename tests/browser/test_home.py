"""The first page in a browser: cards that lead on wherever they are clicked, one step back, and filters that form."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.model.layers import Activation, Conv, Dense, Flatten

pytestmark = pytest.mark.browser
MOTION = "loop => [getComputedStyle(loop).animationName, getComputedStyle(loop).animationPlayState]"


def test_a_picture_of_ones_network_leads_to_its_page_and_one_step_back_returns(
    app: Any, train: Callable[..., str], new_page: Callable[..., Page], idle: Callable[[Page], None]
) -> None:
    run = train(Conv(4), Activation(), Flatten(), Dense(10))
    page = new_page(reduced_motion="no-preference")
    page.goto(app.url)
    loop = page.locator(".cs-loop")
    expect(loop).to_be_visible(timeout=60_000)
    assert loop.evaluate(MOTION) == ["cs-frames", "running"]
    page.get_by_label("Pause").check()
    assert loop.evaluate(MOTION) == ["cs-frames", "paused"]
    page.emulate_media(reduced_motion="reduce")
    assert loop.evaluate(MOTION)[0] == "none"
    idle(page)
    place = page.locator(".st-key-door_inside_feature_maps .cs-picture").bounding_box()
    assert place
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    expect(page.locator("h1")).to_have_text("Feature maps", timeout=60_000)
    page.wait_for_url(f"**/feature_maps?*run={run}*")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Classify").click()
    expect(page.locator("h1")).to_have_text("Classify")
    page.wait_for_url("**/classify?*picture=*")  # which the page itself adds to the address
    idle(page)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Feature maps")
