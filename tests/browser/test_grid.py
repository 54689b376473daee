"""A grid tells where the pointer is without a word to the server, and Python which pixel was chosen."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import IDLE

pytestmark = pytest.mark.browser
WIDTH, HEIGHT = 7, 5  # of a tile, as in grid_app.py


@pytest.fixture(scope="module")
def grid_app(serve: Callable[[Path], Any]) -> Any:
    return serve(Path(__file__).with_name("grid_app.py"))


@pytest.fixture(scope="module")
def sent() -> list[Any]:
    """Return what the window has sent to the server."""
    return []


@pytest.fixture(scope="module")
def window(grid_app: Any, lasting_page: Callable[..., Page], sent: list[Any]) -> Page:
    page = lasting_page()
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(grid_app.url)
    return page


@pytest.fixture
def grid(window: Page, request: pytest.FixtureRequest) -> Page:
    return show(window, request.node.name)


def show(page: Page, visitor: str) -> Page:
    """Show the grid as it is for a visitor who has chosen nothing yet, with the pointer away from it."""
    page.mouse.move(0, 0)
    field = page.get_by_label("Visitor")
    field.fill(visitor)
    field.press("Enter")
    expect(page.get_by_text(f"runs 1 of {visitor}")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(40)
    return page


def pixel(page: Page, tile: int, row: int, column: int) -> dict[str, float]:
    """Return the middle of a pixel on the screen."""
    box = page.locator(".tile").nth(tile).bounding_box()
    assert box is not None
    return {
        "x": box["x"] + (column + 0.5) * box["width"] / WIDTH,
        "y": box["y"] + (row + 0.5) * box["height"] / HEIGHT,
    }


def readout(page: Page) -> Locator:
    return page.locator(".readout")


def test_a_click_tells_python_the_tile_and_the_pixel(grid: Page) -> None:
    expect(grid.get_by_text("chosen Selection(tile=0, row=1, col=2)")).to_be_visible()
    grid.mouse.click(**pixel(grid, 13, 4, 6))
    expect(grid.get_by_text("chosen Selection(tile=13, row=4, col=6)")).to_be_visible()
    expect(grid.locator(".tile[aria-pressed=true]")).to_have_attribute("aria-label", "<b>grey</b> 13")


def test_pointing_reads_the_tile_and_sends_nothing(grid: Page, sent: list[Any]) -> None:
    grid.wait_for_selector(IDLE)
    before = len(sent)
    assert before
    for tile, row, column in ((3, 0, 0), (17, 2, 3), (39, 4, 6)):
        grid.mouse.move(**pixel(grid, tile, row, column))
        expect(readout(grid)).to_contain_text(f"<b>grey</b> {tile}")
        expect(readout(grid)).to_contain_text(f"row {row}, column {column}")
    grid.mouse.move(5, 5)
    expect(readout(grid)).to_contain_text("<b>grey</b> 0 · row 1, column 2")
    assert len(sent) == before
    expect(grid.get_by_text("runs 1")).to_be_visible()


def test_the_keys_walk_the_tiles_and_the_pixels(grid: Page) -> None:
    grid.locator(".tile").nth(0).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "Shift+ArrowDown", "Shift+ArrowLeft"):
        grid.keyboard.press(key)
    expect(readout(grid)).to_contain_text("<b>grey</b> 1 · row 2, column 1")
    expect(grid.get_by_text("runs 1")).to_be_visible()
    grid.keyboard.press("Enter")
    expect(grid.get_by_text("chosen Selection(tile=1, row=2, col=1)")).to_be_visible()
    across = grid.locator(".tiles").evaluate("e => getComputedStyle(e).gridTemplateColumns.split(' ').length")
    grid.keyboard.press("ArrowDown")
    grid.keyboard.press("Enter")
    expect(grid.get_by_text(f"chosen Selection(tile={1 + across}, row=2, col=1)")).to_be_visible()


def test_the_grid_refits_a_phone_without_sideways_scrolling(grid_app: Any, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page.goto(grid_app.url)
    show(page, "phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [page.locator(".tile").nth(tile).bounding_box() for tile in range(40)]
    assert all(box and box["width"] >= 36 and box["x"] + box["width"] <= 390 for box in boxes)
    assert all(box and box["width"] % WIDTH == 0 == box["height"] % HEIGHT for box in boxes)
    narrow = boxes[0]
    page.set_viewport_size({"width": 1280, "height": 800})
    first = page.locator(".tile").first
    page.wait_for_function("([e, width]) => e.offsetWidth > width", arg=[first.element_handle(), narrow["width"]])


def test_each_tile_shows_its_part_of_the_newest_sheet_and_the_choice_stays(grid: Page) -> None:
    grid.mouse.click(**pixel(grid, 21, 0, 0))
    expect(grid.get_by_text("chosen Selection(tile=21, row=0, col=0)")).to_be_visible()
    handle = grid.locator(".tile").nth(21).element_handle()

    def greys() -> list[int]:
        picture = Image.open(io.BytesIO(grid.screenshot())).convert("L")
        spots = [pixel(grid, tile, 2, 3) for tile in (7, 8, 39)]
        return [picture.getpixel((int(spot["x"]), int(spot["y"]))) for spot in spots]

    assert greys() == [7, 8, 39]
    tiles = grid.locator(".tiles")
    sheet = tiles.evaluate("tiles => tiles.style.getPropertyValue('--sheet')")
    grid.get_by_text("Another sheet").click()
    grid.wait_for_function(
        "([tiles, sheet]) => tiles.style.getPropertyValue('--sheet') !== sheet", arg=[tiles.element_handle(), sheet]
    )
    expect(grid.get_by_text("runs 3")).to_be_visible()
    assert greys() == [107, 108, 139]
    expect(grid.get_by_text("chosen Selection(tile=21, row=0, col=0)")).to_be_visible()
    assert handle.get_attribute("aria-pressed") == "true"
    assert handle.evaluate("tile => tile.isConnected")


def test_a_dead_tile_is_grey_and_says_so(grid: Page) -> None:
    tile = grid.get_by_role("group", name="Forty greys").get_by_role("button").nth(3)
    expect(tile).to_have_accessible_name("<b>grey</b> 3 (dead)")
    expect(tile).to_have_css("filter", "grayscale(1)")
