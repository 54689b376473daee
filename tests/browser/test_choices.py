"""What was chosen stays chosen when what surrounds it changes: a browser knows an option by its words alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server
from core.model.layers import Activation, Conv, Dense, Flatten

pytestmark = pytest.mark.browser
PATIENCE = 60_000


@pytest.fixture
def run_id(train: Callable[..., str]) -> str:
    """Train a small network for three epochs where the app finds it."""
    return train(Conv(4), Activation(), Flatten(), Dense(10), epochs=3)


def test_a_split_stays_chosen_in_another_data_set(app: Server, page: Page, idle: Callable[[Page], None]) -> None:
    page.goto(f"{app.url}/data")
    page.get_by_text("Valid", exact=True).first.click()
    for title in ("Small handwritten digits (8 × 8)", "Shapes on textured backgrounds"):
        page.get_by_text(title, exact=True).click()
        expect(page.get_by_role("heading", name=title)).to_be_visible(timeout=PATIENCE)
        idle(page)
        expect(page.get_by_role("radiogroup", name="Split").get_by_role("radio", checked=True)).to_have_count(1)
        expect(page.get_by_role("radio", name="Valid")).to_be_checked()


def test_a_class_to_hold_against_stays_chosen_at_other_epochs(
    app: Server, page: Page, idle: Callable[[Page], None], run_id: str
) -> None:
    page.goto(f"{app.url}/explain?run={run_id}&target=3")
    against = page.get_by_role("combobox", name="Why “3” and not …")
    expect(page.locator(".st-key-explained_occlusion .frame")).to_be_visible(timeout=PATIENCE)  # the last of the maps
    idle(page)
    settings, classes = page.locator(".st-key-settings_menu button").first, page.get_by_role("tab", name="Classes")
    settings.click()
    classes.click()
    against.click()
    page.keyboard.type("8")  # the list can be searched
    page.get_by_role("option", name="8", exact=True).wait_for(timeout=PATIENCE)
    page.keyboard.press("Enter")
    expect(against).to_have_value("8", timeout=PATIENCE)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(against).to_be_hidden()
    idle(page)
    for epoch in (2, 1):
        page.get_by_role("slider", name="Epoch").press("ArrowLeft")
        page.wait_for_url(f"**epoch={epoch}**")
        idle(page)
        settings.click()
        classes.click()
        expect(against).to_have_value("8")
        page.keyboard.press("Escape")
        expect(against).to_be_hidden()
