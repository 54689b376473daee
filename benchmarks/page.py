"""What a visitor waits for, in a real browser: first paint, and Start to first point.

`python -m benchmarks.page [repeats]` needs Chromium and Playwright, like the browser tests.
"""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.server import FLAGS, ROOT, chromium, serving
from benchmarks.table import print_table

EMPTY = 'import streamlit as st\nst.title("Empty")\n'


def first_paint(browser: Browser, url: str) -> float:
    """Return seconds from asking for the address until the title is on screen, for a new visitor."""
    context = browser.new_context()
    page = context.new_page()
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("h1").first.wait_for()
    spent = time.perf_counter() - began
    context.close()
    return spent


def paint(browser: Browser, repeats: int) -> None:
    """Take turns between the app's first page and an empty Streamlit page; also each server's very first visitor."""
    samples: dict[str, list[float]] = {"empty page": [], "ConvScope": []}
    cold: dict[str, list[float]] = {"empty page": [], "ConvScope": []}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "empty.py"
        script.write_text(EMPTY)
        scripts = {"empty page": script, "ConvScope": ROOT / "app.py"}
        for _ in range(max(3, repeats // 2)):
            for name, path in scripts.items():
                with serving(path, Path(folder) / "cold") as server:
                    cold[name].append(first_paint(browser, server.url))
        with (
            serving(scripts["empty page"], Path(folder) / "a") as empty,
            serving(ROOT / "app.py", Path(folder) / "b") as app,
        ):
            for server in (empty, app):
                first_paint(browser, server.url)
            time.sleep(10)  # what the app loads in the background is loaded
            for _ in range(repeats):
                samples["empty page"].append(first_paint(browser, empty.url))
                samples["ConvScope"].append(first_paint(browser, app.url))
    print_table("First paint, first visitor of a fresh server", "s", cold, against="empty page")
    print_table("First paint, later visitors", "s", samples, against="empty page")


def first_point(browser: Browser, repeats: int) -> None:
    """Press Start on the training page and wait until a measured batch is on screen."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder, serving(ROOT / "app.py", Path(folder)) as app:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(f"{app.url}/train")
        page.get_by_text("batches were timed").wait_for(timeout=120_000)
        for _ in range(repeats):
            time.sleep(12)  # a standby worker is ready
            began = time.perf_counter()
            page.get_by_role("button", name="Start training").click()
            page.get_by_text("Validation accuracy").wait_for()
            page.wait_for_function(
                "() => /batch [1-9]/.test(document.querySelector('[data-testid=stProgress]')?.innerText ?? '')",
                polling=20,
            )
            seconds.append(time.perf_counter() - began)
            page.get_by_role("button", name="Stop training").click()
            page.get_by_text("Stopped, weights kept").wait_for()
            page.goto(f"{app.url}/train")
            page.get_by_role("button", name="Start training").wait_for()
    print_table("Start pressed to first point on the page", "s", {"tutorial on mnist5k": seconds})


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    found = chromium()
    if found is None:
        sys.exit("This benchmark needs Chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        paint(browser, repeats)
        first_point(browser, repeats)
        browser.close()


if __name__ == "__main__":
    main()
