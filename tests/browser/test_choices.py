"""What was chosen stays chosen when what surrounds it changes: a browser knows an option by its words alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server

pytestmark = pytest.mark.browser
PATIENCE = 60_000


def test_a_split_stays_chosen_in_another_data_set(app: Server, page: Page, idle: Callable[[Page], None]) -> None:
    page.goto(f"{app.url}/data")
    page.get_by_text("Valid", exact=True).first.click()
    for title in ("Small handwritten digits (8 × 8)", "Shapes on textured backgrounds"):
        page.get_by_text(title, exact=True).click()
        expect(page.get_by_role("heading", name=title)).to_be_visible(timeout=PATIENCE)
        idle(page)
        expect(page.get_by_role("radiogroup", name="Split").get_by_role("radio", checked=True)).to_have_count(1)
        expect(page.get_by_role("radio", name="Valid")).to_be_checked()
