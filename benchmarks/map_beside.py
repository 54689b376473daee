"""What another visitor feels while the server lays out a map of 2,000 images, in two real browsers.

`python -m benchmarks.map_beside ARCHIVE.zip [repeats]` makes a data set of the archive, which has folders train and
test and at least 2,000 test images, trains the tutorial's network on it for a moment, and times a click on the Data
page, from the press to other pictures on screen: while nothing else happens, and while t-SNE runs for somebody else.
Needs Chromium and Playwright, like the browser tests.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.server import FLAGS, ROOT, chromium, serving
from benchmarks.table import print_table

PICTURE = "img[alt*='images of class']"
OTHER = f"before => document.querySelector(\"{PICTURE}\").getAttribute('src') !== before"


def prepare(archive: Path, home: Path) -> str:
    """Make the data set and the run in a data directory; return the id of the run."""
    from core.data.importing.importer import import_images
    from core.model.presets import preset
    from core.runs.store import RunStore
    from core.train.config import TrainConfig
    from core.train.runner import Runner

    os.environ["CONVSCOPE_HOME"] = str(home)
    data = import_images(archive, "Measured")
    store = RunStore()
    config = TrainConfig(epochs=1, train_images=1000)
    spec = preset("tutorial", data.input_shape, data.num_classes)
    run_id = store.create(spec, config, data.name, "Measured", owner="benchmark")
    Runner(store, run_id, "benchmark").run()
    store.close()
    return run_id


def click(page: Page) -> float:
    """Ask for other pictures and return the milliseconds until they are on screen."""
    before = page.locator(PICTURE).first.get_attribute("src")
    began = time.perf_counter()
    page.get_by_role("button", name="Other images").click()
    page.wait_for_function(OTHER, arg=before, polling=20)
    spent = (time.perf_counter() - began) * 1000
    page.wait_for_timeout(150)
    return spent


def measure(working: Page, waiting: Page, repeats: int) -> None:
    """Take turns: t-SNE of another layer for one visitor, as many clicks of the other; then as many in peace."""
    samples: dict[str, list[float]] = {"nothing else": [], "beside t-SNE": []}
    seconds = []
    for layer in ("conv2", "relu3", "dense1", "conv3", "pool2")[:repeats]:
        during: list[float] = []
        working.get_by_role("radio", name=layer).click()
        cancel = working.get_by_role("button", name="Cancel")
        cancel.wait_for()
        began = time.perf_counter()
        while cancel.count():
            during.append(click(waiting))
        seconds.append(time.perf_counter() - began)
        samples["beside t-SNE"] += during
        samples["nothing else"] += [click(waiting) for _ in during]
    print_table("Another visitor's click, until the pictures are there", "ms", samples)
    print_table("Meanwhile", "s", {"t-SNE of 2,000 images": seconds})


def main() -> None:
    """Measure and print."""
    archive, repeats = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        run_id = prepare(archive, Path(folder) / "home")
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with serving(ROOT / "app.py", Path(folder)) as app:
            waiting, working = (browser.new_context().new_page() for _ in range(2))
            waiting.goto(f"{app.url}/data")
            waiting.locator(PICTURE).first.wait_for()
            working.goto(f"{app.url}/embedding?run={run_id}")
            for choice in ("2,000", "t-SNE"):
                working.get_by_text(choice, exact=True).first.click()
                working.wait_for_timeout(2000)
            working.get_by_role("button", name="Cancel").wait_for(state="detached", timeout=120_000)
            for _ in range(5):
                click(waiting)
            measure(working, waiting, repeats)
        browser.close()


if __name__ == "__main__":
    main()
