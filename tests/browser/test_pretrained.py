"""The first start without any training: a photograph is uploaded, named and explained, and the network looked into."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import ROOT, Server

pytestmark = pytest.mark.browser
UPLOAD = Path(__file__).parents[2] / "assets" / "samples" / "cat.jpg"
PATIENCE = 90_000


@pytest.fixture(scope="module")
def untrained_app(serve: Callable[[Path], Server]) -> Server:
    """Serve the app to tests that train nothing."""
    return serve(ROOT / "app.py")


def test_from_home_to_an_explained_photograph_and_into_the_network(
    untrained_app: Server, page: Page, idle: Callable[[Page], None]
) -> None:
    page.goto(untrained_app.url)
    page.get_by_role("link", name="Upload a photograph, see why").click()
    page.wait_for_url("**/classify?run=zoo-efficientnet_lite0*")
    expect(page.locator("h1")).to_have_text("Classify")
    expect(page.get_by_text("It says “Egyptian cat”")).to_be_visible(timeout=PATIENCE)  # of the sample
    idle(page)
    page.locator('input[type="file"]').set_input_files(UPLOAD)
    expect(page.get_by_text("The network's answer to cat.jpg.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("It says “Egyptian cat”")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name=re.compile("Egyptian cat.*38.7%"))).to_be_visible()

    # Why: what the network received, and Grad-CAM at once.
    expect(page.get_by_text("Why “Egyptian cat”?")).to_be_visible(timeout=PATIENCE)
    card = page.locator(".st-key-explained_grad_cam")
    expect(card.get_by_text("Light: regions that speak for the class.")).to_be_visible(timeout=PATIENCE)

    # Another class by its name, of a thousand.
    page.get_by_role("combobox", name="Another class").click()
    page.keyboard.type("Persian")
    page.keyboard.press("Enter")
    expect(page.get_by_text("What speaks for “Persian cat”?")).to_be_visible(timeout=PATIENCE)

    # Feature maps of the very photograph; another layer is a press on its block.
    page.get_by_test_id("stSidebar").get_by_role("link", name="Feature maps").click()
    expect(page.locator("h1")).to_have_text("Feature maps")
    tiles = page.locator(".tiles button")
    expect(tiles).to_have_count(32, timeout=PATIENCE)
    expect(page.get_by_text("cat.jpg, 3 × 224 × 224")).to_be_visible()
    idle(page)
    page.locator('g.layer[data-layer="blocks.5"]').click()
    expect(tiles).to_have_count(80, timeout=PATIENCE)
    expect(page.get_by_text("83 × 83 pixels")).to_be_visible()
    page.wait_for_url("**layer=blocks.5*")

    # Its filters.
    page.get_by_test_id("stSidebar").get_by_role("link", name="Filters").click()
    expect(page.locator("h1")).to_have_text("Filters")
    expect(page.get_by_text("32 filters of 3 × 3")).to_be_visible(timeout=PATIENCE)
    expect(tiles.first).to_be_visible()
    assert "run=zoo-efficientnet_lite0" in page.url


def test_without_a_training_every_page_offers_the_bundled_network(
    untrained_app: Server, page: Page, idle: Callable[[Page], None]
) -> None:
    page.goto(f"{untrained_app.url}/filters")
    expect(page.get_by_text("Or look into a pretrained network")).to_be_visible(timeout=PATIENCE)
    idle(page)
    page.get_by_test_id("stMain").get_by_text("EfficientNet-Lite0").click()
    page.wait_for_url("**/filters?run=zoo-efficientnet_lite0")
    expect(page.get_by_text("32 filters of 3 × 3")).to_be_visible(timeout=PATIENCE)


def test_a_network_that_is_not_here_is_fetched_only_when_asked(
    app: Server, page: Page, idle: Callable[[Page], None]
) -> None:
    page.goto(f"{app.url}/filters?run=zoo-resnet18")
    expect(page.get_by_role("button", name="Download (47 MB)")).to_be_visible(timeout=PATIENCE)
    idle(page)
    assert not (app.home / "zoo").exists()
    page.get_by_role("combobox", name=re.compile("^Network|Selected.*Network")).first.click()
    page.keyboard.type("EfficientNet-Lite0")
    page.keyboard.press("Enter")
    expect(page.get_by_text("32 filters of 3 × 3")).to_be_visible(timeout=PATIENCE)
