"""Comparing: two epochs or two networks side by side, in one scale, or a sentence on why that cannot be."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import core.data.datasets
import core.explain.attribution
from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.figures.scales import ColorScale
from core.formatting import number
from core.inference.prediction import predict
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten, MaxPool
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.sections.classify.quick_maps import QUICK
from pages.shared.explanation import rendering
from pages.shared.explanation.controls import DEFAULT_METHODS
from pages.shared.network import current_network
from pages.shared.network.epoch_slider import LATEST
from pages.shared.shell.navigation import path

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")
Sheets = Callable[[AppTest], dict[str, Any]]
PAGES = ("filters", "feature_maps", "explain", "classify")


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(path(page), default_timeout=60)
    app.query_params.update(query)
    return ran(app)


def ran(changed: Any) -> AppTest:
    """Run a page, or that of a widget whose value was set."""
    app: AppTest = changed.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.subheader))


def shown(app: AppTest) -> int:
    """Return how many maps are shown, what the network receives among them."""
    return sum("group" in json.loads(element.proto.json) for element in app.get("bidi_component"))


def kernels(run_id: str, epoch: int | None, layer: str = "conv1") -> np.ndarray:
    return RunStore().load_model(run_id, epoch).get_submodule(layer).weight.detach().numpy()


def colours(values: np.ndarray, *of: np.ndarray) -> np.ndarray:
    return ColorScale.of(np.concatenate([each.ravel() for each in of]), percentile=99, signed=True).rgb(values)


def maps(run_id: str, epoch: int | None) -> np.ndarray:
    """Return what the first layer makes of the first test image."""
    digits = load_dataset("digits")
    with torch.no_grad():
        return RunStore().load_model(run_id, epoch).conv1(digits.normalize(digits.test.images[:1]))[0].numpy()


def likeliest(run_id: str, epoch: int | None) -> int:
    digits = load_dataset("digits")
    return int(predict(RunStore().load_model(run_id, epoch), digits.normalize(digits.test.images[:1])).argmax())


@pytest.fixture
def make_run(trained_run: str) -> Callable[..., str]:
    """Return a function that records a second network, with nothing but its latest weights."""

    def make(*layers: Any, shape: tuple[int, int, int] = (1, 8, 8), dataset: str = "digits") -> str:
        store = RunStore()
        spec = ModelSpec("Other network", shape, 10, layers)
        run_id = store.create(spec, TrainConfig(epochs=1), dataset, "An *other* one", owner="tests")
        save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(spec, seed=5).state_dict()))
        store.change(run_id, step=1, status=Status.STOPPED.value)
        store.close()
        return run_id

    return make


def test_the_switch_puts_the_beginning_beside_the_end_and_takes_it_away_again(trained_run: str) -> None:
    app = opened("filters", run=trained_run)
    assert not app.toggle(key="compare").value
    ran(app.toggle(key="compare").set_value(True))
    assert (app.query_params["other"], app.query_params["other_epoch"]) == (trained_run, "0")
    assert app.select_slider(key="pick_epoch").value == LATEST
    assert app.select_slider(key="pick_other_epoch").value == 0
    assert "**A · latest**" in texts(app)
    assert "**B · epoch 0, untrained**" in texts(app)
    for link in app.get("page_link"):
        assert f"other={trained_run}" in link.proto.query_string
        assert "other_epoch=0" in link.proto.query_string
    ran(app.select_slider(key="pick_other_epoch").set_value(1))
    assert (app.query_params["other_epoch"], "epoch" in app.query_params) == ("1", False)
    ran(app.toggle(key="compare").set_value(False))
    assert set(app.query_params) == {"run"}
    assert "**A" not in texts(app)


def test_what_has_no_counterpart_cannot_be_compared(make_run: Callable[..., str], trained_run: str) -> None:
    lonely = make_run(Conv(4), Flatten(), Dense(10))
    app = opened("filters", run=lonely)
    ran(app.toggle(key="compare").set_value(True))
    assert app.query_params["other"] == trained_run
    RunStore().delete(trained_run)
    assert opened("filters", run=lonely).toggle(key="compare").disabled


def test_filters_of_two_epochs_stand_side_by_side_in_one_scale(trained_run: str, sheets: Sheets) -> None:
    app = opened("filters", run=trained_run, epoch="1", other=trained_run, other_epoch="0")
    shown, latest = sheets(app), kernels(trained_run, None)
    assert np.array_equal(shown["Filters of conv1"].tiles, colours(kernels(trained_run, 1)[:, 0], latest, latest))
    assert np.array_equal(shown["Filters of conv1, B"].tiles, colours(kernels(trained_run, 0)[:, 0], latest, latest))
    high = ColorScale.of(np.stack([latest, latest]), percentile=99, signed=True).high
    assert (
        f"One scale for A and B. Blue is negative, white is zero, red is positive; full colour is {number(high)}"
        in (texts(app))
    )


def test_filters_of_two_networks_share_a_scale_that_holds_both(
    make_run: Callable[..., str], trained_run: str, sheets: Sheets
) -> None:
    other = make_run(Conv(8), Flatten(), Dense(10))
    app = opened("filters", run=trained_run, other=other)
    mine, theirs = kernels(trained_run, None), kernels(other, None)
    shown = sheets(app)
    assert np.array_equal(shown["Filters of conv1"].tiles, colours(mine[:, 0], mine, theirs))
    assert np.array_equal(shown["Filters of conv1, B"].tiles, colours(theirs[:, 0], mine, theirs))
    assert r"**B · An \*other\* one · latest**" in texts(app)


def test_filters_of_another_shape_have_a_scale_of_their_own(
    make_run: Callable[..., str], trained_run: str, sheets: Sheets
) -> None:
    other = make_run(Conv(3, 5), Flatten(), Dense(10))
    app = opened("filters", run=trained_run, other=other)
    mine, theirs = kernels(trained_run, None), kernels(other, None)
    shown = sheets(app)
    assert np.array_equal(shown["Filters of conv1"].tiles, colours(mine[:, 0], mine))
    assert np.array_equal(shown["Filters of conv1, B"].tiles, colours(theirs[:, 0], theirs))
    assert "**3 filters of 5 × 5**" in texts(app)
    assert "One scale" not in texts(app)


def test_a_layer_that_the_other_network_lacks_gets_one_sentence(
    make_run: Callable[..., str], trained_run: str, sheets: Sheets
) -> None:
    other = make_run(MaxPool(), Flatten(), Dense(10))
    app = opened("filters", run=trained_run, other=other)
    assert ["no convolution named 'conv1'" in error.value for error in app.error] == [True]
    assert "Filters of conv1" in sheets(app)
    app = opened("feature_maps", run=trained_run, other=other)
    assert [error.value for error in app.error] == [
        "This network has no layer named conv1: choose another layer or another network."
    ]
    assert "Feature maps of conv1" in sheets(app)


def test_a_click_on_either_side_chooses_on_both(trained_run: str, sheets: Sheets) -> None:
    app = AppTest.from_file(path("filters"), default_timeout=60)
    app.query_params.update({"run": trained_run, "other": trained_run, "other_epoch": "0"})
    key = f"filters_{trained_run}_conv1_number"

    def chosen() -> list[list[int]]:
        return [sheets(ran(app))[f"Filters of conv1{side}"].data["selected"] for side in ("", ", B")]

    app.session_state[key] = {"selection": [3, 0, 2]}
    assert chosen() == [[3, 0, 2]] * 2
    app.session_state[f"{key}_b"] = {"selection": [5, 2, 1]}
    assert chosen() == [[5, 2, 1]] * 2
    assert texts(app).count("Filter 5 of conv1") == 2
    app.session_state[f"{key}_1"] = {"selection": [0, 1, 1]}  # the first grid was made anew: it follows the second
    assert chosen() == [[0, 1, 1]] * 2
    app.session_state[f"{key}_1"] = {"selection": [99, 0, 0]}
    assert chosen() == [[0, 1, 1]] * 2


def test_maps_of_two_epochs_stand_side_by_side_in_one_scale(trained_run: str, sheets: Sheets) -> None:
    app = opened("feature_maps", run=trained_run, other=trained_run, other_epoch="0")
    now, then = maps(trained_run, None), maps(trained_run, 0)
    scale, shown = ColorScale.of(np.stack([now, then]), percentile=99.5), sheets(app)
    for name, values in (("Feature maps of conv1", now), ("Feature maps of conv1, B", then)):
        assert np.abs(shown[name].tiles.astype(int) - scale.rgb(values)).max() <= 8
    assert f"full colour is {number(scale.high)} or more either way." in texts(app)
    for letter, epoch in (("A", None), ("B", 0)):
        assert f"**{letter}** says **{likeliest(trained_run, epoch)}**" in texts(app)
    assert len(app.get("plotly_chart")) == 2


def test_the_numbers_of_the_classes_are_drawn_to_one_length(trained_run: str) -> None:
    app = opened("feature_maps", run=trained_run, other=trained_run, other_epoch="0", layer="dense2")
    ranges = [json.loads(chart.proto.spec)["layout"]["xaxis"]["range"] for chart in app.get("plotly_chart")]
    assert len(ranges) == 2
    assert ranges[0] == ranges[1]


def heatmap_of(call: tuple[str, int, torch.nn.Module, torch.Tensor], explain: Callable[..., Any]) -> np.ndarray:
    """Explain again what a page asked for."""
    method, target, model, image = call
    return core.explain.attribution.heatmap(explain(model, image, target, method)).numpy()


@pytest.mark.parametrize("page", ["explain", "classify"])
def test_explanations_of_two_epochs_are_those_of_their_networks(
    page: str, trained_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int, torch.nn.Module, torch.Tensor]] = []
    explain = core.explain.attribution.attribute

    def attribute(model: torch.nn.Module, image: torch.Tensor, target: int, method: str, **options: Any) -> Any:
        asked.append((method, target, model, image))
        return explain(model, image, target, method, **options)

    monkeypatch.setattr(current_network, "pass_seconds", lambda weights: 0.0)

    def overlay(pixels: np.ndarray, heatmap: np.ndarray, **how: Any) -> Any:
        drawn.append(heatmap)
        return draw(pixels, heatmap, **how)

    drawn: list[np.ndarray] = []
    draw = rendering.overlay
    monkeypatch.setattr(rendering, "overlay", overlay)
    monkeypatch.setattr(core.explain.attribution, "attribute", attribute)
    app = opened(page, run=trained_run, other=trained_run, other_epoch="0")
    methods = list(DEFAULT_METHODS if page == "explain" else QUICK)
    assert [call[0] for call in asked] == [method for method in methods for _ in "AB"]
    assert len({call[1] for call in asked}) == 1
    for (_, _, model, _), epoch in zip(asked, [None, 0] * len(methods), strict=True):
        weights = RunStore().load_model(trained_run, epoch).state_dict()
        assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    for heatmaps, (first, second) in zip(drawn, zip(asked[::2], asked[1::2], strict=True), strict=True):
        alone = [heatmap_of(call, explain) for call in (first, second)]
        assert np.allclose(heatmaps, np.concatenate(alone, axis=1), atol=1e-6)
    captions = " ".join(caption.value for caption in app.caption)
    assert captions.count("One scale for A and B: full colour is") == len(methods)
    assert "Scaled to this map alone" not in captions
    if page == "explain":
        assert asked[0][1] == likeliest(trained_run, None)
        assert shown(app) == 1 + 2 * len(methods)


def test_a_click_on_a_class_of_the_second_network_explains_it_for_both(trained_run: str) -> None:
    app = opened("explain", run=trained_run, other=trained_run, other_epoch="0")
    best = likeliest(trained_run, None)
    other = next(button for button in app.button if str(button.key).endswith("_b") and button.key != f"class_{best}_b")
    ran(other.click())
    target = other.key.split("_")[1]
    assert app.query_params["target"] == target
    assert f"What speaks for “{target}”?" in texts(app)


@pytest.mark.parametrize("page", PAGES[1:])
def test_a_network_for_other_pictures_gets_one_sentence(
    page: str, make_run: Callable[..., str], trained_run: str
) -> None:
    other = make_run(Conv(4), Flatten(), Dense(10), shape=(3, 32, 32), dataset="shapes")
    app = opened(page, run=trained_run, other=other)
    assert [error.value for error in app.error] == [
        "This network looks at pictures of 3 × 32 × 32, not of 1 × 8 × 8: choose another one."
    ]
    assert "One scale" not in texts(app)


def test_a_network_that_knows_other_classes_is_not_asked_about_these(
    make_run: Callable[..., str], trained_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tuple(f"kind {index}" for index in range(10))
    monkeypatch.setitem(DATASETS, "digits_2", replace(DATASETS["digits"], class_names=names))
    other = make_run(Conv(4), Flatten(), Dense(10), dataset="digits_2")
    load = core.data.datasets.load_dataset
    monkeypatch.setattr(core.data.datasets, "load_dataset", lambda name, **rest: load("digits", **rest))
    app = opened("explain", run=trained_run, other=other)
    assert texts(app).count("It knows other classes than A") == 1
    theirs = [button for button in app.button if str(button.key).endswith("_b")]
    assert len(theirs) == 5
    assert all(button.disabled and "kind" in button.label for button in theirs)
    assert shown(app) == 1 + len(DEFAULT_METHODS)


@pytest.mark.parametrize("page", PAGES)
def test_a_damaged_second_network_leaves_the_first_in_peace(page: str, trained_run: str) -> None:
    damaged = RunStore().checkpoint(trained_run, 0)
    damaged.write_bytes(damaged.read_bytes()[:100])
    app = opened(page, run=trained_run, other=trained_run, other_epoch="0")
    assert [error.value for error in app.error] == [
        "The checkpoint epoch-0000.safetensors is missing or damaged: choose another epoch, or train again."
    ]
    assert app.get("bidi_component")


def test_a_second_network_that_does_not_exist_gets_one_sentence(trained_run: str) -> None:
    app = opened("filters", run=trained_run, epoch="1", other="0123456789", other_epoch="7")
    assert [warning.value for warning in app.warning] == [
        "The address asks to compare with a network that does not exist: it may have been deleted."
    ]
    assert dict(app.query_params) in ({"run": [trained_run], "epoch": ["1"]}, {"run": trained_run, "epoch": "1"})
    assert not ran(app).warning
    app = opened("filters", run=trained_run, other=trained_run, other_epoch="7")
    assert ["does not have" in warning.value for warning in app.warning] == [True]
    assert app.select_slider(key="pick_other_epoch").value == LATEST
