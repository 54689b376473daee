"""Pictures of one's own in a real browser: from the zip to a network that has learned from them."""

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server
from core.runs.store import RunStore
from tests.data.archives import class_folders, packed, picture

pytestmark = pytest.mark.browser
PATIENCE = 90_000
PASTE = """async file => {
    const picture = await (await fetch(`data:image/png;base64,${file}`)).blob();
    const clipboard = new DataTransfer();
    clipboard.items.add(new File([picture], "clip.png", { type: "image/png" }));
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard }));
}"""


def test_a_zip_becomes_a_data_set_that_a_network_learns_from(
    app: Server, page: Page, idle: Callable[[Page], None], tmp_path: Path
) -> None:
    archive = tmp_path / "my_things.zip"
    archive.write_bytes(packed(class_folders({"things/<i>red</i>"[:14]: 40, "things/blue *x*": 40})))
    page.goto(f"{app.url}/data?dataset=digits")
    page.get_by_text("Bring your own images").click(timeout=PATIENCE)
    page.locator('input[type="file"]').first.set_input_files(archive)
    expect(page.get_by_text("What becomes of it")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Bring in 80 pictures").click()
    train = page.get_by_role("link", name="Go to Train").first
    page.wait_for_url("**/data?*dataset=own-my-things-*", timeout=PATIENCE)
    expect(train).to_be_visible(timeout=PATIENCE)
    assert re.search(r"dataset=own-my-things-[0-9a-f]+", page.url)
    expect(page.get_by_text("blue *x*").first).to_be_visible(timeout=PATIENCE)
    train.click()
    start = page.get_by_role("button", name="Start training")
    expect(start).to_be_enabled(timeout=PATIENCE)
    expect(page.get_by_text("on My things").first).to_be_visible()
    start.click()
    page.wait_for_url("**/train?*run=*", timeout=PATIENCE)
    run_id = page.url.partition("run=")[2].partition("&")[0]
    store = RunStore(f"sqlite:///{app.home / 'runs.db'}", app.home / "runs")
    deadline = time.monotonic() + 90
    while not store.get(run_id).epoch and time.monotonic() < deadline:
        time.sleep(0.2)
    store.request(run_id, "stop")  # it has learned enough, and would go on beside the tests that follow
    run = store.get(run_id)
    assert run.epoch and run.dataset.startswith("own-my-things-")
    assert run.spec.num_classes == 2
    store.close()
    page.goto(f"{app.url}/classify?run={run_id}")
    expect(page.get_by_text("It says").first).to_be_visible(timeout=PATIENCE)
    page.goto(f"{app.url}/runs?run={run_id}")
    expect(page.get_by_role("heading", name="on My things")).to_be_visible(timeout=PATIENCE)
    idle(page)


def test_boxes_take_files_and_what_is_pasted_show_it_by_themselves_and_give_up_what_is_chosen(
    app: Server, page: Page, idle: Callable[[Page], None]
) -> None:
    page.goto(f"{app.url}/teach")
    files = [{"name": f"{seed}.png", "mimeType": "image/png", "buffer": picture(seed)} for seed in range(4)]
    inputs = page.locator('input[type="file"]')
    inputs.first.set_input_files(files[:3], timeout=PATIENCE)
    inputs.nth(1).set_input_files(files[3:])  # at once: the boxes do not wait for each other
    first, second = page.get_by_role("group", name="Pictures of Class 1"), page.locator('[class*="st-key-teach_box_"]')
    shown = first.locator("img[src]")
    expect(shown).to_have_count(3, timeout=PATIENCE)
    expect(shown.first).to_have_js_property("naturalWidth", 96, timeout=PATIENCE)
    idle(page)
    second.nth(1).hover()
    page.evaluate(PASTE, base64.b64encode(picture(9, (40, 30))).decode())
    expect(page.get_by_role("group", name="Pictures of Class 2").locator("img[src]")).to_have_count(2, timeout=PATIENCE)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled(timeout=PATIENCE)
    first.get_by_role("button", name="1.png").click()
    page.get_by_role("button", name="Delete").click(timeout=PATIENCE)
    expect(first.get_by_role("button")).to_have_count(2, timeout=PATIENCE)
    expect(page.get_by_text("Add pictures until a class has 3")).to_be_visible(timeout=PATIENCE)
