"""Feature maps: what is shown is what each layer puts out, in colours, in numbers and in place."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from core.data.datasets import load_dataset
from core.figures.scales import ColorScale
from core.formatting import number
from core.model.build import build_model
from core.model.layers import Conv, Dense, GlobalAvgPool
from core.model.spec import ModelSpec
from core.probe.receptive_fields import receptive_field
from core.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.shared.shell.navigation import path
from tests.pages.conftest import at_layer, offered_layers

Sheets = Callable[[AppTest], dict[str, Any]]


def opened(session: dict[str, Any] | None = None, **query: str) -> AppTest:
    app = AppTest.from_file(path("feature_maps"), default_timeout=60)
    app.query_params.update(query)
    for key, value in (session or {}).items():
        app.session_state[key] = value
    return ran(app)


def ran(changed: Any) -> AppTest:
    """Run a page, or that of a widget whose value was set."""
    app: AppTest = changed.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.subheader))


def outputs(run_id: str, index: int = 0, epoch: int | None = None) -> dict[str, np.ndarray]:
    """Pass a test image through the network, child after child."""
    dataset = load_dataset("digits")
    made = {"input": dataset.normalize(dataset.test.images[index : index + 1])}
    with torch.no_grad():
        for name, child in RunStore().load_model(run_id, epoch).named_children():
            made[name] = child(list(made.values())[-1])
    return {name: values[0].numpy() for name, values in made.items()}


def figures(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def frames(figure: dict[str, Any]) -> set[tuple[float, ...]]:
    """Return the framed parts of an enlarged map as (top, left, bottom, right)."""
    shapes = figure["layout"]["shapes"]
    return {tuple(shape[key] + 0.5 for key in ("y0", "x0", "y1", "x1")) for shape in shapes}


def change_latest(run_id: str, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Save the latest weights of a run again, changed."""
    place = RunStore().checkpoint(run_id)
    checkpoint = load_checkpoint(place)
    state = {name: tensor.clone() for name, tensor in checkpoint.weights.items()}
    change(state)
    save_checkpoint(place, replace(checkpoint, weights=state))


def test_without_a_network_the_way_to_one_is_offered() -> None:
    assert [button.label for button in opened().button] == ["Go to Train"]


def test_an_unknown_run_gets_a_sentence(trained_run: str) -> None:
    assert "There is no such run" in texts(opened(run="0123456789"))


def test_a_run_without_weights_gets_a_sentence(weightless_run: str) -> None:
    app = opened(run=weightless_run)
    assert [error.value for error in app.error] == [
        "This run has no weights yet: let it train, or choose another epoch."
    ]
    assert app.segmented_control(key="picture_kind").value == "test"


@pytest.mark.parametrize("damage", [lambda file: file.write_bytes(b"weights"), lambda file: file.unlink()])
def test_a_damaged_or_missing_checkpoint_gets_a_sentence(damage: Callable[[Any], object], trained_run: str) -> None:
    damage(RunStore().checkpoint(trained_run))
    app = opened(run=trained_run)
    assert len(app.error) == 1
    assert re.search("missing or damaged|has no weights", app.error[0].value)
    assert app.selectbox(key="pick_run").value == trained_run


def test_an_unusable_upload_gets_a_sentence_and_the_maps_stay(trained_run: str, sheets: Sheets) -> None:
    app = opened(run=trained_run)
    ran(app.segmented_control(key="picture_kind").set_value("upload"))
    ran(app.file_uploader(key="picture_upload").upload("cat.png", b"not a picture"))
    assert len(app.error) == 1
    assert app.error[0].value.endswith(".")
    assert "Feature maps of conv1" in sheets(app)


def test_every_tile_is_a_map_in_the_colours_of_one_scale(trained_run: str, sheets: Sheets) -> None:
    app = opened(run=trained_run)
    made = outputs(trained_run)
    for layer in ("conv1", "relu1", "pool1", "residual1", "pool2"):
        ran(at_layer(app, layer))
        sheet = sheets(app)[f"Feature maps of {layer}"]
        scale = ColorScale.of(made[layer], percentile=99.5)
        assert sheet.data["labels"] == [f"map {index}" for index in range(8)]
        difference = np.abs(sheet.tiles.astype(int) - scale.rgb(made[layer]))
        assert difference.max() <= 8  # a rounding error away from the next colour
        assert number(scale.high) in texts(app)
    assert app.query_params["layer"] == "pool2"


def test_a_layer_is_chosen_in_the_drawn_network_alone(trained_run: str) -> None:
    app = opened(run=trained_run)
    assert offered_layers(app) == list(RunStore().get(trained_run).spec.layer_names)
    assert not app.pills
    assert f"layer_{trained_run}" not in [box.key for box in app.selectbox]


def test_the_numbers_of_each_map_are_those_that_the_layer_puts_out(trained_run: str) -> None:
    app = opened(run=trained_run, layer="relu1")
    assert not app.dataframe
    app = opened({"map_numbers_0": True}, run=trained_run, layer="relu1")
    maps = outputs(trained_run)["relu1"]
    (table,) = app.dataframe
    assert np.allclose(table.value["Max"], maps.max(axis=(1, 2)), rtol=1e-5)
    assert np.allclose(table.value["Mean"], maps.mean(axis=(1, 2)), rtol=1e-4)
    assert table.value["Zeros"].tolist() == (maps == 0).mean(axis=(1, 2)).tolist()
    assert all(sum(counts) == maps[0].size for counts in table.value["Histogram"])
    assert f"0 to {number(float(maps.max()))}, mean {number(float(maps.mean()))}" in texts(app)


def test_an_epoch_shows_its_own_maps_and_answer_but_the_same_unit(trained_run: str, sheets: Sheets) -> None:
    app = opened(run=trained_run, layer="relu1", epoch="0")
    made, latest = outputs(trained_run, epoch=0), outputs(trained_run)
    expected = ColorScale.of(made["relu1"], percentile=99.5).rgb(made["relu1"])
    assert np.abs(sheets(app)["Feature maps of relu1"].tiles.astype(int) - expected).max() <= 8
    share = np.exp(made["dense2"]).max() / np.exp(made["dense2"]).sum()
    assert f"The network says **{made['dense2'].argmax()}**, {share:.1%} sure." in texts(app)
    tile, row, col = np.unravel_index(latest["relu1"].argmax(), latest["relu1"].shape)
    assert f"Row {row}, column {col}: **{number(float(made['relu1'][tile, row, col]))}**" in texts(app)


def test_the_answer_stands_in_one_line(trained_run: str) -> None:
    app = opened(run=trained_run)
    ran(app.number_input(key="image_digits").set_value(3))
    logits = outputs(trained_run, 3)["dense2"]
    share = np.exp(logits).max() / np.exp(logits).sum()
    assert f"The network says **{logits.argmax()}**, {share:.1%} sure." in texts(app)


def test_the_strongest_unit_is_shown_until_one_is_clicked(trained_run: str) -> None:
    maps = outputs(trained_run)["relu1"]
    tile, row, col = np.unravel_index(maps.argmax(), maps.shape)
    app = opened(run=trained_run, layer="relu1")
    assert f"Map {tile} of relu1" in texts(app)
    assert f"Row {row}, column {col}: **{number(float(maps.max()))}**" in texts(app)

    app = opened({f"maps_{trained_run}_relu1": {"selection": [2, 7, 1]}}, run=trained_run, layer="relu1")
    assert "Map 2 of relu1" in texts(app)
    assert f"Row 7, column 1: **{number(float(maps[2, 7, 1]))}**" in texts(app)
    (figure,) = figures(app)
    assert frames(figure) == {(7, 1, 8, 2)}
    top, left, bottom, right = receptive_field(RunStore().get(trained_run).spec, "relu1", 7, 1)
    assert (top, left, bottom, right) == (6, 0, 8, 3)
    assert "2 × 3 pixels: rows 6 to 7, columns 0 to 2." in texts(app)


def test_max_pooling_shows_its_window_and_the_number_that_won(trained_run: str) -> None:
    app = opened({f"maps_{trained_run}_pool1": {"selection": [4, 1, 2]}}, run=trained_run, layer="pool1")
    made = outputs(trained_run)
    window = made["relu1"][4, 2:4, 4:6]
    numbers = ", ".join(number(float(value)) for value in window.flat)
    row, col = divmod(int(window.argmax()), 2)
    won = f"max({numbers}) = **{number(float(made['pool1'][4, 1, 2]))}**, from row {2 + row}, column {4 + col}."
    assert won in texts(app)
    before, after = figures(app)
    assert frames(before) == {(2, 4, 4, 6)}
    assert frames(after) == {(1, 2, 2, 3)}
    assert before["data"][0]["zmax"] == after["data"][0]["zmax"]


def test_average_pooling_shows_the_sum_behind_the_mean(trained_run: str) -> None:
    app = opened({f"maps_{trained_run}_pool2": {"selection": [0, 0, 1]}}, run=trained_run, layer="pool2")
    made = outputs(trained_run)
    numbers = " + ".join(number(float(value)) for value in made["residual1"][0, 0:2, 2:4].flat)
    assert f"({numbers}) / 4 = **{number(float(made['pool2'][0, 0, 1]))}**" in texts(app)


def test_a_flat_layer_is_a_strip_whose_numbers_know_where_they_come_from(trained_run: str, sheets: Sheets) -> None:
    app = opened({f"numbers_{trained_run}_flatten1": {"selection": [0, 0, 22]}}, run=trained_run, layer="flatten1")
    flat = outputs(trained_run)["flatten1"]
    sheet = sheets(app)["Numbers of flatten1"]
    assert sheet.tiles.shape == (1, 1, 32, 3)
    assert np.array_equal(sheet.tiles[0, 0], ColorScale.of(flat, percentile=99.5).rgb(flat))
    assert f"**{number(float(flat[22]))}**, taken from row 1, column 0 of map 5 of pool2." in texts(app)


def test_the_last_layer_names_the_classes(trained_run: str) -> None:
    app = opened(run=trained_run, layer="dense2")
    (figure,) = figures(app)
    dataset = load_dataset("digits")
    true = int(dataset.test.labels[0])
    names = [f"{name} (true)" if index == true else name for index, name in enumerate(dataset.class_names)]
    assert figure["layout"]["yaxis"]["ticktext"] == names
    logits = outputs(trained_run)["dense2"]
    assert [bar.replace("−", "-") for bar in figure["data"][0]["text"]] == [
        number(float(value)).replace("−", "-") for value in logits
    ]


def test_a_hidden_dense_layer_is_made_from_all_numbers_before_it(trained_run: str) -> None:
    app = opened(run=trained_run, layer="dense1")
    assert "made from 32 numbers of flatten1." in texts(app)
    assert "The whole picture." in texts(app)


def test_global_pooling_shows_the_map_behind_each_number(home: Any) -> None:
    spec = ModelSpec("Global", (1, 8, 8), 10, (Conv(12), GlobalAvgPool(), Dense(10)))
    store = RunStore()
    run_id = store.create(spec, TrainConfig(epochs=1), "digits", owner="tests")
    save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(spec).state_dict()))
    app = opened({f"numbers_{run_id}_gap1": {"selection": [0, 0, 7]}}, run=run_id, layer="gap1")
    mean = number(float(outputs(run_id)["conv1"][7].mean()))
    assert f"**{mean}**, the mean of the 8 × 8 numbers of map 7 of conv1." in texts(app)


def test_maps_of_zero_are_marked_and_counted(trained_run: str, sheets: Sheets) -> None:
    change_latest(trained_run, lambda state: state["conv1.bias"].index_fill_(0, torch.tensor([2]), -1000))
    app = opened(run=trained_run, layer="relu1")
    assert sheets(app)["Feature maps of relu1"].data["dead"] == [2]
    assert "1 of 8 maps is hatched" in texts(app)


def test_new_weights_are_seen_at_once_while_a_run_trains(trained_run: str, sheets: Sheets) -> None:
    RunStore().change(trained_run, status=Status.RUNNING.value)
    app = opened(run=trained_run)
    assert "Still in training: these are the weights of about step 20." in texts(app)
    before = sheets(app)["Feature maps of conv1"]
    change_latest(trained_run, lambda state: state["conv1.weight"].neg_())
    ran(app.button(key="refresh").click())
    after = sheets(app)["Feature maps of conv1"]
    assert not np.array_equal(before.tiles, after.tiles)


def test_a_layer_that_the_network_lacks_is_no_error(trained_run: str, sheets: Sheets) -> None:
    app = opened(run=trained_run, layer="conv99")
    assert not app.error
    assert "Feature maps of conv1" in sheets(app)


def test_one_colour_scale_is_for_the_layer_for_each_map_or_for_the_network(trained_run: str, sheets: Sheets) -> None:
    made = outputs(trained_run)
    layers = {name: values for name, values in made.items() if values.ndim == 3 and name != "input"}
    layer = min(layers, key=lambda name: float(np.abs(layers[name]).max()))
    maps = layers[layer]
    signed = bool((maps < 0).any())
    every = ColorScale.of(np.concatenate([values.ravel() for values in layers.values()]), percentile=99.5)
    expected = {
        "layer": ColorScale.of(maps, percentile=99.5).rgb(maps),
        "unit": np.stack([ColorScale.of(each, percentile=99.5, signed=signed).rgb(each) for each in maps]),
        "network": every.rgb(maps),
    }
    for choice, pixels in expected.items():
        app = opened({"feature_map_scale": choice}, run=trained_run, layer=layer)
        tiles = sheets(app)[f"Feature maps of {layer}"].tiles
        assert np.abs(tiles.astype(int) - pixels).max() <= 8, choice
        assert ("Each map is scaled by itself" in texts(app)) == (choice == "unit")
        assert (f"all layers of the network: full colour is {number(every.high)}" in texts(app)) == (
            choice == "network"
        )
