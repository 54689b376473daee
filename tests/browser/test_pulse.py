"""A fragment that draws itself again never loses a press, never doubles one, and ends when it is told to."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from benchmarks.server import Server
from tests.browser.conftest import IDLE

pytestmark = pytest.mark.browser
PRESS_WHILE_BUSY = """name => {
    const button = [...document.querySelectorAll("button")].find(button => button.innerText.trim() === name);
    for (const start = performance.now(); performance.now() - start < 300;);
    button.click();
}"""  # the timer of the pulse is due by then, and its turn would come before the press is sent


PRESS_AFTER_ASKING = """name => {
    const later = window.setTimeout;
    const button = [...document.querySelectorAll("button")].find(button => button.innerText.trim() === name);
    window.setTimeout = (act, wait, ...rest) => {
        const timer = later(act, wait, ...rest);
        if (!wait && /setTriggerValue/.test(new Error().stack)) {
            window.setTimeout = later;
            button.click();
            window.pressed = true;
        }
        return timer;
    };
    window.press = () => window.pressed || button.click();
}"""  # in the moment between the pulse's asking and the sending, where there is one


@pytest.fixture(scope="module")
def beating(serve: Callable[[Path], Server]) -> Server:
    return serve(Path(__file__).with_name("pulse_app.py"))


@pytest.fixture(scope="module")
def window(beating: Server, lasting_page: Callable[..., Page]) -> Page:
    page = lasting_page()
    page.goto(f"{beating.url}/?beats=10000")
    return page


def beats(page: Page) -> int:
    found = re.search(r"beats (\d+)", page.get_by_text("beats").inner_text())
    assert found
    return int(found[1])


def wait_for_beats(page: Page, more: int) -> None:
    at = beats(page)
    page.wait_for_function(f"() => /beats (\\d+)/.exec(document.body.innerText)[1] >= {at + more}", polling=50)


@pytest.mark.parametrize(("name", "counter"), [("Press", "presses"), ("Beside", "beside")])
def test_a_press_acts_once_however_busy_the_page_is(window: Page, name: str, counter: str) -> None:
    expect(window.get_by_text(re.compile(rf"{counter} 0\b"))).to_be_visible()
    for count in range(1, 5):
        wait_for_beats(window, 1)
        window.evaluate(PRESS_WHILE_BUSY, name)
        expect(window.get_by_text(re.compile(rf"{counter} {count}\b"))).to_be_visible()
        wait_for_beats(window, 2)
        expect(window.get_by_text(re.compile(rf"{counter} {count}\b"))).to_be_visible()


def test_a_page_whose_beginning_is_late_is_not_emptied(serve: Callable[[Path], Server], page: Page) -> None:
    late: list[tuple[WebSocketRoute, str | bytes]] = []
    held = False

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: late.append((socket, message)) if held else socket.send(message))

    page.route_web_socket("**/_stcore/stream", route)
    page.goto(serve(Path(__file__).with_name("leaving_app.py")).url)
    expect(page.get_by_role("heading", name="First")).to_be_visible()
    page.locator(IDLE).wait_for()
    held = True
    page.get_by_role("link", name="Leave").click()
    page.wait_for_timeout(800)  # the pulse of the first page is due by then
    held = False
    for socket, message in late:
        socket.send(message)
    expect(page.get_by_role("heading", name="Second")).to_be_visible()
    page.wait_for_timeout(300)
    page.locator(IDLE).wait_for()
    expect(page.get_by_role("heading", name="Second")).to_be_visible()


def test_it_rests_while_the_tab_is_hidden_and_ends_when_it_is_not_drawn(beating: Server, page: Page) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.clock.install()
    page.goto(f"{beating.url}/?beats=12")
    wait_for_beats(page, 2)
    page.evaluate("() => Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    asked = len(sent)
    assert asked >= 2
    page.clock.run_for(20_000)  # longer than it waits for any answer
    assert len(sent) == asked
    page.evaluate("() => delete document.hidden")
    wait_for_beats(page, 1)
    assert len(sent) > asked
    page.wait_for_function("() => /beats 12/.test(document.body.innerText)", polling=50)
    asked = len(sent)
    page.clock.run_for(20_000)
    assert (len(sent), beats(page)) == (asked, 12)


def test_a_lost_answer_is_asked_for_again(window: Page) -> None:
    wait_for_beats(window, 1)
    window.evaluate("""() => {
        const send = WebSocket.prototype.send;
        window.lost = 1;
        WebSocket.prototype.send = function (message) {
            if (window.lost) window.lost -= 1;
            else send.call(this, message);
        };
    }""")
    window.wait_for_function("() => window.lost === 0", polling=50)
    wait_for_beats(window, 2)


def test_a_press_right_after_the_pulse_has_asked_runs_its_own_fragment(window: Page) -> None:
    wait_for_beats(window, 1)
    text = window.get_by_text(re.compile(r"^beside \d+$"))
    before = int(text.inner_text().split()[1])
    window.evaluate(PRESS_AFTER_ASKING, "Beside")
    wait_for_beats(window, 2)
    window.evaluate("window.press()")
    expect(text).to_have_text(f"beside {before + 1}")
