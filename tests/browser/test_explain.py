"""Explain as people use it: methods and classes are chosen, maps are read, long work shows life and can be left."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.server import Server
from core.data.datasets import load_dataset
from core.explain.attribution import Attribution, attribute, heatmap
from core.explain.strength import maps_that_say_something
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from core.runs.store import RunStore

pytestmark = pytest.mark.browser
PATIENCE = 60_000
LAYERS = (Conv(8), Activation(), MaxPool(), Flatten(), Dense(10))


@pytest.fixture
def run_id(train: Callable[..., str]) -> str:
    """Train a small network for three epochs where the app finds it, and return the id of its run."""
    return train(*LAYERS, epochs=3)


def card(page: Page, method: str) -> Locator:
    return page.locator(f".st-key-explained_{method}")


def point(frame: Locator, row: int, col: int, side: int = 8) -> None:
    box = frame.bounding_box()
    assert box
    frame.hover(position={"x": (col + 0.5) * box["width"] / side, "y": (row + 0.5) * box["height"] / side})


def settings(page: Page, tab: str) -> None:
    """Open the menu of settings at one of its tabs."""
    page.locator(".st-key-settings_menu button").first.click()
    page.get_by_role("tab", name=tab).click()


def choose(page: Page, *titles: str) -> None:
    """Turn methods on or off in the menu."""
    settings(page, "Methods")
    for title in titles:
        page.get_by_role("button", name=title, exact=True).click()
    page.keyboard.press("Escape")


def pick(page: Page, control: str, name: str) -> None:
    """Choose a class by its name from a list that can be searched, in the menu of settings."""
    settings(page, "Classes")
    page.locator(f"[class*=st-key-{control}_] input").click()
    page.keyboard.type(name)
    page.get_by_role("option", name=name, exact=True).click(timeout=PATIENCE)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")


def test_a_place_is_marked_in_all_maps_and_a_class_is_held_against_another(
    app: Server, page: Page, idle: Callable[[Page], None], run_id: str
) -> None:
    page.goto(f"{app.url}/explain?run={run_id}&target=3")
    expect(card(page, "occlusion").locator(".frame")).to_be_visible(timeout=PATIENCE)
    idle(page)
    digits, net = load_dataset("digits"), RunStore().load_model(run_id)
    image = digits.normalize(digits.test.images[:1])[0]
    values = {}
    for name in ("integrated_gradients", "guided_backprop", "grad_cam", "occlusion"):
        _, (shown,), _ = maps_that_say_something(
            name, [attribute(net, image, 3, name)], lambda other: [attribute(net, image, 3, other)]
        )
        assert isinstance(shown, Attribution)
        values[name] = heatmap(shown)
    grey = int(digits.test.images[0, 0, 5, 2])
    point(card(page, "integrated_gradients").locator(".frame"), 5, 2)
    expect(card(page, "input").locator(".readout")).to_have_text(f"row 5, column 2 · pixel {grey}")
    for name, found in values.items():  # one place was pointed at: all maps tell of it
        expect(card(page, name).locator(".readout")).to_contain_text("row 5, column 2", timeout=PATIENCE)
        words = card(page, name).locator(".readout").inner_text()
        number = float(words.split("attribution ")[1].split(" · ")[0].replace("−", "-"))
        assert number == pytest.approx(float(found[5, 2]), rel=6e-3, abs=1e-6), name
        expect(card(page, name).locator(".pixel")).to_be_visible()

    # What the layer's cell sees is framed where somebody points, and the arrow keys walk.
    cam = card(page, "grad_cam")
    expect(cam.locator(".field")).to_be_visible()
    page.mouse.move(0, 0)
    expect(cam.locator(".field")).to_be_hidden()
    cam.locator(".frame").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    expect(cam.locator(".readout")).to_contain_text(re.compile(r"row \d, column \d · pixel \d+ · attribution"))
    page.mouse.move(0, 0)

    # Classes stand side by side, and one is held against another.
    pick(page, "more", "5")
    expect(card(page, "occlusion").locator(".frame")).to_have_count(2, timeout=PATIENCE)
    page.keyboard.press("Escape")
    idle(page)
    pick(page, "versus", "8")
    expect(card(page, "occlusion").locator(".frame")).to_have_count(3, timeout=PATIENCE)
    expect(card(page, "occlusion").get_by_text("3 and not 8")).to_be_visible()
    expect(card(page, "occlusion").get_by_text("One scale for these")).to_be_visible()

    # It stays chosen at other epochs.
    page.keyboard.press("Escape")
    idle(page)
    against = page.get_by_role("combobox", name="Why “3” and not …")
    for epoch in (2, 1):
        page.get_by_role("slider", name="Epoch").press("ArrowLeft")
        page.wait_for_url(f"**epoch={epoch}**")
        idle(page)
        settings(page, "Classes")
        expect(against).to_have_value("8")
        page.keyboard.press("Escape")
        expect(against).to_be_hidden()

    # A click on a bar asks about that class.
    bar = page.locator("[class*=st-key-class_] button").filter(has_not_text=re.compile(r"^3")).first
    bar.click()
    expect(page).not_to_have_url(re.compile("target=3"), timeout=PATIENCE)


def test_what_takes_long_shows_life_and_can_be_left(
    app: Server, page: Page, idle: Callable[[Page], None], train: Callable[..., str]
) -> None:
    wide = (Conv(32), Activation(), Conv(32), Activation(), Flatten(), Dense(10))
    run_id = train(*wide, dataset="mnist5k", epochs=1, train_images=64)
    page.goto(f"{app.url}/explain?run={run_id}")
    expect(card(page, "occlusion").locator(".frame")).to_be_visible(timeout=PATIENCE)
    idle(page)
    choose(page, "Shapley value sampling", "Occlusion")
    expect(card(page, "occlusion")).to_have_count(0, timeout=PATIENCE)
    shapley = card(page, "shapley_sampling")
    expect(shapley).to_be_visible(timeout=PATIENCE)
    idle(page)
    settings(page, "Their settings")
    page.get_by_role("spinbutton", name="Shapley value sampling: samples").fill("2000")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    shapley.get_by_role("button", name=re.compile(r"Compute, about \d+ (s|min)")).click(timeout=PATIENCE)
    expect(shapley.get_by_text(re.compile(r"passes: \d+% · about .* left"))).to_be_visible(timeout=PATIENCE)
    # Meanwhile the page answers: the other maps are drawn anew.
    settings(page, "Colours")
    page.locator(".st-key-look_sign").get_by_text("Blue", exact=True).click()
    page.keyboard.press("Escape")
    expect(card(page, "integrated_gradients").get_by_text("Red: ")).to_have_count(0, timeout=PATIENCE)
    shapley.get_by_role("button", name="Cancel").click()
    expect(shapley.get_by_role("button", name="Compute")).to_be_visible(timeout=PATIENCE)
    expect(shapley.get_by_text("left")).to_have_count(0)

    # With few samples the map comes.
    settings(page, "Their settings")
    page.get_by_role("spinbutton", name="Shapley value sampling: samples").fill("2")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(shapley.locator(".frame").or_(shapley.get_by_role("button", name="Compute"))).to_be_visible(timeout=PATIENCE)


def test_a_unit_that_is_clicked_in_the_feature_maps_is_explained(
    app: Server, page: Page, idle: Callable[[Page], None], run_id: str
) -> None:
    page.goto(f"{app.url}/feature_maps?run={run_id}&layer=pool1")
    expect(page.locator(".tiles button")).to_have_count(8, timeout=PATIENCE)
    idle(page)
    page.locator(".tiles button").nth(5).click()
    expect(page.get_by_role("heading", name="Map 5 of pool1")).to_be_visible(timeout=PATIENCE)
    idle(page)
    page.get_by_role("link", name="Explain this unit").click()
    expect(card(page, "neuron_gradient").get_by_text(re.compile(r"Layer pool1\. Of map 5, row \d"))).to_be_visible(
        timeout=PATIENCE
    )
    expect(card(page, "layer_conductance").locator(".frame")).to_be_visible(timeout=PATIENCE)
