"""From an empty app to a report that stands alone: Home, the demo, its runs, the report, opened without a network."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(serve: Callable[[Path], Server]) -> Server:
    """Serve the app with a demo of seconds."""
    return serve(Path(__file__).with_name("demo_app.py"))


def test_the_demo_fills_the_app_and_its_report_opens_alone(
    app: Server, page: Page, new_page: Callable[..., Page], idle: Callable[[Page], None], tmp_path: Path
) -> None:
    page.goto(app.url)
    page.get_by_role("button", name="Prepare the demo").click()
    expect(page.get_by_text("Preparing the demo")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    panel = page.locator(".st-key-demo_runs")
    for name in ("Demo: digits", "Demo: shapes", "Demo: overfits", "Demo: diverged"):
        expect(panel.get_by_role("link", name=name)).to_be_visible()
    expect(page.get_by_text("Preparing the demo")).to_have_count(0, timeout=180_000)
    expect(page.get_by_role("button", name="Prepare the demo")).to_have_count(0)

    expect(page.get_by_text("Drawing …")).to_have_count(0, timeout=60_000)  # Home's own pictures
    idle(page)
    page.get_by_role("link", name="Runs", exact=True).first.click()
    page.wait_for_url("**/runs*")
    page.get_by_role("button", name="Write a lab report").click(timeout=60_000)
    save = page.get_by_role("button", name="Save lab report")
    expect(save).to_be_visible(timeout=180_000)
    with page.expect_download() as found:
        save.click()
    target = tmp_path / found.value.suggested_filename
    found.value.save_as(target)
    assert target.suffix == ".html"

    asked: list[str] = []
    complaints: list[str] = []
    alone = new_page(viewport={"width": 390, "height": 844})
    alone.route(re.compile("^(http|ws)"), lambda route: route.abort())  # nothing but the file can be reached
    alone.on("request", lambda request: asked.append(request.url.partition(",")[0]))
    alone.on("console", lambda message: complaints.append(message.text))
    alone.goto(target.as_uri())
    expect(alone.get_by_role("heading", level=1)).to_have_text("Demo: digits")
    images = alone.locator("img")
    assert images.count() >= 2
    assert alone.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert {url for url in asked if not url.startswith("data:")} == {target.as_uri()}
    assert not complaints
    assert alone.evaluate("document.documentElement.scrollWidth") <= 390  # nothing sticks out on a telephone
