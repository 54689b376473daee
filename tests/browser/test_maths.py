"""Maths, on a network with every kind of layer: the browser shows what autograd finds."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import Server
from core.model.layers import (
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    GlobalAvgPool,
    MaxPool,
    Residual,
)
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner

pytestmark = pytest.mark.browser
PATIENCE = 60_000
LAYERS = (
    *(Conv(4, 3, padding=1), BatchNorm(), Activation(), Conv(4, 3, stride=2, padding=2, dilation=2, groups=2)),
    *(Activation("gelu"), MaxPool(2, 1), Residual(4), AvgPool(2, 2, 1), Activation("tanh"), Dropout(0.3)),
    *(GlobalAvgPool(), Dense(12), BatchNorm(), Activation("silu"), Dense(10)),
)


@pytest.fixture
def run_id(app: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Train a network with every kind of layer for a moment where the app finds it."""
    monkeypatch.setenv("CONVSCOPE_HOME", str(app.home))
    store = RunStore()
    config = TrainConfig(epochs=1, batch_size=32, train_images=64, precision="fp32", device="cpu")
    run = store.create(ModelSpec("Every kind", (1, 8, 8), 10, LAYERS), config, "digits", "Every kind", owner="tests")
    Runner(store, run, "tests").run()
    store.close()
    return run


def all_agree(page: Page, mode: str) -> None:
    """Choose a way to look at a layer, and hold that every number by hand is autograd's."""
    page.locator(".modes label", has_text=re.compile(f"^{mode}$")).click()
    expect(page.get_by_role("radio", name=mode, exact=True)).to_be_checked()
    expect(page.locator(".check .verdict")).to_have_text("✓ they agree", timeout=PATIENCE)
    overall = page.locator(".check .overall")
    if overall.count():
        found = re.search(r"whole grid: ([\d,]+) of ([\d,]+) agree", overall.inner_text())
        assert found and found[1] == found[2], overall.inner_text()


CONVOLUTION = ("Forward", "∂L/∂K", "∂L/∂X", "∂L/∂b", "As a matrix product")
POOLING = ("Forward", "∂L/∂X")
VIEWS = {
    "conv1": CONVOLUTION,
    "bn1": ("Scale", "Backward"),
    "relu1": ("Forward", "Backward"),
    "conv2": CONVOLUTION,
    "gelu1": ("Forward", "Backward"),
    "pool1": POOLING,
    "residual1.conv1": CONVOLUTION,
    "pool2": POOLING,
    "tanh1": ("Forward", "Backward"),
    "dropout1": ("Forward", "Backward"),
    "gap1": POOLING,
    "dense1": CONVOLUTION,
    "bn2": ("Scale", "Backward"),
    "dense2": CONVOLUTION,
    "softmax and loss": ("Backward",),
}


def test_every_layer_by_hand_is_what_autograd_finds(
    app: Server, page: Page, run_id: str, idle: Callable[[Page], None]
) -> None:
    page.goto(f"{app.url}/maths?run={run_id}")
    for layer, modes in VIEWS.items():
        block = page.locator(f'g.layer[data-layer="{"loss" if layer == "softmax and loss" else layer}"]')
        block.click(timeout=PATIENCE)
        expect(block).to_have_attribute("aria-current", "true", timeout=10_000)
        label = "loss" if layer == "softmax and loss" else f" {layer} "
        expect(page.locator(f'.view[aria-label*="{label}"]')).to_be_visible(timeout=PATIENCE)
        idle(page)
        for mode in modes:
            all_agree(page, mode)
