"""What a visitor waits for, in a real browser: first paint, Start to first point, and the bytes of a live tick.

`python -m benchmarks.page [repeats]` needs Chromium and Playwright, like the browser tests.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.server import FLAGS, ROOT, chromium, serving
from benchmarks.table import print_table
from core.model.presets import preset
from core.runs.records import Metric
from core.runs.store import RunStore
from core.train.config import TrainConfig

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


@contextmanager
def growing(store: RunStore, run_id: str, step: int) -> Iterator[None]:
    """Add steps to a run as a worker does, for as long as the block lasts."""
    done = threading.Event()

    def grow() -> None:
        at = step
        while not done.wait(0.2):
            metrics = [measured(at + more) for more in range(1, 9)]
            at = metrics[-1].step
            store.worker.record(run_id, metrics, step=at, seconds=at * 0.03, epoch=metrics[-1].epoch)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def measured(step: int) -> Metric:
    """Make up what a step might measure: numbers of the usual length."""
    loss = 2.302585 / (1 + step / 500) + 0.01 * (step * 7919 % 100) / 100
    valid = (loss * 1.1, 1 - loss / 3) if step % 100 == 0 else (None, None)
    return Metric(step, 1 + (step - 1) // 100, 0.001, step * 0.03, loss, 1 - loss / 2.4, *valid)


def tick_bytes(page: Page, url: str, seconds: float) -> float:
    """Return kB received over the websocket per tick of half a second."""
    received = [0]
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: received.__setitem__(0, received[0] + len(frame))),
    )
    page.goto(url)
    page.get_by_text("Validation accuracy").wait_for()
    page.wait_for_timeout(4_000)
    before = received[0]
    page.wait_for_timeout(1000 * seconds)  # a plain sleep would hold the events back
    return (received[0] - before) / (seconds / 0.5) / 1000


def ticks(browser: Browser, repeats: int) -> None:
    """Watch runs of many lengths that grow at the same pace."""
    samples: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, serving(ROOT / "app.py", Path(folder)) as app:
        app.home.mkdir(exist_ok=True)
        store = RunStore(f"sqlite:///{app.home / 'runs.db'}", app.home / "runs")
        for length in (500, 5_000, 50_000):
            config, spec = TrainConfig(epochs=1000), preset("tutorial", (1, 28, 28), 10)
            run_id = store.create(spec, config, "mnist5k", owner="benchmark")
            store.change(run_id, total_steps=100_000, steps_per_epoch=100)
            for start in range(1, length, 5000):
                store.worker.record(run_id, [measured(step) for step in range(start, min(start + 5000, length + 1))])
            store.change(run_id, step=length)
            rows = samples[f"after {length:,} steps"] = []
            with growing(store, run_id, length):
                for _ in range(max(3, repeats // 3)):
                    context = browser.new_context(viewport={"width": 1280, "height": 900})
                    rows.append(tick_bytes(context.new_page(), f"{app.url}/train?run={run_id}", 6))
                    context.close()
            store.request(run_id, "stop")
            store.change(run_id, status="stopped")
        store.close()
    print_table("Websocket bytes of one live tick", "kB", samples)


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    found = chromium()
    if found is None:
        sys.exit("This benchmark needs Chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        paint(browser, repeats)
        first_point(browser, repeats)
        ticks(browser, repeats)
        browser.close()


if __name__ == "__main__":
    main()
