"""Compress as people use it: press, wait, read, fine-tune, and arrive where the run is watched."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server
from core.model.layers import Activation, Conv, Dense, Flatten
from core.runs.checkpoint import beginning_of
from core.runs.store import RunStore

pytestmark = pytest.mark.browser
PATIENCE = 90_000
LAYERS = (Conv(8), Activation(), Conv(6), Activation(), Flatten(), Dense(10))


def test_a_network_is_pruned_read_and_fine_tuned(
    app: Server, page: Page, idle: Callable[[Page], None], train: Callable[..., str]
) -> None:
    run, store = train(*LAYERS), RunStore()
    page.goto(f"{app.url}/compress?run={run}")
    page.get_by_text("Whole filters", exact=True).click()
    expect(page.get_by_text("a smaller network in file and in time")).to_be_visible(timeout=PATIENCE)
    idle(page)
    page.get_by_role("button", name=re.compile("Compress and measure")).click()
    expect(page.get_by_text("What each layer lost")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stMetric")).to_have_count(4)
    idle(page)
    page.get_by_role("button", name=re.compile("Explain 6 images before and after")).click()
    expect(page.get_by_text("Rank correlation of the maps before and after")).to_be_visible(timeout=PATIENCE)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    assert download.value.suggested_filename == "small-network-compressed.safetensors"
    page.get_by_role("button", name="Fine-tune the pruned network").click()
    page.wait_for_url(re.compile(r"/train\?"), timeout=PATIENCE)
    new = store.get(parse_qs(urlsplit(page.url).query)["run"][0])
    assert new.id != run
    assert new.id in page.url and new.spec.layers[0].out_channels == 3  # 60% of 8 filters went
    expect(page.get_by_text(re.compile("Finished", re.IGNORECASE)).first).to_be_visible(timeout=PATIENCE)
    assert beginning_of(store.checkpoint(new.id)).endswith(
        "60% of the filters of each convolution pruned, the smallest"
    )
    store.close()
