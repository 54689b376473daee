"""A real server and a real browser, for what only the two together can show."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from benchmarks.server import FLAGS, ROOT, Server, chromium, serving
from core.data.catalog import DATASETS
from core.model.layers import Layer
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from pages.shared.shell.frame import STILL

_BROKEN_IMAGES = """() => [...document.images]
    .filter(image => image.complete && image.currentSrc && !image.naturalWidth).map(image => image.currentSrc)"""
# One process draws all windows: what need not be loaded anew for each of them is a seventh of the work.
TOGETHER = [
    "--renderer-process-limit=1",
    "--disable-site-isolation-trials",
    "--in-process-gpu",
    # No test looks at a page for as long as its scripts must run before optimising pays.
    "--js-flags=--no-opt --no-maglev --no-concurrent-sparkplug --single-threaded-gc --min-semi-space-size=32",
]
CALM = f"""addEventListener("DOMContentLoaded", () => {{
    document.head.append(Object.assign(document.createElement("style"), {{ textContent: `{STILL}` }}));
}})"""
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Server]]:
    """Return a function that serves a script until the tests of the module are done."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(serving(script, tmp_path_factory.mktemp("server")))


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the app to all tests, from a data directory that was empty at first.

    Tests name the run they mean in the address: there are those of the tests before. Where nothing may be there,
    `fresh_app` is asked for.
    """
    with serving(ROOT / "app.py", tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def train(app: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that trains a small network of some layers where the app finds it, and returns its run's id.

    It takes the data set, and settings that differ from those of a moment's training. Until the end of the test,
    `RunStore()` is the app's.
    """
    monkeypatch.setenv("CONVSCOPE_HOME", str(app.home))

    def make(*layers: Layer, dataset: str = "digits", **changes: Any) -> str:
        brief = {"epochs": 2, "batch_size": 32, "train_images": 320, "lr": 0.01, "precision": "fp32", "device": "cpu"}
        info, store = DATASETS[dataset], RunStore()
        spec = ModelSpec("Small", info.input_shape, len(info.class_names), layers)
        run = store.create(spec, TrainConfig(**{**brief, **changes}), dataset, "Small network", owner="tests")
        Runner(store, run, "tests").run()
        store.close()
        return run

    return make


@pytest.fixture
def fresh_app(tmp_path: Path) -> Iterator[Server]:
    """Serve the app for this test alone, so that nobody has visited it yet."""
    with serving(ROOT / "app.py", tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Return what drives browsers."""
    with sync_playwright() as driver:
        yield driver


@contextmanager
def launched(playwright: Playwright, profile: Path, *flags: str) -> Iterator[BrowserContext]:
    """Start the machine's Chromium; without one the test skips, or fails where `CI` is true.

    Its windows share one profile, which keeps the compiled scripts of the pages: each visit would compile them anew.
    """
    found = chromium()
    if found is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("The browser tests need Chromium; on Debian: apt install chromium-headless-shell.")
    args = [*FLAGS, *TOGETHER, *flags]
    browser = playwright.chromium.launch_persistent_context(profile, executable_path=found, args=args)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Start a Chromium for all tests."""
    with launched(playwright, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@contextmanager
def windows(browser: BrowserContext) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a window like a new visitor's who wants little motion, of 1280×800 and light.

    It takes the size of the window, how many of the screen's pixels make one of it, and what `Page.emulate_media`
    takes, "no-preference" as `reduced_motion` to see what moves: each of its pictures costs as much as a page at rest.

    Raises:
        AssertionError: At the end, if a script of a page threw, the console showed an error, or anything was asked of
            another machine. Nothing that the pages kept in the browser is left.
    """
    complaints: list[str] = []
    opened: list[Page] = []

    def open_page(*, viewport: ViewportSize | None = None, device_scale_factor: int = 1, **media: Any) -> Page:
        page = browser.new_page()
        page.add_init_script(CALM)  # as the app's own style says it, but from the first moment, and in other scripts
        page.set_viewport_size(viewport or {"width": 1280, "height": 800})
        page.emulate_media(**{"color_scheme": "light", "reduced_motion": "reduce", **media})
        if viewport and device_scale_factor != 1:
            screen = {**viewport, "deviceScaleFactor": device_scale_factor, "mobile": False}
            browser.new_cdp_session(page).send("Emulation.setDeviceMetricsOverride", screen)
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        page.on("console", lambda message: complaints.extend(_complaint(message)))
        page.on("request", lambda request: complaints.extend(_stranger(request)))
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        complaints += [f"broken image {source}" for source in page.evaluate(_BROKEN_IMAGES)]
        page.evaluate("location.protocol.startsWith('http') && (localStorage.clear(), sessionStorage.clear())")
        page.close()
    browser.clear_cookies()
    assert not complaints


@pytest.fixture
def new_page(browser: BrowserContext) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a window for this test, as `windows` says; the test fails if that complains."""
    with windows(browser) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def lasting_page(browser: BrowserContext) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a window for all tests of the module: a page that one test left, not loaded anew.

    The last of these tests fails if the window complains.
    """
    with windows(browser) as open_page:
        yield open_page


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """Open a window of 1280×800 like a new visitor's."""
    return new_page()


def _complaint(message: ConsoleMessage) -> list[str]:
    # Streamlit looks for its server below the address of a direct link first, and does not find it there.
    # It reports an unknown address as an error, besides telling the visitor.
    # A picture that the next run of the script replaces may be gone before the browser asks for it: what is
    # still on the page at the end is looked at instead.
    place = message.location.get("url", "") + message.text
    expected = any(words in place for words in ("/_stcore/", "/media/", "does not seem to exist"))
    return [f"console: {message.text}"] if message.type == "error" and not expected else []


def _stranger(request: Request) -> list[str]:
    local = request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "file:"))
    return [] if local else [f"request to {request.url}"]


@pytest.fixture
def idle() -> Callable[[Page], None]:
    """Return a function that waits until the script has run and the page shows all of it.

    Right after a click the old run is still over: then wait for what the click changes instead.
    """

    def wait(page: Page) -> None:
        page.wait_for_selector(IDLE)
        page.wait_for_selector('[data-testid="stSkeleton"]', state="detached")

    return wait


@pytest.fixture
def answered() -> Callable[[Locator, Locator], None]:
    """Return a function that presses a place of a chart until its answer is there, as people do where nothing comes.

    The browser may draw a chart anew a moment after the page is idle: a press then meets the drawing that goes.
    """

    def press(place: Locator, answer: Locator) -> None:
        for _ in range(4):
            place.click(force=True)  # the numbers of a chart lie above its cells
            with suppress(AssertionError):
                expect(answer).to_be_visible(timeout=12_000)
                return
        expect(answer).to_be_visible()

    return press


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the server printed to the report of a failure."""
    report = yield
    if report.failed:
        servers = [value for value in item.funcargs.values() if isinstance(value, Server)]
        report.sections += [("Server output", server.log.read_text()[-8000:]) for server in servers]
    return report
