"""Evaluate as people use it: a cell of the matrix is clicked, its images come, and one of them is explained."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.server import Server
from core.data.datasets import load_dataset
from core.evaluation.answers import answers_of
from core.evaluation.confusion import cell, confusion_counts, mistakes
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from core.runs.store import RunStore

pytestmark = pytest.mark.browser
PATIENCE = 60_000
LAYERS = (Conv(8), Activation(), MaxPool(), Flatten(), Dense(10))


@pytest.fixture
def run_id(train: Callable[..., str]) -> str:
    """Train a small network for a moment where the app finds it, and return the id of its run."""
    return train(*LAYERS)


def test_a_cell_shows_its_images_and_each_leads_to_its_explanation(
    app: Server, page: Page, idle: Callable[[Page], None], answered: Callable[[Locator, Locator], None], run_id: str
) -> None:
    digits = load_dataset("digits")
    answers = answers_of(
        RunStore().load_model(run_id), digits.test.images, digits.test.labels, normalize=digits.normalize
    )
    counts = confusion_counts(answers)
    true, predicted, count = mistakes(counts)[1]  # not the one that is shown at first
    page.goto(f"{app.url}/evaluate?run={run_id}")
    expect(page.get_by_text(f"{answers.right.mean():.1%}", exact=True)).to_be_visible(timeout=PATIENCE)
    page.get_by_role("radio", name="Confusion").or_(page.get_by_role("button", name="Confusion")).first.click()
    place = page.locator(f'.vega-embed path[aria-label*="True class: {true}; Predicted: {predicted};"]').first
    expect(place).to_be_visible(timeout=PATIENCE)
    idle(page)
    said = f"{count} of {counts[true].sum()} images of “{true}” were taken for “{predicted}”"
    answered(place, page.get_by_text(said))
    images = cell(answers, true, predicted)
    pictures = page.locator("[class*=st-key-cell_images_0_]:not(.st-key-cell_images_0_button)")
    expect(pictures).to_have_count(min(12, len(images)), timeout=PATIENCE)
    expect(pictures.first).to_contain_text(f"is {true}")
    idle(page)
    pictures.first.locator("button:visible").first.click()
    expect(page.get_by_role("heading", name="Explain", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("spinbutton", name="Number")).to_have_value(str(images[0]), timeout=PATIENCE)
    expect(page.get_by_role("heading", name=f"It says “{predicted}”")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(f"Wrong: Test image {images[0]} is “{true}”.")).to_be_visible()
    assert f"run={run_id}" in page.url
    page.go_back()
    expect(page.get_by_text(said)).to_be_visible(timeout=PATIENCE)
