"""The camera in a real browser that has one: a network answers to what it shows, a still is kept, leaving ends it."""

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from benchmarks.fake_camera import flags, write_y4m
from benchmarks.server import Server
from core.data.datasets import load_dataset
from core.explain.live import answer_frame
from core.formatting import share
from core.inference import open_network
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from pages.shared.widgets import camera_view
from tests.browser.conftest import launched

pytestmark = pytest.mark.browser
_HERE = Path(camera_view.__file__).parent
KEEP_TRACKS = """
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    window.tracks = [];
    navigator.mediaDevices.getUserMedia = async wanted => {
        if (window.refusal) throw new DOMException("", window.refusal);
        const stream = await open(wanted);
        window.tracks.push(...stream.getTracks());
        return stream;
    };
"""
CHANGED = """() => {
    window.changed = 0;
    const observer = new MutationObserver(records => (window.changed += records.length));
    const what = { childList: true, subtree: true, characterData: true };
    observer.observe(document.querySelector(".st-key-classes_0"), what);
}"""


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Start a Chromium whose camera shows a test image of `digits`."""
    folder = tmp_path_factory.mktemp("camera")
    film = write_y4m(folder / "digit.y4m", load_dataset("digits").test.images[4, 0].numpy())
    with launched(playwright, folder / "profile", *flags(film)) as context:
        yield context


def frames(sent: list[bytes]) -> dict[int, bytes]:
    """Return the frames among the browser's requests, by their numbers."""
    found = {}
    for message in sent:
        for widget in BackMsg.FromString(message).rerun_script.widget_states.widgets:
            for event in json.loads(widget.json_trigger_value or "[]"):
                if event["event"] == "frame":
                    jpeg = event["value"]["jpeg"].removeprefix("data:image/jpeg;base64,")
                    found[event["value"]["number"]] = base64.b64decode(jpeg)
    return found


def states(page: Page) -> list[str]:
    """Return the states of all tracks that the page was given."""
    found: list[str] = page.evaluate("() => window.tracks.map(track => track.readyState)")
    return found


def test_the_moving_picture_is_answered_and_a_still_is_kept(
    app: Server, page: Page, idle: Callable[[Page], None], train: Callable[..., str]
) -> None:
    run_id, sent = train(Conv(8), Activation(), MaxPool(), Flatten(), Dense(10)), list[bytes]()
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    page.add_init_script(KEEP_TRACKS)
    page.goto(f"{app.url}/classify?run={run_id}")
    idle(page)
    page.get_by_text("Camera", exact=True).click()
    start = page.get_by_role("button", name="Start the camera")
    expect(start).to_be_visible(timeout=60_000)
    idle(page)
    assert states(page) == [] and frames(sent) == {}  # it opens when asked to
    page.evaluate(CHANGED)
    start.click()
    expect(page.locator("output.rate")).to_have_text(re.compile(r"^[1-9]\d* a second$"), timeout=60_000)
    assert page.evaluate("window.changed") == 0  # an answer draws nothing else anew
    shown = page.locator(".bars output").all_inner_texts()
    network, seen = open_network(run_id), frames(sent)
    answers = [answer_frame(network, jpeg, "input_x_gradient") for jpeg in seen.values()]
    assert shown in [[share(float(value)) for value in answer.probabilities] for answer in answers]
    truth = load_dataset("digits").test.images[4, 0].numpy().astype(int)
    assert np.abs(answers[-1].pixels[0].numpy() - truth).mean() < 8  # the camera's whole square was sent
    expect(page.locator(".live .map")).to_have_attribute("src", re.compile("^data:image/png;base64,"))
    page.get_by_role("button", name="Use this frame").click()
    expect(page.get_by_text("The network's answer to Your photograph.")).to_be_visible(timeout=60_000)
    assert states(page) == ["ended"]
    expect(page.locator("canvas.still")).to_be_visible()
    best = network.class_names[answers[-1].best]
    expect(page.get_by_role("heading", name=f"It says “{best}”")).to_be_visible()
    idle(page)
    page.get_by_role("button", name="Camera on again").click()
    expect(page.locator("output.rate")).to_have_text(re.compile("a second"), timeout=60_000)
    page.evaluate("""() => {
        Object.defineProperty(document, 'hidden', {value: true, configurable: true});
        document.dispatchEvent(new Event('visibilitychange'));
    }""")
    assert states(page) == ["ended", "ended"]
    page.evaluate("""() => {
        delete document.hidden;
        document.dispatchEvent(new Event('visibilitychange'));
    }""")
    expect(page.locator("output.rate")).to_have_text(re.compile("a second"), timeout=60_000)
    assert states(page) == ["ended", "ended", "live"]
    page.get_by_role("link", name="Data", exact=True).click()
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible(timeout=60_000)
    expect(page.locator(".camera")).to_have_count(0)
    assert states(page) == ["ended"] * 3


def test_an_answer_counts_as_lost_after_a_few_times_the_usual(page: Page) -> None:
    script = (_HERE / "camera_view.js").read_text(encoding="utf-8").partition("export default")[0]
    patience = "taken => new Function(script + '; return patience')()(taken)".replace("script", json.dumps(script))
    for taken, wanted in (([], 8000), ([90, 100, 5000], 800), ([300] * 9, 1200), ([2500], 8000)):
        assert page.evaluate(patience, taken) == wanted


def test_after_a_lost_frame_the_next_is_sent_once_and_answered(
    app: Server, page: Page, train: Callable[..., str]
) -> None:
    run_id, sent, lost = train(Conv(4), Activation(), Flatten(), Dense(10)), list[int](), list[int]()

    def carry(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def forward(message: str | bytes) -> None:
            numbers = list(frames([message])) if isinstance(message, bytes) else []
            sent.extend(numbers)
            if numbers and len(sent) > 3 and not lost:
                lost.extend(numbers)
            else:
                server.send(message)

        route.on_message(forward)

    page.route_web_socket(re.compile("/_stcore/stream"), carry)
    page.goto(f"{app.url}/classify?run={run_id}")
    page.get_by_text("Camera", exact=True).click(timeout=60_000)
    page.get_by_role("button", name="Start the camera").click(timeout=60_000)
    while not lost or max(sent) < lost[0] + 3:  # the next is sent once its predecessor is answered
        page.wait_for_timeout(50)
    assert sent == list(range(1, max(sent) + 1))  # none is sent twice, none left out


def test_a_camera_that_cannot_be_opened_is_told_why_and_a_file_does(
    app: Server, page: Page, train: Callable[..., str], tmp_path: Path
) -> None:
    run_id = train(Conv(4), Activation(), Flatten(), Dense(10))
    page.add_init_script(KEEP_TRACKS)
    page.goto(f"{app.url}/classify?run={run_id}")
    page.get_by_text("Camera", exact=True).click()
    told, button = page.locator(".told"), page.locator("button.go")
    reasons = {
        "NotAllowedError": "may not be used",
        "NotFoundError": "No camera was found",
        "NotReadableError": "used by",
    }
    for name, words in reasons.items():
        page.evaluate("name => { window.refusal = name }", name)
        button.click(timeout=60_000)
        expect(told).to_contain_text(words)
        expect(told).to_contain_text("A photograph can be taken or chosen instead.")
    page.evaluate("() => Object.defineProperty(window, 'isSecureContext', {value: false})")
    button.click()
    expect(told).to_contain_text("secure pages only")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Take or choose a photograph").click()
    photograph = tmp_path / "photograph.png"
    photograph.write_bytes(png(load_dataset("digits").test.images[2, 0].numpy()))
    chooser.value.set_files(photograph)
    expect(page.get_by_text("The network's answer to Your photograph.")).to_be_visible(timeout=60_000)


def png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).resize((64, 64)).save(file, "PNG")
    return file.getvalue()
