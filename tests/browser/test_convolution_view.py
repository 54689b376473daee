"""The convolution widget counts in the browser what torch counts, follows pointer and keys, and fits a phone."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from core.errors import ConvScopeError
from pages.shared.widgets.convolution_view import convolution_view, pool_view
from tests.browser.conftest import IDLE
from tests.browser.convolution_app import CASES, answers, inputs

pytestmark = pytest.mark.browser
MODES = {"output": "Forward", "weight": "∂L/∂K", "image": "∂L/∂X", "bias": "∂L/∂b", "matrix": "As a matrix product"}

FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"  # until it is painted

# Visit each cell of a grid by its keys and read the number by hand after the frame that the widget asked for. These
# frames come at once, with nothing painted: to be painted takes a frame fifty times as long as to be counted.
WALK = """async (grid) => {
    for (let wait = 0; wait < 2; wait++) await new Promise(requestAnimationFrame);
    const later = window.requestAnimationFrame, asked = [];
    window.requestAnimationFrame = paint => asked.push(paint);
    const hand = () => grid.getRootNode().querySelector(".hand").value;
    const press = key => {
        grid.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, composed: true}));
        for (const paint of asked.splice(0)) paint(performance.now());
    };
    const [rows, cols] = ["aria-rowcount", "aria-colcount"].map(name => +grid.getAttribute(name));
    for (let row = 0; row < rows; row++) press("ArrowUp");
    const found = [];
    for (let row = 0; row < rows; row++) {
        press("Home");
        const line = [];
        for (let col = 0; col < cols; col++) {
            line.push(hand());
            if (col < cols - 1) press("ArrowRight");
        }
        found.push(line);
        if (row < rows - 1) press("ArrowDown");
    }
    window.requestAnimationFrame = later;
    return found;
}"""


@pytest.fixture(scope="module")
def lab(serve: Callable[[Path], Any]) -> Any:
    return serve(Path(__file__).with_name("convolution_app.py"))


@pytest.fixture(scope="module")
def window(lab: Any, lasting_page: Callable[..., Page]) -> Page:
    page = lasting_page()
    page.goto(lab.url)
    return page


@pytest.fixture(scope="module")
def sent() -> list[Any]:
    """Return what the window with a clock has sent to the server."""
    return []


@pytest.fixture(scope="module")
def clocked(lab: Any, lasting_page: Callable[..., Page], sent: list[Any]) -> Page:
    page = lasting_page()
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.clock.install()
    page.goto(lab.url)
    return page


@pytest.fixture
def opened(window: Page) -> Callable[[str], Page]:
    return lambda case: show(window, case)


def show(page: Page, case: str) -> Page:
    """Show a case as if nobody had looked at anything before, with the pointer away from it."""
    page.mouse.move(0, 0)
    field = page.get_by_label("Case", exact=True)
    field.fill("")
    field.press("Enter")
    expect(page.locator(".view")).to_have_count(0)
    field.fill(case)
    field.press("Enter")
    expect(page.get_by_role("group", name=f"Case {case}")).to_be_visible()
    expect(page.locator(".hand")).to_be_visible()
    return page


def mode(page: Page, name: str) -> None:
    page.locator(".modes label", has_text=re.compile(f"^{MODES[name]}$")).click()
    page.evaluate(FRAMES)


def channel(page: Page, number: int) -> None:
    page.locator(".tabs label").nth(number).click()
    page.evaluate(FRAMES)


def board(page: Page, name: str) -> Locator:
    return page.locator(f".grids .{name} .board")


def walked(page: Page, name: str) -> np.ndarray:
    return np.array(board(page, name).evaluate(WALK), dtype=np.float64)


def spot(page: Page, name: str, row: int, col: int) -> tuple[float, float]:
    """Return the middle of a cell on the screen."""
    box = board(page, name).bounding_box()
    assert box is not None
    rows, cols = (int(board(page, name).get_attribute(f"aria-{side}count") or 0) for side in ("row", "col"))
    side = (box["width"] - 6) / cols
    assert side == pytest.approx((box["height"] - 6) / rows)
    return box["x"] + 3 + (col + 0.5) * side, box["y"] + 3 + (row + 0.5) * side


def same(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


def test_every_number_is_that_of_torch_with_padding_stride_dilation_and_groups(opened: Callable[[str], Page]) -> None:
    case = CASES["everything"]
    _, autograd = answers(case)
    page = opened("everything")
    same(walked(page, "output"), autograd["output"])
    expect(page.locator(".overall")).to_contain_text("16 of 16 agree")
    mode(page, "matrix")
    same(walked(page, "output").ravel(), autograd["output"].ravel())
    for seen in (2, 3):  # the second group
        mode(page, "weight")
        channel(page, seen)
        same(walked(page, "gradient"), autograd["weight"][seen - 2])
        mode(page, "image")
        same(walked(page, "gradient"), autograd["image"][seen])
    mode(page, "image")
    channel(page, 0)
    assert not walked(page, "gradient").any()
    expect(page.locator(".notes")).to_contain_text("channel 0 belongs to another group")
    mode(page, "bias")
    assert float(page.locator(".hand").get_attribute("value") or "nan") == pytest.approx(autograd["bias"], rel=1e-12)
    expect(page.locator(".verdict")).to_have_text("✓ they agree")


@pytest.mark.parametrize("case", ["flipped", "uneven", "thick"])
def test_a_turned_kernel_and_any_border_agree_too(opened: Callable[[str], Page], case: str) -> None:
    _, autograd = answers(CASES[case])
    page = opened(case)
    turned = "convolution: the kernel turned by 180°"
    expect(page.locator(".kind")).to_have_text(
        turned if case == "flipped" else "cross-correlation, what torch calls convolution"
    )
    same(walked(page, "output"), autograd["output"])
    mode(page, "weight")
    same(walked(page, "gradient"), autograd["weight"][0])
    mode(page, "image")
    same(walked(page, "gradient"), autograd["image"][0])


@pytest.mark.parametrize("case", ["max", "avg", "gaps"])
def test_pooling_sends_each_gradient_where_torch_does(opened: Callable[[str], Page], case: str) -> None:
    _, autograd = answers(CASES[case])
    page = opened(case)
    same(walked(page, "output"), autograd["output"])
    mode(page, "image")
    same(walked(page, "gradient"), autograd["image"])


def test_pointing_lights_the_window_and_a_click_holds_it(opened: Callable[[str], Page]) -> None:
    page = opened("toy")
    _, autograd = answers(CASES["toy"])
    where, hand = page.locator(".where"), page.locator(".hand")

    def reads(row: int, col: int) -> None:
        expect(where).to_have_text(f"{3 * row + col + 1} of 9 · row {row}, column {col}")
        expect(hand).to_have_attribute("value", re.compile("."))
        assert float(hand.get_attribute("value") or "nan") == pytest.approx(autograd["output"][row, col])

    page.mouse.move(*spot(page, "output", 0, 2))
    reads(0, 2)
    page.mouse.move(*spot(page, "input", 3, 1))  # the middle of the window of output (2, 0)
    reads(2, 0)
    page.mouse.move(*spot(page, "kernel", 1, 1))
    expect(page.locator(".term.here .chip")).to_have_count(2)
    reads(2, 0)
    page.mouse.click(*spot(page, "output", 1, 1))
    expect(page.get_by_role("button", name="Pinned: release")).to_be_visible()
    page.mouse.move(*spot(page, "output", 0, 0))
    page.mouse.move(*spot(page, "output", 2, 2))
    page.evaluate(FRAMES)
    reads(1, 1)
    page.mouse.click(*spot(page, "output", 1, 1))
    expect(page.get_by_role("button", name="Pinned: release")).to_be_hidden()
    page.mouse.move(*spot(page, "output", 0, 0))
    reads(0, 0)
    page.mouse.click(*spot(page, "output", 0, 0))
    page.keyboard.press("Escape")
    page.mouse.move(*spot(page, "output", 2, 1))
    reads(2, 1)


def test_hovering_sends_nothing_to_the_server(clocked: Page, sent: list[Any]) -> None:
    page = show(clocked, "toy")
    page.wait_for_selector(IDLE)
    page.evaluate(FRAMES)
    before = len(sent)
    assert before
    for place in range(9):
        page.mouse.move(*spot(page, "output", place // 3, place % 3))
    mode(page, "weight")
    page.keyboard.press(" ")
    page.clock.run_for(10_000)  # the slide plays on to its end
    expect(page.get_by_role("button", name="Play the slide")).to_be_visible()
    assert len(sent) == before


def test_the_keys_walk_each_grid_and_a_screen_reader_hears_it(opened: Callable[[str], Page]) -> None:
    image, *_ = inputs(CASES["everything"])
    page = opened("everything")
    expect(page.get_by_role("grid")).to_have_count(4)
    grid = page.get_by_role("grid", name="Output, 4 rows, 4 columns")
    grid.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".where")).to_have_text("6 of 16 · row 1, column 1")
    cell = grid.get_by_role("gridcell")
    expect(cell).to_have_attribute("aria-label", re.compile(r"^row 1, column 1: −?\d"))
    assert grid.get_attribute("aria-activedescendant") == cell.get_attribute("id")
    live = page.locator(".live")
    expect(live).to_have_text(re.compile(r"^y\(1, 1\) = −?[\d.]+, ✓ they agree$"))
    page.keyboard.press("Enter")
    expect(live).to_have_text(re.compile("pinned$"))
    page.keyboard.press("Escape")
    page.keyboard.press("]")
    expect(page.locator(".tabs input").nth(3)).to_be_checked()
    page.keyboard.press("[")
    page.keyboard.press("[")
    expect(page.locator(".tabs input").nth(1)).to_be_checked()
    entry = board(page, "input")
    entry.focus()
    for _ in range(11):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    expect(entry.get_by_role("gridcell")).to_have_attribute("aria-label", "padding, row −2, column −1: 0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.evaluate(FRAMES)
    text = entry.get_by_role("gridcell").get_attribute("aria-label") or ""
    assert text.startswith("row 0, column 0: ")
    assert float(text.split(": ")[1].replace("−", "-")) == pytest.approx(float(image[1, 0, 0]), rel=1e-3)


def test_space_plays_the_slide_and_the_slider_steps_it(clocked: Page) -> None:
    clocked.emulate_media(reduced_motion="no-preference")
    page = show(clocked, "toy")
    slider = page.get_by_role("slider", name="Position")
    slider.fill("7")
    expect(page.locator(".where")).to_have_text("8 of 9 · row 2, column 1")
    board(page, "output").focus()
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".where")).to_have_text("9 of 9 · row 2, column 2")
    expect(page.get_by_role("button", name="Play the slide")).to_be_visible()  # it stops at the end
    page.keyboard.press(" ")
    expect(page.locator(".where")).to_have_text("2 of 9 · row 0, column 1")
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play the slide")).to_be_visible()
    still = page.locator(".where").inner_text()
    page.clock.run_for(10_000)
    expect(page.locator(".where")).to_have_text(still)


def test_with_reduced_motion_space_goes_one_step(clocked: Page) -> None:
    clocked.emulate_media(reduced_motion="reduce")
    page = show(clocked, "toy")
    board(page, "output").focus()
    page.keyboard.press(" ")
    expect(page.locator(".where")).to_have_text("6 of 9 · row 1, column 2")
    page.clock.run_for(10_000)
    expect(page.locator(".where")).to_have_text("6 of 9 · row 1, column 2")


def test_nothing_is_wider_than_a_phone(lab: Any, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page.goto(lab.url)
    for case in ("everything", "wide", "max"):
        show(page, case)
        for place in range(page.locator(".modes label").count()):
            page.locator(".modes label").nth(place).click()
            page.evaluate(FRAMES)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            boxes = page.locator(".board:visible").evaluate_all("all => all.map(e => e.getBoundingClientRect().right)")
            assert boxes and max(boxes) <= 390


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("nan", "1 cell without a finite number"),
        ("constant", "The input is 0.5 everywhere"),
        ("single", "The output is a single cell"),
        ("seven", "The kernel (7×7) is larger than the input (3×3)"),
        ("strided", "The stride is larger than the kernel"),
        ("wide", "64 × 1024"),
    ],
)
def test_an_odd_case_says_what_is_going_on_and_still_agrees(
    opened: Callable[[str], Page], case: str, says: str
) -> None:
    page = opened(case)
    for name in ("output", "weight", "image", "bias", "matrix"):
        mode(page, name)
        expect(page.locator(".verdict")).to_have_text("✓ they agree")
    if case == "wide":
        expect(page.locator(".notes")).to_contain_text("The matrix is 576 × 1024: rows 0 to 26")
    else:
        expect(page.locator(".notes")).to_contain_text(says)


def test_a_number_that_autograd_does_not_share_is_crossed_out_in_words(opened: Callable[[str], Page]) -> None:
    page = opened("wrong")
    expect(page.locator(".verdict")).to_have_text("✗ they differ by 0.01")
    expect(page.locator(".overall")).to_contain_text("0 of 9 agree")


def test_small_numbers_are_written_with_a_common_power_of_ten(opened: Callable[[str], Page]) -> None:
    page = opened("tiny")
    expect(page.locator(".grids .upstream .range")).to_have_attribute("data-times", " · numbers ×10⁻⁵")
    mode(page, "image")
    expect(page.locator(".verdict")).to_have_text("✓ they agree")


def test_the_formula_is_mathematics_and_its_numbers_add_up(opened: Callable[[str], Page]) -> None:
    page = opened("toy")
    assert page.locator(".formula math msub").count() == 3
    chips = page.locator(".numbers .chip").all_inner_texts()
    *factors, result = [float(text.replace("−", "-")) for text in chips]
    terms = sum(first * second for first, second in zip(factors[::2], factors[1::2], strict=True))
    assert len(factors) == 18
    assert terms + 0.4 == pytest.approx(result)


def test_shapes_that_do_not_fit_are_refused_in_one_sentence() -> None:
    common: dict[str, Any] = {"autograd": {}, "key": "k", "label": "l"}
    with pytest.raises(ConvScopeError, match=r"the output has 4 × 4 cells, but .* the shape \(3, 3\)"):
        convolution_view(np.zeros((1, 4, 4)), np.zeros((1, 3, 3)), padding=1, upstream=np.zeros((3, 3)), **common)
    with pytest.raises(ConvScopeError, match="looks at 2 channels from channel 3 on, but the image has 4"):
        convolution_view(np.zeros((4, 3, 3)), np.zeros((2, 3, 3)), first_channel=3, upstream=np.zeros((1, 1)), **common)
    with pytest.raises(ConvScopeError, match="must have 2 dimensions"):
        pool_view(np.zeros((1, 4, 4)), kernel_size=2, upstream=np.zeros((2, 2)), **common)
