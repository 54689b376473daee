"""The whole loop as a newcomer walks it: train on real digits, look inside, ask why, classify an upload.

And what is seen of a run while it trains, in slow motion: two tabs, one spot, a zoom, pictures that are redrawn.
"""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from benchmarks.server import Server
from core.data.datasets import load_dataset
from core.data.fitting import fit_image
from core.data.images import decode_image
from core.data.paper import read_paper
from core.inference.prediction import predict
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from core.model.spec import ModelSpec
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig

pytestmark = pytest.mark.browser
UPLOAD = Path(__file__).parents[2] / "assets" / "samples" / "three-on-paper.jpg"
PATIENCE = 90_000
EPOCH, A_SECOND = 20, 4.0  # batches of the slow run
COUNT_FADES = """() => {
    window.fades = 0;
    document.addEventListener("transitionrun", ({ target }) => {
        fades += target.dataset.testid === "stElementContainer" && !!target.closest('[data-testid="stMain"]');
    });
}"""
LAYERS = (Conv(32), Activation(), MaxPool(), Flatten(), Dense(10))


def batch(page: Page) -> int:
    """Return which batch the page says it is at; 0 before the first."""
    text = page.get_by_test_id("stProgress").first.inner_text()
    found = re.search(r"batch ([\d,]+)", text)
    return int(found[1].replace(",", "")) if found else 0


def until(check: Callable[[], object], seconds: float = 90, pause: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click(timeout=PATIENCE)


def badge(page: Page, text: str) -> bool:
    return page.locator(".stMarkdownBadge", has_text=text).is_visible()


def both_show(step: int, *pages: Page) -> None:
    until(lambda: all(batch(page) == step for page in pages))


def canvas(page: Page) -> bytes:
    """Return the picture of the loss curve as it is now."""
    return page.get_by_test_id("stVegaLiteChart").first.screenshot()


@pytest.fixture(scope="module")
def store(app: Server) -> Iterator[RunStore]:
    app.home.mkdir(exist_ok=True)
    store = RunStore(f"sqlite:///{app.home / 'runs.db'}", app.home / "runs")
    yield store
    store.close()


@pytest.fixture(scope="module")
def slow(store: RunStore) -> Iterator[str]:
    """Queue a run of a few batches a second, which no test outlasts, and stop it after the last one."""
    config = TrainConfig(epochs=200, batch_size=32, train_images=32 * EPOCH, lr=0.01, precision="fp32", device="cpu")
    run_id = store.create(ModelSpec("Small", (1, 8, 8), 10, LAYERS), config, "digits", "Slow")
    yield run_id
    if store.get(run_id).status.active:
        store.request(run_id, "stop")


@pytest.fixture
def run_id(slow: str, store: RunStore) -> str:
    """Let the slow run train, whatever the test before has asked of it."""
    store.set_pace(slow, A_SECOND)
    if store.get(slow).status not in (Status.QUEUED, Status.RUNNING):
        store.request(slow, "resume")
    return slow


def watch(app: Server, page: Page, run_id: str) -> None:
    page.goto(f"{app.url}/train?run={run_id}")
    until(lambda: batch(page) > 0)


def test_from_the_first_press_to_an_explained_upload(
    app: Server, page: Page, idle: Callable[[Page], None], monkeypatch: pytest.MonkeyPatch, store: RunStore
) -> None:
    page.goto(app.url)
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url("**/train?run=*")
    run_id = page.url.partition("run=")[2]
    until(lambda: batch(page) > 0)

    # The curve grows, and a reload in the middle disturbs nothing.
    at, picture = batch(page), canvas(page)
    until(lambda: batch(page) > at + 5)
    until(lambda: canvas(page) != picture, pause=0.3)
    at = batch(page)
    page.reload()
    until(lambda: batch(page) > at)

    # Stopping keeps the weights.
    until(lambda: store.get(run_id).epoch >= 2)
    press(page, "Stop training")
    until(lambda: badge(page, "Stopped, weights kept"))
    run = store.get(run_id)
    assert run.status is Status.STOPPED
    assert run.valid_accuracy is not None and run.valid_accuracy > 0.85

    # Feature maps: the grid of a layer, a tile of it with its numbers.
    page.get_by_test_id("stMain").get_by_role("link", name="Feature maps").click()
    tiles = page.locator(".tiles button")
    expect(tiles.first).to_be_visible(timeout=PATIENCE)
    assert tiles.count() == 32
    tiles.nth(3).click()
    expect(page.get_by_test_id("stPlotlyChart").first).to_be_visible(timeout=PATIENCE)

    # An upload is classified and explained by this very network.
    page.get_by_test_id("stSidebar").get_by_role("link", name="Classify").click()
    expect(page.locator("h1")).to_have_text("Classify")
    idle(page)
    page.get_by_text("Upload", exact=True).first.click()
    page.locator('input[type="file"]').set_input_files(UPLOAD)
    expect(page.get_by_text("What the network receives").first).to_be_visible(timeout=PATIENCE)
    monkeypatch.setenv("CONVSCOPE_HOME", str(app.home))
    dataset = load_dataset("mnist5k")
    picture = decode_image(UPLOAD.read_bytes())
    pixels, _ = fit_image(picture, (1, 28, 28), paper=read_paper(picture))
    probabilities = predict(store.load_model(run_id), dataset.normalize(pixels[None]))[0]
    likeliest = dataset.class_names[int(torch.argmax(probabilities))]
    share = "> 99.9%" if probabilities.max() > 0.999 else f"{float(probabilities.max()):.1%}"
    expect(page.get_by_text(share).first).to_be_visible(timeout=PATIENCE)
    assert likeliest == "3"
    expect(page.get_by_text("Grad-CAM").first).to_be_visible(timeout=PATIENCE)


def test_the_zoom_survives_while_the_curve_grows_and_one_spot_never_meets_another_button(
    app: Server, page: Page, store: RunStore, run_id: str
) -> None:
    store.set_pace(run_id, 0.5)
    watch(app, page, run_id)
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.scroll_into_view_if_needed()
    whole = labels(chart)
    page.mouse.move(*centre(chart.bounding_box()))
    for _ in range(6):
        page.mouse.wheel(0, -240)
    until(lambda: labels(chart) != whole)
    zoomed = settled(lambda: labels(chart))
    assert batch(page) <= EPOCH
    store.set_pace(run_id, 20)
    until(lambda: batch(page) > EPOCH + 5)  # by then the dots and the ring of the first epoch have come
    assert labels(chart) == zoomed, "the axes show another range: the zoom was lost"

    # One spot is pressed again and again.
    press(page, "Pause")
    until(lambda: badge(page, "Paused"))
    at = store.get(run_id).step
    one = page.get_by_role("button", name="One batch")
    spot = centre(one.bounding_box())
    for _ in range(12):  # in all states that a single batch leads through
        page.mouse.click(*spot)
        page.wait_for_timeout(120)
        assert centre(one.bounding_box()) == spot
    until(lambda: store.get(run_id).status is Status.PAUSED)  # the last of them may still be at work
    until(lambda: badge(page, "Paused") and batch(page) == store.get(run_id).step > at)


def test_the_pictures_are_redrawn_while_a_run_trains_and_nothing_fades(
    app: Server, new_page: Callable[..., Page], run_id: str
) -> None:
    page = new_page(reduced_motion="no-preference")
    watch(app, page, run_id)
    page.evaluate(COUNT_FADES)
    cards = page.locator(".film.cards .card")
    expect(cards).to_have_count(8, timeout=PATIENCE)
    expect(page.locator('.film[aria-label="The filters of conv1"] .tile')).to_have_count(32)
    until(lambda: filters(page))
    at, picture = moment(page), filters(page)
    page.get_by_role("button", name="Curves").click()
    page.get_by_text("Logarithmic loss").click()
    page.keyboard.press("Escape")
    page.get_by_text("Inside the training").click()
    key = page.get_by_text("whole network")
    expect(key).to_be_visible(timeout=PATIENCE)

    until(lambda: moment(page) > at and filters(page) != picture)
    assert page.evaluate("fades") == 0
    page.get_by_role("button", name="Curves").click()
    expect(page.get_by_role("switch", name="Logarithmic loss")).to_be_checked()
    page.keyboard.press("Escape")
    expect(key).to_be_visible()
    press(page, "Pause")
    until(lambda: badge(page, "Paused"))
    expect(cards).to_have_count(8)


def test_a_second_tab_pauses_steps_and_resumes_the_same_run(
    app: Server, new_page: Callable[..., Page], store: RunStore, run_id: str
) -> None:
    first, second = new_page(), new_page()
    watch(app, first, run_id)
    watch(app, second, run_id)
    press(second, "Pause")
    until(lambda: badge(first, "Paused") and badge(second, "Paused"))
    at = store.get(run_id).step
    for step in range(at, at + 3):
        both_show(step, first, second)
        press(second, "One batch")
    both_show(at + 3, first, second)
    assert store.get(run_id).step == at + 3
    press(first, "Resume")
    until(lambda: batch(first) > at + 6)
    press(first, "Stop training")
    until(lambda: badge(first, "Stopped, weights kept") and badge(second, "Stopped, weights kept"))
    steps = [metric.step for metric in store.metrics(run_id)]
    assert steps == list(range(1, len(steps) + 1))


def centre(box: dict[str, float] | None) -> tuple[float, float]:
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def labels(chart: Locator) -> list[str]:
    """Return the numbers along the axes of a chart, sorted, which say what range it shows."""
    return sorted(chart.locator(".role-axis-label text").all_text_contents())


def settled(look: Callable[[], list[str]]) -> list[str]:
    """Look until two looks, half a second apart, show the same."""
    views = [look()]
    until(lambda: views.append(look()) or views[-2] == views[-1], pause=0.5)
    return views[-1]


def filters(page: Page) -> str:
    """Return the picture of the filters that is on the screen."""
    film = page.locator('.film[aria-label="The filters of conv1"]')
    return str(film.evaluate("film => film.style.getPropertyValue('--sheet')"))


def moment(page: Page) -> int:
    """Return which batch the pictures are of; 0 for before training."""
    text = page.get_by_text(re.compile("of these 8 are right")).inner_text()
    found = re.search(r"after batch ([\d,]+)", text)
    return int(found[1].replace(",", "")) if found else 0
