"""The trust panel: every number on it is what core computes for the chosen map, share, filling and class."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import Tensor, nn

from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.explain.attribution import attribute, heatmap
from core.explain.methods.registry import METHODS
from core.explain.metrics.deletion_insertion import random_removal, removal_curve, removed, shifted_removal
from core.explain.metrics.infidelity import infidelity
from core.explain.metrics.pointing_game import score_methods
from core.explain.metrics.randomization import cascade, map_similarity
from core.explain.metrics.sensitivity import sensitivity
from core.formatting import share
from core.inference.prediction import predict
from core.model.build import build_model
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.sections.explain import trust_request
from pages.shared.explanation.controls import DEFAULT_METHODS
from pages.shared.network import current_network
from pages.shared.shell.layout import escape_markdown
from tests.pages.conftest import settled

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")
LAYERS = (Conv(4), Activation(), MaxPool(), Flatten(), Dense(10))


def script() -> None:
    from pages.sections.explain.trust import SECTION
    from pages.shared.display.class_bars import pick_target
    from pages.shared.network.comparison import require_weights
    from pages.shared.picture.picker import pick_picture
    from pages.shared.shell.layout import show_errors

    with show_errors():
        both = require_weights()
        picture = pick_picture(both[0])
        SECTION.draw(both, picture, pick_target(both, picture))


def one_colour() -> None:
    from pages.sections.explain.trust import SECTION
    from pages.shared.network.comparison import require_weights
    from pages.shared.picture.input_image import InputImage

    SECTION.draw(require_weights(), InputImage("Grey", (1, 8, 8), bytes([99] * 64)), 3)


def opened(page: Callable[[], None] = script, /, methods: str = "", **query: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=60)
    for family in {METHODS[name].family for name in methods.split(",") if name}:
        app.session_state[f"methods_{family}"] = [name for name in methods.split(",") if METHODS[name].family == family]
    for name, value in query.items():
        app.query_params[name] = value
    return settled(app.run())


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def metrics(app: AppTest) -> dict[str, str]:
    return {element.label: element.value for element in app.metric}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the small network for a quick one, however busy this machine is: nothing then waits for a press."""
    monkeypatch.setattr(current_network, "pass_seconds", lambda weights: 1e-4)


@pytest.fixture
def make_run(home: Any) -> Callable[..., str]:
    """Return a function that records a run with weights of its own, none of them trained."""

    def make(dataset: str = "digits", change: Callable[[Tensor], Tensor] = lambda weight: weight, layers=LAYERS) -> str:
        store, info = RunStore(), DATASETS[dataset]
        spec = ModelSpec("Odd network", info.input_shape, 10, layers)
        run_id = store.create(spec, TrainConfig(epochs=1), dataset, owner="tests")
        weights = {name: change(weight) for name, weight in build_model(spec).state_dict().items()}
        save_checkpoint(store.checkpoint(run_id), Checkpoint(weights))
        store.change(run_id, step=1)
        store.close()
        return run_id

    return make


def question(run_id: str) -> tuple[nn.Module, Tensor, int]:
    """Return the network of a run, its first test image, and its answer."""
    digits, model = load_dataset("digits"), RunStore().load_model(run_id)
    image = digits.normalize(digits.test.images[0][None])[0]
    return model, image, int(predict(model, image[None]).argmax())


def test_the_picture_loses_the_pixels_and_the_network_is_asked_again(trained_run: str) -> None:
    app = opened(run=trained_run)
    model, image, target = question(trained_run)
    values = heatmap(attribute(model, image, target, DEFAULT_METHODS[0]))
    label = f"Probability of “{target}”"
    for percent, mode, fill in ((10, "deletion", "mean"), (50, "insertion", "mean"), (50, "insertion", "blur")):
        app.slider(key="trust_share").set_value(percent)
        app.segmented_control(key="trust_mode").set_value(mode)
        app.segmented_control(key="trust_fill").set_value(fill)
        settled(app.run())
        now = predict(model, removed(image, values, percent / 100, fill, mode)[None])[0]
        assert metrics(app)[label] == share(float(now[target]))
        assert f"{round(64 * percent / 100)} of 64 pixels" in words(app)


def test_a_map_that_says_nothing_gives_way_to_the_next_method(mute_run: str) -> None:
    said = words(opened(run=mute_run, methods="grad_cam"))
    assert "Layer gradient × activation in place of Grad-CAM. Every value is zero" in said
    assert "**Layer gradient × activation** for" in said


def test_both_curves_stand_beside_those_of_chance(trained_run: str) -> None:
    app = opened(run=trained_run)
    model, image, target = question(trained_run)
    values = heatmap(attribute(model, image, target, DEFAULT_METHODS[0]))
    for mode in ("deletion", "insertion"):
        curve = removal_curve(model, image, values, target, mode)
        moved, noise = shifted_removal(model, image, values, target, mode), random_removal(model, image, target, mode)
        assert f"Area **{curve.area:.2f}**" in words(app)
        for chance in (moved, noise):
            assert f": {chance.areas.mean():.2f} ± {chance.areas.std(ddof=1):.2f}" in words(app)
    assert "Lower is better" in words(app) and "Higher is better" in words(app)
    assert words(app).count("random pixels to") == 2
    assert len(app.get("vega_lite_chart")) == 2


def test_every_check_gives_the_numbers_of_core(trained_run: str) -> None:
    app = opened(run=trained_run, methods="deep_lift")
    model, image, target = question(trained_run)
    explain = partial(attribute, method="deep_lift")
    found = explain(model, image, target)
    shown = metrics(app)
    foreseen = infidelity(model, image, heatmap(found), target)
    steady = sensitivity(model, image, target, explain)
    gap = found.gap
    assert gap is not None
    assert shown["Not foreseen"] == f"{foreseen.share:.0%}"
    assert shown["Moves at most"] == f"{steady.value:.0%}"
    assert f"A random map: {steady.random:.0%}" in words(app)
    assert float(shown["Missing, in logits"].replace("−", "-")) == pytest.approx(-gap.gap, rel=1e-2, abs=1e-6)
    strip = next(element.proto.body for element in app.get("html") if "<figure" in element.proto.body)
    forgot = cascade(model, image, target, explain)
    assert strip.count("<figure") == len(forgot.steps) + 2
    for step in forgot.steps:
        assert f"rank {step.likeness.rank:.2f}".replace("-", "−") in strip
    before = heatmap(explain(RunStore().load_model(trained_run, 0), image, target))
    alike = map_similarity(heatmap(found), before).rank
    assert "Before training" in strip and f"(rank correlation {alike:.2f})".replace("-", "−") in words(app)
    assert "checks below" in words(app)


def test_a_class_can_be_held_against_it(trained_run: str) -> None:
    app = opened(run=trained_run, methods="saliency")
    model, image, target = question(trained_run)
    other = (target + 1) % 10
    app.selectbox(key=f"trust_versus_{trained_run}_{target}").set_value(other)
    settled(app.run())
    values = heatmap(attribute(model, image, target, "saliency", versus=other))
    curve = removal_curve(model, image, values, target, versus=other)
    moved = shifted_removal(model, image, values, target, versus=other).areas
    assert f"Area **{curve.area:.2f}**" in words(app) and f"random places: {moved.mean():.2f}" in words(app)
    assert metrics(app)[f"Probability of “{target}” and not “{other}”"] == share(curve.at(0.1))
    foreseen = infidelity(model, image, values, target, versus=other)
    assert metrics(app)["Not foreseen"] == f"{foreseen.share:.0%}"
    steady = sensitivity(model, image, target, partial(attribute, method="saliency", versus=other))
    assert metrics(app)["Moves at most"] == f"{steady.value:.0%}"


def test_without_epochs_the_untrained_copy_is_a_fresh_one(make_run: Callable[..., str]) -> None:
    app = opened(run=make_run())
    strip = next(element.proto.body for element in app.get("html") if "<figure" in element.proto.body)
    assert "Untrained copy" in strip and "Before training" not in strip


def test_it_says_what_the_map_promises_and_by_how_much_it_falls_short(trained_run: str) -> None:
    app = opened(run=trained_run, methods="lrp")
    model, image, target = question(trained_run)
    gap = attribute(model, image, target, "lrp").gap
    assert gap is not None and gap.shortfall
    assert gap.promise.words in words(app) and escape_markdown(gap.shortfall) in words(app)


def test_a_method_without_a_promise_has_no_gap(trained_run: str) -> None:
    app = opened(run=trained_run)
    app.selectbox(key="trust_method").set_value("smooth_grad")
    settled(app.run())
    assert "does not promise what its values sum to" in words(app)
    assert not any(name.startswith("Missing") for name in metrics(app))


def test_a_blank_map_is_not_checked(make_run: Callable[..., str]) -> None:
    app = opened(run=make_run(change=torch.zeros_like))
    assert ["blank map" in info.value for info in app.info] == [True]
    assert not app.get("vega_lite_chart") and not app.error


def test_a_method_that_does_not_fit_says_why(make_run: Callable[..., str]) -> None:
    app = opened(run=make_run(layers=(Flatten(), Dense(10))))
    app.selectbox(key="trust_method").set_value("grad_cam")
    settled(app.run())
    assert ["convolution" in info.value for info in app.info] == [True]
    assert not app.get("vega_lite_chart")


def test_a_picture_of_one_colour_gets_a_sentence_where_nothing_can_be_removed(trained_run: str) -> None:
    app = opened(one_colour, run=trained_run)
    app.segmented_control(key="trust_fill").set_value("blur")
    settled(app.run())
    sentences = {error.value for error in app.error}
    assert len(sentences) == 1 and "one colour" in sentences.pop()
    assert "Maximum sensitivity" in words(app)  # what can be checked still is


def test_what_costs_much_waits_for_a_click(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_request, "SECONDS_IN_FOREGROUND", 0)
    monkeypatch.setattr(trust_request, "SECONDS_WITHOUT_PRESS", 0)
    app = opened(run=trained_run, methods="integrated_gradients")
    assert [button.key for button in app.button if button.key.startswith("ask_")] == ["ask_trust_map"]
    settled(app.button(key="ask_trust_map").click().run())
    asks = [button.key for button in app.button if button.key.startswith("ask_")]
    assert asks == ["ask_trust_chance", "ask_trust_checks"]
    assert "about" in app.button(key="ask_trust_checks").label
    assert len(metrics(app)) == 1
    settled(app.button(key="ask_trust_checks").click().run())
    assert len(metrics(app)) == 4
    settled(app.button(key="ask_trust_chance").click().run())
    assert "Random pixels:" in words(app)


def test_of_two_networks_the_first_is_checked_and_it_says_so(trained_run: str) -> None:
    app = opened(run=trained_run, other=trained_run, other_epoch="0")
    assert "The checks are about network A." in words(app)


def test_without_known_objects_there_is_no_league(trained_run: str) -> None:
    assert "League table" not in words(opened(run=trained_run))


def test_the_league_asks_the_chosen_methods_about_test_images(
    make_run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DATASETS, "shapes", replace(DATASETS["shapes"], split_sizes=(60, 20, 60)))
    run_id = make_run("shapes")
    app = opened(run=run_id, methods="saliency,grad_cam")
    assert "2 methods" in app.button(key="ask_trust_league").label
    settled(app.button(key="ask_trust_league").click().run())
    shapes, model = load_dataset("shapes"), RunStore().load_model(run_id)
    assert shapes.test.masks is not None
    explains = {name: partial(attribute, method=name) for name in ("saliency", "grad_cam")}
    images = shapes.normalize(shapes.test.images[:50])
    expected = score_methods(model, images, shapes.test.masks[:50], shapes.test.labels[:50], explains)
    table = app.dataframe[0].value
    assert list(table["Map"][-2:]) == ["Random map", "Centre of the picture"]
    rows = (*expected.standings, expected.random, expected.centre)
    assert [text.split("%")[0] for text in table["Pointing game"]] == [f"{100 * row.hits.value:.0f}" for row in rows]
    assert np.array_equal(table["Blank maps"], [row.blank for row in rows])
    assert "The first 50 test images" in words(app)
    app.segmented_control(key="trust_league_count").set_value("100")
    assert settled(app.run()).button(key="ask_trust_league").label
    settled(app.button(key="ask_trust_league").click().run())
    assert "The first 60 test images" in words(app)  # there are no more


@pytest.mark.parametrize(("run", "sentence"), [("damaged_run", "damaged"), ("weightless_run", "no weights yet")])
def test_a_network_that_cannot_be_loaded_gets_one_sentence(
    run: str, sentence: str, request: pytest.FixtureRequest
) -> None:
    app = opened(run=request.getfixturevalue(run))
    assert [sentence in error.value for error in app.error] == [True]
