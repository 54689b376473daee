"""One slider moves every page to an epoch, by key and by link, and two epochs stand side by side."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.server import Server
from core.model.layers import Activation, Conv, Dense, Flatten

pytestmark = pytest.mark.browser
PATIENCE = 60_000
LAYERS = (Conv(8), Activation(), Flatten(), Dense(10))
BELOW_EACH_OTHER = """([one, other]) => {
    const [above, below] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
    return above.x === below.x && above.y < below.y;
}"""


@pytest.fixture
def run_id(train: Callable[..., str]) -> str:
    """Train a small network for three epochs where the app finds it, and return the id of its run."""
    return train(*LAYERS, epochs=3)


def sheet(tiles: Locator) -> str:
    return str(tiles.evaluate("tiles => tiles.style.getPropertyValue('--sheet')"))


def test_the_slider_moves_every_page_and_two_epochs_are_chosen_from_alike(
    app: Server, new_page: Callable[..., Page], idle: Callable[[Page], None], run_id: str
) -> None:
    page = new_page()
    page.goto(f"{app.url}/filters?run={run_id}")
    tiles = page.locator(".tiles")
    expect(tiles.locator("button")).to_have_count(8, timeout=PATIENCE)
    slider = page.get_by_role("slider", name="Epoch")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("3, latest"), timeout=PATIENCE)
    latest = sheet(tiles)
    slider.press("ArrowLeft")
    page.wait_for_url("**epoch=2*")
    page.wait_for_function(
        "([tiles, sheet]) => tiles.style.getPropertyValue('--sheet') !== sheet", arg=[tiles.element_handle(), latest]
    )
    expect(slider).to_be_focused(timeout=PATIENCE)

    # The next page looks at the same epoch, and so does a reload.
    page.get_by_test_id("stSidebar").get_by_role("link", name="Feature maps").click()
    page.wait_for_url("**/feature_maps?*epoch=2*")
    page.reload()
    expect(page.get_by_role("slider", name="Epoch")).to_have_attribute(
        "aria-valuetext", re.compile("^2"), timeout=PATIENCE
    )

    # A click on a map of one epoch chooses it in the other's, whichever it is.
    page.get_by_test_id("stMain").get_by_text("Compare", exact=True).click()
    page.wait_for_url("**other_epoch=0*")
    for letter in ("A", "B"):
        expect(page.get_by_text(re.compile(f"^{letter} · epoch")).first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("One scale for A and B.").first).to_be_visible(timeout=PATIENCE)
    for side, tile in ((0, 3), (1, 5), (0, 1)):
        expect(tiles).to_have_count(2, timeout=PATIENCE)
        idle(page)
        tiles.nth(side).locator("button").nth(tile).click()
        expect(page.get_by_role("heading", name=f"Map {tile} of conv1")).to_have_count(2, timeout=PATIENCE)
        for other in (0, 1):
            expect(tiles.nth(other).locator("button").nth(tile)).to_have_attribute(
                "aria-pressed", "true", timeout=PATIENCE
            )

    # On a phone the two stand one below the other.
    page.set_viewport_size({"width": 390, "height": 844})
    both = [page.get_by_text(re.compile(f"^{letter} · epoch")).first.element_handle() for letter in ("A", "B")]
    page.wait_for_function(BELOW_EACH_OTHER, arg=both)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
