"""Units: the order of filters, the dead ones, the images that excite one, and the picture it prefers."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from core.data.datasets import Dataset, load_dataset
from core.errors import DataError, RunError
from core.formatting import number
from core.inference.sources import RunNetwork
from core.model.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool
from core.model.readout import readout_layer
from core.model.spec import ModelSpec
from core.probe.activation_maximization import preferred_input
from core.probe.activations import capture_activations
from core.probe.receptive_fields import receptive_field
from core.probe.unit_windows import field_of, inside
from core.probe.units import contributions, effective_field, top_images
from core.runs.checkpoint import load_checkpoint, save_checkpoint
from core.runs.store import RunStore
from pages.sections.filters.filter_order import signed
from pages.shared.network.current_network import library
from pages.shared.shell.navigation import path

Sheets = Callable[[AppTest], dict[str, Any]]


def opened(run_id: str, **remembered: Any) -> AppTest:
    app = AppTest.from_file(path("filters"), default_timeout=60)
    app.query_params["run"] = run_id
    for name, value in remembered.items():
        app.session_state[name] = value
    return ran(app)


def excited(run_id: str, tile: int = 0, **remembered: Any) -> AppTest:
    """Open the page and its panel on what excites a filter of the first convolution."""
    chosen = {"selection": [tile, 1, 1]}
    return opened(run_id, **{f"excites_{run_id}": True, f"filters_{run_id}_conv1_number": chosen, **remembered})


def ran(changed: Any) -> AppTest:
    app: AppTest = changed.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.subheader, *app.info))


def cards(app: AppTest) -> list[str]:
    (found,) = (element.proto.body for element in app.get("html") if "cs-cards" in element.proto.body)
    return [html.unescape(part) for part in found.split("<li>")[1:]]


@pytest.fixture
def digits() -> Dataset:
    return load_dataset("digits")


def change(run_id: str, name: str, index: int, value: float) -> None:
    """Set one row of a tensor of the latest weights."""
    place = RunStore().checkpoint(run_id)
    checkpoint = load_checkpoint(place)
    state = {key: tensor.clone() for key, tensor in checkpoint.weights.items()}
    state[name][index] = value
    save_checkpoint(place, replace(checkpoint, weights=state))


def test_filters_stand_by_what_they_add_to_the_answer(trained_run: str, sheets: Sheets, digits: Dataset) -> None:
    app = opened(trained_run, filter_order="contribution")
    model, image = RunStore().load_model(trained_run), digits.normalize(digits.test.images[:1])
    target = int(model(image).argmax())
    added = contributions(model, image[0], "relu1", target).numpy()
    order = np.argsort(-added, kind="stable")
    labels = sheets(app)["Filters of conv1"].data["labels"]
    assert [re.match(r"filter (\d+), adds", label)[1] for label in labels] == [str(index) for index in order]
    assert f"adds +{number(added.max())}" in labels[0]
    assert f"for **“{digits.class_names[target]}”**" in texts(app)
    assert "after relu1" in texts(app)
    assert f"Filter {order[0]} of conv1" in texts(app)


def test_another_picture_gives_another_order(trained_run: str, sheets: Sheets) -> None:
    app = opened(trained_run, filter_order="contribution")
    first = sheets(app)["Filters of conv1"].data["labels"]
    app = ran(app.number_input(key="image_digits").set_value(7))
    assert "Test image 7" in texts(app)
    assert sheets(app)["Filters of conv1"].data["labels"] != first


def test_moments_side_by_side_keep_the_order_and_have_numbers_of_their_own(
    trained_run: str, sheets: Sheets, digits: Dataset
) -> None:
    app = AppTest.from_file(path("filters"), default_timeout=60)
    app.query_params.update({"run": trained_run, "other": trained_run, "other_epoch": "0"})
    app.session_state["filter_order"] = "contribution"
    shown = sheets(ran(app))
    first, other = (shown[label].data["labels"] for label in ("Filters of conv1", "Filters of conv1, B"))
    assert [label.split(",")[0] for label in first] == [label.split(",")[0] for label in other]
    model, image = RunStore().load_model(trained_run, 0), digits.normalize(digits.test.images[:1])
    added = contributions(model, image[0], "relu1", int(model(image).argmax())).numpy()
    index = int(re.match(r"filter (\d+),", other[0])[1])
    assert other[0] == f"filter {index}, adds {signed(added[index])}"


def test_a_network_that_ran_away_is_shown_by_number(trained_run: str, sheets: Sheets) -> None:
    change(trained_run, "dense2.weight", 0, 3e38)
    app = opened(trained_run, filter_order="contribution")
    assert len(app.error) == 1 and "scores are not finite" in app.error[0].value
    assert sheets(app)["Filters of conv1"].data["labels"][0] == "filter 0"


def test_a_filter_that_no_image_moves_is_hatched_and_counted(trained_run: str, sheets: Sheets) -> None:
    app = opened(trained_run)
    assert sheets(app)["Filters of conv1"].data["dead"] == [] and "None is dead" in texts(app)
    change(trained_run, "conv1.bias", 3, -1000.0)
    app = opened(trained_run)
    assert sheets(app)["Filters of conv1"].data["dead"] == [3]
    assert "1 of 8 filters is hatched" in texts(app) and "256 training images (after relu1)" in texts(app)


def test_without_training_images_the_weights_tell_the_dead(
    trained_run: str, sheets: Sheets, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(network: object) -> None:
        raise RunError("Gone.")

    change(trained_run, "conv1.weight", 5, 0.0)
    monkeypatch.setattr(RunNetwork, "dataset", gone)
    app = opened(trained_run)
    assert sheets(app)["Filters of conv1"].data["dead"] == [5]
    assert "1 of 8 filters is hatched: practically zero" in texts(app)


def test_a_closed_panel_looks_at_nothing(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.probe.units.top_images", lambda *_, **__: pytest.fail("looked"))
    app = opened(trained_run)
    assert [expander.label.split(":")[0] for expander in app.expander] == ["What excites it", "What if …"]


def test_the_images_that_excite_a_filter_are_the_strongest_of_all(trained_run: str, digits: Dataset) -> None:
    found = top_images(
        RunStore().load_model(trained_run), digits.train.images, "relu1", 9, normalize=digits.normalize, max_images=2000
    )
    shown = cards(excited(trained_run, 4))
    assert [int(re.search(r"Training image (\d+)", card)[1]) for card in shown] == found.indices[4].tolist()
    assert [re.search(r"<span>(.*)</span>", card)[1] for card in shown] == [number(each) for each in found.values[4]]
    classes = [digits.class_names[digits.train.labels[image]] for image in found.indices[4]]
    assert [re.search(r"<b>(.*)</b>", card)[1] for card in shown] == classes
    box = receptive_field(RunStore().get(trained_run).spec, "conv1", int(found.rows[4, 0]), int(found.cols[4, 0]))
    assert f"rows {box[0]} to {box[2] - 1}, columns {box[1]} to {box[3] - 1}" in shown[0]


def test_one_pass_serves_all_filters_of_a_layer(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[str] = []

    def counted(model: Any, images: Any, layer: str, *args: Any, **options: Any) -> Any:
        passes.append(layer)
        return top_images(model, images, layer, *args, **options)

    monkeypatch.setattr("core.probe.units.top_images", counted)
    first, other = cards(excited(trained_run, 0)), cards(excited(trained_run, 2))
    assert passes == ["relu1"]
    assert first != other


def test_a_dead_filter_has_nothing_that_excites_it(trained_run: str) -> None:
    change(trained_run, "conv1.bias", 3, -1000.0)
    app = excited(trained_run, 3)
    assert "moves it: its answer is 0 to all of them" in app.info[0].value


def test_the_preferred_input_comes_when_asked_for_and_says_how_it_is_answered(
    trained_run: str, digits: Dataset
) -> None:
    app = excited(trained_run, 1)
    assert "Its strongest answer to this picture" not in texts(app)
    app = ran(app.button(key=f"ask_preferred_{trained_run}").click())
    model = RunStore().load_model(trained_run)
    image = preferred_input(model, "relu1", 1, shape=(1, 8, 8), mean=digits.mean, std=digits.std)
    answer = float(capture_activations(model, image[None], ["relu1"])["relu1"][0, 1].max())
    assert f"Its strongest answer to this picture is **{number(answer)}**" in texts(app)


def test_images_of_another_shape_are_refused_in_a_sentence(trained_run: str) -> None:
    run = RunStore().get(trained_run)
    with pytest.raises(DataError, match="has other images or classes than this network: choose another run"):
        library().of_run(replace(run, spec=replace(run.spec, input_shape=(1, 16, 16)))).dataset()


def test_answers_are_read_at_the_activation_or_at_the_convolution_itself() -> None:
    layers = (Conv(4), BatchNorm(), Activation(), Conv(4), MaxPool(), Activation(), Conv(4), Dropout(), Flatten())
    spec = ModelSpec("Any", (1, 8, 8), 10, (*layers, Dense(10)))
    assert readout_layer(spec, "conv1") == spec.layer_names[2]
    assert readout_layer(spec, "conv2") == "conv2"
    assert readout_layer(spec, "conv3") == "conv3"
    assert readout_layer(spec, "block.conv1") == "block.relu1"
    assert readout_layer(spec, "block.conv2") == "block.conv2"


def test_a_window_inside_the_picture_is_the_receptive_field(trained_run: str) -> None:
    spec = RunStore().get(trained_run).spec
    for layer, side in (("conv1", 8), ("relu1", 8), ("residual1", 4)):
        window = field_of(spec, layer)
        for row in range(side):
            for col in range(side):
                assert inside(window.at(row, col), (8, 8)) == receptive_field(spec, layer, row, col)


@pytest.mark.parametrize("layer", ["residual1.conv1", "residual1.relu1", "residual1.conv2"])
def test_a_window_inside_a_block_holds_all_that_gradients_reach(layer: str, trained_run: str) -> None:
    spec, model = RunStore().get(trained_run).spec, RunStore().load_model(trained_run)
    torch.manual_seed(0)
    reached = sum(effective_field(model, torch.randn(1, 8, 8), layer, unit, 2, 2) for unit in range(8))
    rows, columns = (reached.any(dim=axis).nonzero().flatten().tolist() for axis in (1, 0))
    top, left, bottom, right = inside(field_of(spec, layer).at(2, 2), (8, 8))
    assert top <= min(rows) and max(rows) < bottom and left <= min(columns) and max(columns) < right
    assert bottom - top <= max(rows) - min(rows) + 3  # and hardly more
