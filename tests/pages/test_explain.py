"""Explain: what is explained is the picture, the class and the settings that were chosen."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import core.explain.attribution
from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.explain.attribution import attribute, heatmap
from core.explain.methods.base import Family
from core.explain.methods.registry import METHODS
from core.inference.prediction import predict
from core.model.build import build_model
from core.model.layers import Activation, Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.shared.explanation.controls import DEFAULT_METHODS
from pages.shared.network import current_network
from pages.shared.shell import session
from pages.shared.shell.navigation import path

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Write down every explanation that is computed."""
    calls: list[dict[str, Any]] = []
    compute = core.explain.attribution.attribute

    def attribute(model: Any, image: Any, target: int, method: str, **words: Any) -> Any:
        given = {name: words[name] for name in ("versus", "background", "logits", "progress")}
        options = {name: value for name, value in words.items() if name not in given}
        calls.append({"method": method, "target": target, "image": image, "options": options, **given})
        return compute(model, image, target, method, **words)

    monkeypatch.setattr(core.explain.attribution, "attribute", attribute)
    return calls


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every method for a quick one, however busy this machine is."""
    monkeypatch.setattr(current_network, "pass_seconds", lambda weights: 0.0)


@pytest.fixture
def make_run(home: Any) -> Callable[..., str]:
    """Return a function that records a run on `digits` with weights of its own."""

    def make(*layers: Any, change: Callable[[torch.Tensor], torch.Tensor] = lambda weight: weight) -> str:
        store = RunStore()
        spec = ModelSpec("Odd network", (1, 8, 8), 10, layers)
        run_id = store.create(spec, TrainConfig(epochs=1), "digits", owner="tests")
        weights = {name: change(weight) for name, weight in build_model(spec).state_dict().items()}
        save_checkpoint(store.checkpoint(run_id), Checkpoint(weights))
        store.change(run_id, step=1)
        store.close()
        return run_id

    return make


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(path("explain"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def answer(run_id: str, index: int) -> int:
    """Return the likeliest class of a test image, asked without any page."""
    digits = load_dataset("digits")
    return int(predict(RunStore().load_model(run_id), digits.normalize(digits.test.images[index][None])).argmax())


def pictures(app: AppTest) -> list[str]:
    """Return the pictures that are shown: what the network receives, then the maps."""
    found = (json.loads(element.proto.json) for element in app.get("bidi_component"))
    return [data["png"] for data in found if "group" in data]


def choose(app: AppTest, *names: str) -> AppTest:
    """Look at these methods and no others."""
    for family in get_args(Family):
        chosen = [name for name in names if METHODS[name].family == family]
        app.button_group(key=f"methods_{family}").set_value(chosen)
    app.run()
    assert not app.exception
    return app


def captions(app: AppTest) -> str:
    return "\n".join(element.value for element in app.caption)


def test_without_a_network_it_says_so_and_offers_the_way_to_one() -> None:
    app = opened()
    assert "No network has been trained yet" in app.markdown[-1].value
    assert [button.label for button in app.button] == ["Go to Train"]


def test_an_unknown_run_gets_one_sentence_and_a_way_on(trained_run: str) -> None:
    app = opened(run="0123456789")
    assert "There is no such run" in app.markdown[-1].value
    assert [button.label for button in app.button] == ["See all runs"]


def test_the_first_methods_explain_what_the_network_answered(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run)
    best = answer(trained_run, 0)
    assert [(call["method"], call["target"]) for call in asked] == [(method, best) for method in DEFAULT_METHODS]
    assert f"It says “{best}”" in [heading.value for heading in app.subheader]
    assert f"Why “{best}”?" in [heading.value for heading in app.subheader]
    assert len(pictures(app)) == 1 + len(DEFAULT_METHODS)
    for method in DEFAULT_METHODS:
        assert any(METHODS[method].cannot in text.value for text in app.markdown)
    assert sum("102 passes through the network" in text.value for text in app.markdown) == 1
    assert captions(app).count("Scaled to this map alone") == len(DEFAULT_METHODS)


@pytest.mark.parametrize("family", get_args(Family))
def test_every_method_can_be_chosen(family: Family, trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run)
    asked.clear()
    names = [name for name, method in METHODS.items() if method.family == family]
    choose(app, *names)
    assert not app.error
    assert {call["method"] for call in asked} == set(names) - set(DEFAULT_METHODS)
    assert len(pictures(app)) == 1 + len(names)
    assert all(any(METHODS[name].paper in text.value for text in app.caption) for name in names)
    assert all(call["background"].shape == (32, 1, 8, 8) for call in asked)


def test_without_a_method_it_says_what_to_do(trained_run: str) -> None:
    app = choose(opened(run=trained_run))
    assert [text.value for text in app.info] == ["Choose a method under Settings to see which pixels mattered."]


def test_more_classes_stand_side_by_side_in_one_scale(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = choose(opened(run=trained_run), "integrated_gradients", "grad_cam")
    best = answer(trained_run, 0)
    others = [index for index in range(10) if index != best][:2]
    asked.clear()
    app.multiselect(key=f"more_{trained_run}_{best}").set_value(others).run()
    assert {(call["method"], call["target"], call["versus"]) for call in asked} == {
        (method, target, None) for method in ("integrated_gradients", "grad_cam") for target in others
    }
    assert len(pictures(app)) == 1 + 2 * 3
    assert captions(app).count("One scale for these") == 2


def test_one_class_is_held_against_another(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = choose(opened(run=trained_run), "integrated_gradients")
    best = answer(trained_run, 0)
    other = (best + 1) % 10
    asked.clear()
    app.selectbox(key=f"versus_{trained_run}_{best}").set_value(other).run()
    assert [(call["target"], call["versus"]) for call in asked] == [(best, other)]
    assert any(text.value == f":small[{best} and not {other}]" for text in app.markdown)
    views = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    values = [view["values"] for view in views if view.get("values")]
    assert len(values) == 2
    net, digits = RunStore().load_model(trained_run), load_dataset("digits")
    image = digits.normalize(digits.test.images[:1])[0]
    direct = attribute(net, image, best, "integrated_gradients", versus=other)
    shown = np.frombuffer(base64.b64decode(values[1]), dtype="<f4").reshape(8, 8)
    assert np.allclose(shown, heatmap(direct).numpy(), atol=1e-6)


def test_a_click_on_a_class_explains_that_class(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run)
    before, best = pictures(app), answer(trained_run, 0)
    other = next(button for button in app.button if button.key.startswith("class_") and button.key != f"class_{best}")
    target = int(other.key.removeprefix("class_"))
    asked.clear()
    other.click().run()
    assert {call["target"] for call in asked} == {target}
    assert app.query_params["target"] == str(target)
    assert f"What speaks for “{target}”?" in [heading.value for heading in app.subheader]
    assert pictures(app)[0] == before[0]
    assert all(now != then for now, then in zip(pictures(app)[1:], before[1:], strict=True))


def test_a_class_outside_the_five_likeliest_can_be_chosen(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run)
    least = app.selectbox(key="another_class").options[-1]
    asked.clear()
    app.selectbox(key="another_class").select_index(len(app.selectbox(key="another_class").options) - 1).run()
    assert {str(call["target"]) for call in asked} == {least.split(" · ")[0]}
    assert app.selectbox(key="another_class").value is None


def test_another_picture_is_asked_about_its_own_answer(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run, target=str((answer(trained_run, 0) + 1) % 10))
    asked.clear()
    app.button(key="image_digits_next").click().run()
    assert {call["target"] for call in asked} == {answer(trained_run, 1)}
    assert "target" not in app.query_params
    digits = load_dataset("digits")
    assert torch.equal(asked[0]["image"], digits.normalize(digits.test.images[1][None])[0])


def test_a_validation_image_is_walked_through_and_left_for_the_test_images(trained_run: str) -> None:
    app = AppTest.from_file(path("explain"), default_timeout=60)
    app.query_params["run"] = trained_run
    app.session_state["picture"] = session.PictureSelection("test", "digits", index=7, split="valid")
    app.run()
    assert not app.exception
    label = int(load_dataset("digits").valid.labels[7])
    assert f"Validation image 7 is “{label}”" in captions(app)
    app.button(key="image_digits_valid_next").click().run()
    assert "Validation image 8 is" in captions(app)
    app.button(key="to_test_images").click().run()
    assert "Test image 0 is" in captions(app)
    assert not app.exception


def test_the_class_of_the_address_is_explained(trained_run: str, asked: list[dict[str, Any]]) -> None:
    target = (answer(trained_run, 0) + 3) % 10
    app = opened(run=trained_run, target=str(target))
    assert {call["target"] for call in asked} == {target}
    assert not app.warning


def test_a_class_that_does_not_exist_is_refused(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run, target="10")
    for target in ("10", "-1", "1.0", "cat", "٣", "9" * 5000, "<b>1</b>"):
        app.query_params["target"] = target
        app.run()
        assert {call["target"] for call in asked} == {answer(trained_run, 0)}
        assert ["click one of its classes" in warning.value for warning in app.warning] == [True]


def test_settings_reach_the_computation(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = choose(opened(run=trained_run), "integrated_gradients", "grad_cam", "occlusion", "lrp")
    before = pictures(app)
    asked.clear()
    app.number_input(key="option_integrated_gradients_steps").set_value(8)
    app.selectbox(key="option_integrated_gradients_baseline").set_value("noise")
    app.number_input(key="option_occlusion_window").set_value(3)
    app.selectbox(key=f"option_grad_cam_layer_{trained_run}").set_value("conv1")
    app.selectbox(key="option_lrp_rule").set_value("gamma")
    app.run()
    assert {call["method"]: call["options"] for call in asked} == {
        "integrated_gradients": {"steps": 8, "baseline": "noise"},
        "lrp": {"rule": "gamma"},
        "grad_cam": {"layer": "conv1"},
        "occlusion": {"stride": None, "window": 3, "baseline": "mean"},
    }
    changed = [now != then for now, then in zip(pictures(app), before, strict=True)]
    assert changed == [False, True, True, True, True]
    assert "Seen from layer conv1: 8 × 8 cells, each sees up to 3 × 3 pixels (dashed where you point)." in captions(app)


def test_a_unit_can_be_asked_in_place_of_the_class(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = choose(opened(run=trained_run), "neuron_gradient")
    app.selectbox(key=f"option_neuron_gradient_layer_{trained_run}").set_value("conv1")
    for name, value in (("channel", 2), ("row", 4), ("col", 5)):
        app.number_input(key=f"option_neuron_gradient_{name}").set_value(value)
    app.run()
    assert asked[-1]["options"] == {"layer": "conv1", "channel": 2, "row": 4, "col": 5}
    assert "Layer conv1. Of map 2, row 4, column 5." in captions(app)


def test_an_impossible_setting_gets_one_sentence_on_its_card(trained_run: str) -> None:
    app = opened(run=trained_run)
    app.number_input(key="option_occlusion_window").set_value(9).run()
    assert not app.exception
    assert [error.value for error in app.error] == [
        "The square of 9 pixels is larger than the picture of 8 × 8: make it smaller."
    ]
    assert len(pictures(app)) == len(DEFAULT_METHODS)


def test_drawing_it_differently_computes_nothing(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run)
    for widget, value in (("look_strength", 40), ("look_percentile", 90.0)):
        before = pictures(app)
        asked.clear()
        app.slider(key=widget).set_value(value).run()
        assert not asked
        assert pictures(app)[0] == before[0]
        assert all(now != then for now, then in zip(pictures(app)[1:], before[1:], strict=True))
    before = pictures(app)
    app.segmented_control(key="look_sign").set_value("negative").run()
    assert not asked
    signed = [False, *(METHODS[method].signed for method in DEFAULT_METHODS)]
    assert [now != then for now, then in zip(pictures(app), before, strict=True)] == signed


def test_what_takes_long_waits_for_a_press_and_is_done_in_the_background(
    trained_run: str, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_network, "pass_seconds", lambda weights: 0.1)
    app = choose(opened(run=trained_run), "saliency", "integrated_gradients")
    assert [call["method"] for call in asked] == [
        "saliency", "input_x_gradient", "guided_backprop", "grad_cam", "layer_cam",  # no usual one takes 10 s
    ]  # fmt: skip
    assert app.button(key="ask_integrated_gradients").label == "Compute, about 10 s"
    app.button(key="ask_integrated_gradients").click().run()
    assert len(pictures(app)) == 3
    assert asked[-1]["method"] == "integrated_gradients"
    assert asked[-1]["progress"] is not None
    assert not [button for button in app.button if str(button.key).startswith("ask_")]


def test_all_that_waits_can_be_asked_for_at_once(
    trained_run: str, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_network, "pass_seconds", lambda weights: 4.0)
    app = choose(opened(run=trained_run), "saliency", "grad_cam", "deconvolution")
    assert not asked
    assert app.button(key="compute_all").label == "Compute all 3, about 24 s"
    app.button(key="compute_all").click().run()
    assert len(pictures(app)) == 4
    assert {call["method"] for call in asked} == {"saliency", "grad_cam", "deconvolution"}
    assert not [button for button in app.button if button.key == "compute_all"]


def test_a_method_that_does_not_fit_says_why(make_run: Callable[..., str], asked: list[dict[str, Any]]) -> None:
    app = opened(run=make_run(Flatten(), Dense(10)))
    assert {call["method"] for call in asked} == {"saliency", "integrated_gradients", "smooth_grad", "occlusion"}
    assert not app.info
    choose(app, "guided_backprop", "grad_cam")
    assert ["ReLU" in app.info[0].value, "convolution" in app.info[1].value] == [True, True]
    assert any(text.value.startswith(":material/block: Grad-CAM needs a convolution") for text in app.caption)


def test_a_blank_map_says_why(make_run: Callable[..., str]) -> None:
    app = opened(run=make_run(Conv(4), Activation(), Flatten(), Dense(10), change=torch.zeros_like))
    for method in DEFAULT_METHODS:
        assert f"Every value is zero: {METHODS[method].blank}" in captions(app)
    assert not app.error


@pytest.mark.parametrize(("run", "sentence"), [("damaged_run", "damaged"), ("weightless_run", "no weights yet")])
def test_a_network_that_cannot_be_loaded_gets_one_sentence(
    run: str, sentence: str, request: pytest.FixtureRequest
) -> None:
    app = opened(run=request.getfixturevalue(run))
    assert len(app.error) == 1
    assert sentence in app.error[0].value
    assert app.selectbox(key="pick_run").value


def test_class_names_are_shown_as_text(trained_run: str) -> None:
    best = answer(trained_run, 0)
    names = tuple("<b>*it*</b>" if index == best else str(index) for index in range(10))
    store = RunStore()
    store.change(trained_run, dataset_info=replace(DATASETS["digits"], class_names=names).to_json())
    store.close()
    app = opened(run=trained_run)
    assert r"Why “\<b>\*it\*\</b>”?" in [heading.value for heading in app.subheader]
    assert r"\<b>\*it\*\</b>" in app.button(key=f"class_{best}").label


def test_the_class_filter_walks_through_that_class_only(trained_run: str) -> None:
    app = opened(run=trained_run)
    labels = load_dataset("digits").test.labels
    app.selectbox(key="image_digits_class").set_value(7).run()
    seen = []
    for _ in range(3):
        seen.append(app.number_input(key="image_digits").value)
        app.button(key="image_digits_next").click().run()
    assert seen == (labels == 7).nonzero().flatten()[:3].tolist()
    app.button(key="image_digits_previous").click().run()
    assert app.number_input(key="image_digits").value == seen[-1]
    app.button(key="image_digits_any").click().run()
    assert labels[app.number_input(key="image_digits").value] == 7
    row = [button for button in app.button if button.key.startswith("image_digits_row_")]
    row[2].click().run()
    assert app.number_input(key="image_digits").value == int(row[2].key.rpartition("_")[2])
    assert app.session_state["picture"].index == app.number_input(key="image_digits").value


@pytest.mark.parametrize(
    ("unit", "methods", "place"),
    [
        ("pool1,3,1,2", ["neuron_gradient", "layer_conductance"], {"channel": 3, "row": 1, "col": 2}),
        ("dense1,7", ["neuron_gradient"], {"channel": 7, "row": None, "col": None}),
    ],
)
def test_a_unit_of_the_feature_maps_is_explained(
    unit: str, methods: list[str], place: dict[str, int | None], trained_run: str, asked: list[dict[str, Any]]
) -> None:
    app = opened(run=trained_run, unit=unit)
    assert not app.error
    assert sorted(call["method"] for call in asked) == sorted(methods)
    call = next(call for call in asked if call["method"] == "neuron_gradient")
    assert call["options"] == {"layer": unit.split(",")[0], **place}
    assert "unit" not in app.query_params
    choose(app, "saliency")  # and then it is up to the user again
    assert asked[-1]["method"] == "saliency"


@pytest.mark.parametrize("unit", ["conv9,1,2,3", "conv1", "conv1,-1,0,0", "<b>,1", "conv1,1,2", "9" * 5000])
def test_a_unit_that_does_not_exist_is_refused(unit: str, trained_run: str) -> None:
    app = opened(run=trained_run, unit=unit)
    assert ["does not have: choose a layer" in warning.value for warning in app.warning] == [True]


def test_a_place_outside_its_map_gets_one_sentence(trained_run: str) -> None:
    app = opened(run=trained_run, unit="pool1,3,1,99")
    assert [error.value for error in app.error] == ["pool1 has no column 99: choose a whole number from 0 to 3."]
