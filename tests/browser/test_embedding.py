"""The map of the data: a mark that is pointed at shows its own image, a click chooses it, keys walk, Play wanders."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server
from core.data.datasets import load_dataset
from core.figures.atlas import framed
from core.model.layers import Activation, Conv, Dense, Flatten
from core.probe.embedding.data_map import ImageSample, data_map
from core.runs.store import RunStore

pytestmark = pytest.mark.browser
PATIENCE = 60_000
EDGE = 18  # as in the script
LAYERS = (Conv(8), Activation(), Flatten(), Dense(10))
_PIXELS = """tip => {
    const {width, height} = tip, pixels = tip.getContext("2d").getImageData(0, 0, width, height).data;
    return [width, height, [...pixels].filter((_, i) => i % 4 === 0)];
}"""


@pytest.fixture
def run_id(train: Callable[..., str]) -> str:
    """Train a small network for two epochs where the app finds it, and return the id of its run."""
    return train(*LAYERS)


def places(page: Page, run_id: str) -> np.ndarray:
    """Return where on the page the marks of the last hidden layer's PCA are, (N, 2)."""
    data = load_dataset("digits")
    model = RunStore().load_model(run_id, None)
    layer = [name for name, _ in model.named_children()][-2]
    points = framed(
        data_map(model, ImageSample(data.test.images, data.test.labels, data.normalize), layer, "pca").points
    )
    box = page.locator("canvas.map").bounding_box()
    assert box
    half = min(box["width"], box["height"]) / 2 - EDGE
    middle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    found: np.ndarray = middle + points * [half, -half]
    return found


def lonely(marks: np.ndarray, among: np.ndarray) -> int:
    """Return the mark, of some, whose nearest other one is farthest: no other is meant there."""
    far = np.linalg.norm(marks[:, None] - marks[None], axis=2) + np.eye(len(marks)) * 1e9
    return int(among[far.min(axis=1)[among].argmax()])


def test_pointing_shows_the_image_and_a_click_its_neighbours(
    app: Server, new_page: Callable[..., Page], idle: Callable[[Page], None], run_id: str
) -> None:
    page = new_page(viewport={"width": 1280, "height": 1300})
    page.goto(f"{app.url}/embedding?run={run_id}")
    expect(page.locator("canvas.map")).to_be_visible(timeout=PATIENCE)
    idle(page)
    data, marks = load_dataset("digits"), places(page, run_id)
    number = lonely(marks, np.arange(len(marks)))
    page.mouse.move(*marks[number])
    expect(page.locator(".tip")).to_be_visible()
    name = data.class_names[int(data.test.labels[number])]
    expect(page.locator(".readout").last).to_contain_text(f"Image {number}: {name}")
    width, height, values = page.locator(".tip canvas").evaluate(_PIXELS)
    shown = np.array(values).reshape(height, width)[height // 16 :: height // 8, width // 16 :: width // 8]
    assert np.array_equal(shown, data.test.images[number, 0].numpy())
    page.mouse.click(*marks[number])
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text(f"Test image {number}: “{name}”")).to_be_visible(timeout=PATIENCE)
    expect(main.locator(".cs-cards img")).to_have_count(9)
    idle(page)
    page.get_by_text("Explain this image by every method").click()
    expect(page.get_by_test_id("stMain").get_by_text(f"Test image {number}").first).to_be_visible(timeout=PATIENCE)


def test_keys_walk_to_the_next_mark_and_play_goes_through_the_epochs(
    app: Server, new_page: Callable[..., Page], idle: Callable[[Page], None], run_id: str
) -> None:
    page = new_page(reduced_motion="no-preference")
    page.goto(f"{app.url}/embedding?run={run_id}")
    board, readout = page.locator("canvas.map"), page.locator(".readout").last
    expect(board).to_be_visible(timeout=PATIENCE)
    idle(page)
    board.focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("Image ")
    first = readout.inner_text()
    marks = places(page, run_id)
    before = marks[int(first.split(":")[0].removeprefix("Image "))]
    page.keyboard.press("ArrowRight")
    expect(readout).not_to_have_text(first)
    number = int(readout.inner_text().split(":")[0].removeprefix("Image "))
    assert marks[number][0] > before[0]
    page.keyboard.press("Enter")
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text(f"Test image {number}: “")).to_be_visible(timeout=PATIENCE)
    main.get_by_text("All epochs", exact=True).click()
    told = page.locator("output")
    expect(told).to_have_text("epoch 2", timeout=PATIENCE)
    page.locator("button.play").last.click()
    expect(told).to_have_text("epoch 0, untrained")
    expect(told).to_have_text("epoch 2", timeout=PATIENCE)
    page.get_by_role("slider", name="Epoch of the map").press("ArrowLeft")
    expect(main.get_by_text("(epoch 1)")).to_be_visible(timeout=PATIENCE)
