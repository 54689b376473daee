"""How many frames of a camera are answered in a second, each with a map, in a real browser and with a real server.

`python -m benchmarks.live_camera [repeats]` trains the tutorial's network for a moment on colour images of 32×32 pixels
and on digits of 28×28, where each frame is searched for a digit on paper, and counts the answers that reach the screen
in windows of five seconds, each of which begins once answers come. It also times what a frame costs as JPEG, as PNG and
as bare pixels, in the browser and when the server opens it. Needs Chromium and Playwright, like the browser tests.
"""

import base64
import os
import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.fake_camera import flags, write_y4m
from benchmarks.server import FLAGS, ROOT, chromium, serving
from benchmarks.table import print_table
from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.data.images import decode_image
from core.explain.live import LIVE_METHODS, frame_side
from core.explain.methods.registry import METHODS
from core.model.presets import preset
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner

SECONDS = 5.0  # of a window
NETWORKS = {"32×32 colour": "shapes", "28×28 digits on paper": "mnist5k"}
STEADY = 5  # answers that are awaited before a window begins: what is computed once is behind them
COUNT = """() => {
    window.answers = 0;
    const observer = new MutationObserver(() => (window.answers += 1));
    for (const host of document.querySelectorAll("*"))
        if (host.shadowRoot?.querySelector(".camera"))
            observer.observe(host.shadowRoot.querySelector(".bars"), { childList: true });
}"""
ENCODE = """async ([side, kind]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    const view = canvas.getContext("2d");
    const image = await createImageBitmap(await (await fetch("data:image/jpeg;base64," + window.photograph)).blob());
    view.drawImage(image, 0, 0, side, side);
    const encode = () => kind === "bare"
        ? btoa(String.fromCharCode(...view.getImageData(0, 0, side, side).data.filter((_, at) => at % 4 < 3)))
        : canvas.toDataURL("image/" + kind, 0.9).split(",")[1];
    const began = performance.now();
    for (let turn = 0; turn < 20; turn++) encode();
    return [(performance.now() - began) / 20, encode()];
}"""


def train(dataset: str) -> str:
    """Record a run of the tutorial's network that has seen a few images; return its id."""
    info, store = DATASETS[dataset], RunStore()
    config = TrainConfig(epochs=1, train_images=64, device="cpu", precision="fp32")
    spec = preset("tutorial", info.input_shape, len(info.class_names))
    run_id = store.create(spec, config, dataset, "Tutorial", owner="benchmark")
    Runner(store, run_id, "benchmark").run()
    store.close()
    return run_id


def rates(page: Page, url: str, repeats: int) -> dict[str, list[float]]:
    """Return answers a second by the map that is asked for, window by window."""
    page.goto(url)
    page.get_by_text("Camera", exact=True).click()
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_text("a second").wait_for(timeout=60_000)
    page.get_by_role("button", name="Cancel").wait_for(state="detached", timeout=120_000)  # what the page computes once
    page.evaluate(COUNT)
    samples: dict[str, list[float]] = {METHODS[name].title: [] for name in LIVE_METHODS}
    for _ in range(repeats):
        for name in LIVE_METHODS:
            page.locator(".method select").select_option(name)
            page.evaluate("window.answers = 0")
            page.wait_for_function("steady => window.answers >= steady", arg=STEADY, timeout=60_000)
            before, began = page.evaluate("window.answers"), time.perf_counter()
            page.wait_for_timeout(1000 * SECONDS)
            answers = page.evaluate("window.answers") - before
            samples[METHODS[name].title].append(answers / (time.perf_counter() - began))
    return samples


def encodings(page: Page, side: int, repeats: int) -> None:
    """Print what one frame costs, by how it is sent."""
    file = (ROOT / "assets" / "samples" / "astronaut.jpg").read_bytes()
    page.evaluate("file => { window.photograph = file }", base64.b64encode(file).decode())
    encoding, opening, size = dict[str, list[float]](), dict[str, list[float]](), dict[str, list[float]]()
    for kind in ("jpeg", "png", "bare"):
        encoding[kind], opening[kind] = [], []
        for _ in range(repeats):
            spent, text = page.evaluate(ENCODE, [side, kind])
            data, began = base64.b64decode(text), time.perf_counter()
            if kind == "bare":
                Image.frombytes("RGB", (side, side), data)
            else:
                decode_image(data)
            opening[kind].append(1000 * (time.perf_counter() - began))
            encoding[kind].append(spent)
        size[kind] = [len(text) / 1000]
    print_table(f"Encoding a frame of {side}×{side} in the browser", "ms", encoding)
    print_table("Opening it on the server", "ms", opening)
    print_table("Characters sent", "thousands", size)


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        film = write_y4m(folder / "digit.y4m", load_dataset("mnist5k").test.images[0, 0].numpy())
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *flags(film)])
        with serving(ROOT / "app.py", folder) as app:
            os.environ["CONVSCOPE_HOME"] = str(app.home)
            samples = dict[str, list[float]]()
            for words, dataset in NETWORKS.items():
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                found = rates(page, f"{app.url}/classify?run={train(dataset)}", repeats)
                samples |= {f"{words}, {title}": values for title, values in found.items()}
                page.close()
            print_table(f"Answered frames, {torch.backends.cpu.get_cpu_capability()}", "a second", samples)
        encodings(browser.new_page(), frame_side((3, 32, 32)), repeats)
        browser.close()


if __name__ == "__main__":
    main()
