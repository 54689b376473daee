"""Every page has the same frame, however one arrives at it."""

import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from pages.shared.shell.navigation import PAGES

pytestmark = pytest.mark.browser
TITLES = [info.title for info in PAGES.values()]
HEADINGS = {info.title: info.headline or info.title for info in PAGES.values()}
ROOT = Path(__file__).resolve().parents[2]
PRESS = """import streamlit as st
from pages.shared.shell import layout
layout.page("{name}")
if st.button("Press"):
    st.text("Pressed")
"""


def menu(page: Page) -> Locator:
    return page.get_by_test_id("stSidebar").get_by_test_id("stPageLink-NavLink")


def frame(page: Page) -> dict[str, Any]:
    """Return what the frame shows: everything but the page's own content."""
    expect(menu(page)).to_have_count(len(TITLES))
    return {
        "tab": page.title(),
        "title": page.locator("h1").all_inner_texts(),
        "menu": menu(page).locator("p").all_inner_texts(),
        "links": menu(page).evaluate_all("links => links.map(link => link.getAttribute('href'))"),
        "logo": page.get_by_test_id("stSidebarLogo").count(),
        "width": page.get_by_test_id("stMainBlockContainer").bounding_box(),
        "address": page.url.partition("/")[2].partition("/")[2].partition("/")[2],
    }


def test_the_first_visit_by_a_direct_link_looks_like_any_other(
    fresh_app: Any, new_page: Callable[..., Page], idle: Callable[[Page], None]
) -> None:
    frames = []
    for path in ("/train?run=r1", "/", "/train?run=r1"):
        page = new_page()
        page.goto(fresh_app.url + path)
        expect(page.locator("h1")).to_be_visible(timeout=30_000)  # of a server that has just started
        idle(page)
        frames.append(frame(page))
    first, _, later = frames
    assert first == later
    assert (first["tab"], first["title"], first["menu"]) == ("Train · ConvScope", ["Train"], TITLES)
    assert first["address"] == "train?run=r1"
    assert all(link.endswith("?run=r1") for link in first["links"])


def test_the_first_press_after_a_direct_link_counts(serve: Callable[[Path], Any], tmp_path: Path, page: Page) -> None:
    shutil.copy(ROOT / "app.py", tmp_path)
    shutil.copytree(ROOT / "pages" / "shared", tmp_path / "pages" / "shared")
    for name in PAGES:
        (tmp_path / "pages" / f"{name}.py").write_text(PRESS.format(name=name))
    page.goto(serve(tmp_path / "app.py").url + "/train")
    page.get_by_role("button", name="Press").click()
    expect(page.get_by_text("Pressed")).to_be_visible()


def test_a_first_visit_to_an_unknown_address_ends_at_home(
    fresh_app: Any, page: Page, idle: Callable[[Page], None]
) -> None:
    page.goto(fresh_app.url + "/nowhere")
    expect(page.get_by_role("dialog")).to_contain_text("Page not found")
    idle(page)
    shown = frame(page)
    assert (shown["title"], shown["menu"]) == ([HEADINGS["Home"]], TITLES)


def test_the_run_stays_in_the_address_from_page_to_page(app: Any, page: Page, idle: Callable[[Page], None]) -> None:
    page.goto(app.url + "/runs?run=r1")
    for title, name in (("Filters", "filters"), ("Explain", "explain"), ("Build", "build")):
        menu(page).filter(has_text=title).click()
        expect(page.locator("h1")).to_have_text(title)
        assert page.url == f"{app.url}/{name}?run=r1"
    page.reload()
    expect(page.locator("h1")).to_have_text("Build")
    assert page.url.endswith("/build?run=r1")
    page.go_back()
    expect(page.locator("h1")).to_have_text("Explain")
    assert page.url.endswith("/explain?run=r1")


def test_every_page_of_the_menu_opens_and_its_icons_are_drawn_without_the_internet(app: Any, page: Page) -> None:
    page.goto(app.url)
    expect(menu(page)).to_have_count(len(TITLES))
    assert page.evaluate("document.fonts.load('20px \"Material Symbols Rounded\"').then(fonts => fonts.length)")
    # Without the font an icon is the word that names it, several times as wide.
    widths = menu(page).get_by_test_id("stIconMaterial").evaluate_all("icons => icons.map(i => i.offsetWidth)")
    assert len(widths) == len(TITLES)
    assert max(widths) <= 24
    for title in [*TITLES[1:], TITLES[0]]:
        menu(page).get_by_text(title, exact=True).click()
        expect(page.locator("h1")).to_have_text(HEADINGS[title])
        expect(page).to_have_title(f"{title} · ConvScope")


def test_a_phone_shows_the_page_without_sideways_scrolling(
    app: Any, new_page: Callable[..., Page], idle: Callable[[Page], None]
) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    page.goto(app.url)
    expect(page.locator("h1")).to_have_text(HEADINGS["Home"])
    idle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_name_that_is_not_allowed_gets_a_page_that_says_so(app: Any) -> None:
    asked = urllib.request.Request(app.url + "/train?run=r1", headers={"Host": "school.example:8501"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked)
    assert refused.value.code == 403
    assert "does not answer to “school.example”" in refused.value.read().decode()
    assert f"http://localhost:{urllib.parse.urlsplit(app.url).port}" in app.log.read_text()
