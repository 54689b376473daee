"""From a map to how far it can be trusted, where methods disagree, and what turns the answer: each section answers."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool

pytestmark = pytest.mark.browser
PATIENCE = 60_000
LAYERS = (Conv(8), Activation(), MaxPool(), Flatten(), Dense(10))


@pytest.fixture
def run_id(train: Callable[..., str]) -> str:
    """Train a small network on the drawn shapes, whose places are known, where the app finds it."""
    return train(*LAYERS, dataset="shapes", epochs=1, train_images=640, lr=0.003)


def test_the_sections_of_explain_answer(app: Server, page: Page, idle: Callable[[Page], None], run_id: str) -> None:
    page.goto(f"{app.url}/explain?run={run_id}&target=3")
    main = page.get_by_test_id("stMain")
    expect(page.locator(".st-key-explained_occlusion .frame")).to_be_visible(timeout=PATIENCE)
    idle(page)

    # The pixels go, and the network is asked again.
    main.get_by_text("Trust", exact=True).click()
    said = re.compile(r"\d+ of 1,024 pixels are gone")
    expect(page.get_by_text(said)).to_be_visible(timeout=PATIENCE)
    idle(page)
    before = page.get_by_text(said).inner_text()
    slider = page.get_by_role("slider", name="How many, of all pixels")
    slider.press("ArrowRight")
    expect(page.get_by_text(before)).to_have_count(0, timeout=PATIENCE)
    expect(page.get_by_text(said)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(re.compile("Lower is better")).first).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name=re.compile("Compute the league")).click()
    expect(page.get_by_text(re.compile("centre", re.IGNORECASE)).first).to_be_visible(timeout=2 * PATIENCE)

    main.get_by_text("Disagreement", exact=True).click()
    expect(page.get_by_text(re.compile("agree most"))).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Pixels whose weight is disputed")).to_be_visible()

    main.get_by_text("Through time", exact=True).click()
    expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=PATIENCE)

    # And on to what turns the answer.
    page.get_by_role("link", name="See what turns the answer, and what taught it").click()
    expect(page.get_by_text("The attacked picture")).to_be_visible(timeout=PATIENCE)
    idle(page)
    page.locator(".st-key-attack_controls button").first.click()
    page.get_by_role("slider", name=re.compile("Strength")).press("End")
    expect(page.get_by_text(re.compile(r"no value by more than (?!8 )\d+ levels"))).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("Escape")  # a press beside the open settings may do no more than close them
    expect(page.get_by_role("slider", name=re.compile("Strength"))).to_be_hidden()
    idle(page)
    main.get_by_text("Training images", exact=True).click()
    expect(page.get_by_text(re.compile("Which training images taught it"))).to_be_visible(timeout=PATIENCE)
