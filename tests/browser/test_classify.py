"""Classify in a real browser: a stroke that is drawn gets an answer, three files become a table."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import ROOT, Server
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner

pytestmark = pytest.mark.browser
PATIENCE = 90_000
SAMPLES = ROOT / "assets" / "samples"
LAYERS = (Conv(8), Activation(), MaxPool(), Flatten(), Dense(16), Activation(), Dense(10))


@pytest.fixture(scope="module")
def run_id(app: Server) -> str:
    """Record a small network that has learned digits for a moment."""
    app.home.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_HOME", str(app.home))
        store = RunStore(f"sqlite:///{app.home / 'runs.db'}", app.home / "runs")
        config = TrainConfig(epochs=2, batch_size=32, lr=0.01, precision="fp32", device="cpu")
        found = store.create(ModelSpec("Small", (1, 8, 8), 10, LAYERS), config, "digits", "Small", owner="tests")
        Runner(store, found, "tests").run()
        store.close()
    return found


def stroke(page: Page, *points: tuple[float, float]) -> None:
    """Draw with the mouse, in shares of the pad."""
    pad = page.locator("canvas.paper")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def test_a_stroke_gets_an_answer_and_another_one_changes_it(
    app: Server, page: Page, idle: Callable[[Page], None], run_id: str
) -> None:
    page.goto(f"{app.url}/classify?run={run_id}")
    idle(page)
    page.get_by_text("Draw", exact=True).click()
    expect(page.locator("canvas.paper")).to_be_visible(timeout=PATIENCE)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    idle(page)
    stroke(page, (0.5, 0.15), (0.5, 0.85))
    expect(page.get_by_text("The network's answer to Your drawing.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Your drawing 280")).to_be_visible(timeout=PATIENCE)
    idle(page)
    small = page.locator("canvas.small")
    lit = """canvas => { const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return [...data].filter((value, at) => at % 4 === 0 && value > 60).length }"""
    one = small.evaluate(lit)
    assert 0 < one < 30
    stroke(page, (0.2, 0.5), (0.8, 0.5))
    idle(page)
    assert small.evaluate(lit) > one
    undo.click()
    idle(page)
    assert small.evaluate(lit) == one
    # The same without a mouse: space puts the pen down, the arrows move it.
    page.locator("canvas.paper").focus()
    for key in (" ", *["ArrowLeft"] * 10, " "):
        page.keyboard.press(key)
    idle(page)
    assert small.evaluate(lit) > one


def test_three_files_become_a_table_and_a_row_is_looked_at(
    app: Server, page: Page, idle: Callable[[Page], None], run_id: str, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    page.goto(f"{app.url}/classify?run={run_id}")
    idle(page)
    hint = page.get_by_test_id("stFileUploaderDropzoneInstructions")
    assert hint.inner_text() == ""  # not all the endings that are let in, but one line
    assert hint.evaluate("line => getComputedStyle(line, '::after').content") == '"Pictures up to 30 MB each"'
    assert ".jfif" in (page.locator('input[type="file"]').get_attribute("accept") or "")
    page.locator('input[type="file"]').set_input_files([SAMPLES / "cat.jpg", bad, SAMPLES / "rocket.jpg"])
    expect(page.get_by_role("heading", name="All 3 pictures")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("1 of 3 cannot be used")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("The network's answer to rocket.jpg.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Download the answers")).to_be_visible()
    idle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the answers").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["file", "cat.jpg", "bad.png", "rocket.jpg"]
    table = page.locator(".st-key-batch_table .dvn-scroller").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 15, "y": 36 + 28})
    expect(page.get_by_text("The network's answer to cat.jpg.")).to_be_visible(timeout=PATIENCE)
