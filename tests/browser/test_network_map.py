"""The drawn network as a map: a press on a layer goes there, and so does Enter."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server

pytestmark = pytest.mark.browser


def test_a_layer_of_the_drawn_stack_is_gone_to_by_a_press_and_by_keyboard(
    app: Server, page: Page, idle: Callable[[Page], None]
) -> None:
    page.goto(f"{app.url}/build")
    idle(page)
    layer = page.locator(".st-key-drawing g.layer")
    expect(layer.and_(page.locator(".current"))).to_have_attribute("data-layer", "conv1")
    layer.and_(page.locator("[data-layer=pool1]")).click()
    expect(page.locator(".st-key-layer_2").get_by_text("Max pooling.")).to_be_visible()
    expect(layer.and_(page.locator("[data-layer=pool1]"))).to_have_attribute("aria-current", "true")
    layer.and_(page.locator("[data-layer=pool1]")).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-layer_3").get_by_text("Convolution.", exact=False).last).to_be_visible()
    expect(layer.and_(page.locator(".current"))).to_have_attribute("data-layer", "conv2")
    expect(layer.and_(page.locator(":focus"))).to_have_attribute("data-layer", "conv2")
