"""Filters: what is shown are the weights of the network, in colours and in numbers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from core.figures.grids import filters_as_rgb
from core.figures.scales import ColorScale
from core.formatting import number
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.sections.filters import filter_order
from pages.shared.shell.navigation import path

Sheets = Callable[[AppTest], dict[str, Any]]


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(path("filters"), default_timeout=60)
    app.query_params.update(query)
    return ran(app)


def ran(changed: Any) -> AppTest:
    """Run a page, or that of a widget whose value was set."""
    app: AppTest = changed.run()
    assert not app.exception
    return app


def weights(run_id: str, layer: str, epoch: int | None = None) -> np.ndarray:
    return RunStore().load_model(run_id, epoch).get_submodule(layer).weight.detach().numpy()


def colours(values: np.ndarray, all_weights: np.ndarray) -> np.ndarray:
    return ColorScale.of(all_weights, percentile=99, signed=True).rgb(values)


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.subheader))


def change_latest(run_id: str, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Save the latest weights of a run again, changed."""
    place = RunStore().checkpoint(run_id)
    checkpoint = load_checkpoint(place)
    state = {name: tensor.clone() for name, tensor in checkpoint.weights.items()}
    change(state)
    save_checkpoint(place, replace(checkpoint, weights=state))


def test_without_a_network_the_way_to_one_is_offered() -> None:
    app = opened()
    assert [button.label for button in app.button] == ["Go to Train"]


@pytest.mark.parametrize("run", ["0123456789", "../../etc", ""])
def test_an_unknown_run_gets_a_sentence_at_most(run: str, trained_run: str) -> None:
    app = opened(run=run)
    assert bool(run) == ("There is no such run" in texts(app))


def test_a_run_without_weights_gets_a_sentence(weightless_run: str) -> None:
    app = opened(run=weightless_run)
    assert [error.value for error in app.error] == [
        "This run has no weights yet: let it train, or choose another epoch."
    ]
    assert app.selectbox(key="pick_run").value == weightless_run


def test_a_damaged_checkpoint_gets_a_sentence_and_other_networks_stay_in_reach(damaged_run: str) -> None:
    app = opened(run=damaged_run)
    assert [error.value for error in app.error] == [
        "The checkpoint latest.safetensors is missing or damaged: choose another epoch, or train again."
    ]
    assert app.selectbox(key="pick_run").value == damaged_run
    assert [element.proto.component_name for element in app.get("bidi_component")] == ["epoch_play"]


def test_every_tile_is_a_filter_in_the_colours_of_one_scale(trained_run: str, sheets: Sheets) -> None:
    app = opened(run=trained_run)
    conv1 = weights(trained_run, "conv1")
    sheet = sheets(app)["Filters of conv1"]
    assert sheet.data["labels"] == [f"filter {index}" for index in range(8)]
    assert np.array_equal(sheet.tiles, colours(conv1[:, 0], conv1))
    assert sheet.data["dead"] == []
    high = ColorScale.of(conv1, percentile=99, signed=True).high
    assert f"full colour is {number(high)} or more either way" in texts(app)


def test_a_click_shows_strength_bias_and_numbers_of_that_filter(trained_run: str, sheets: Sheets) -> None:
    app = AppTest.from_file(path("filters"), default_timeout=60)
    app.query_params["run"] = trained_run
    app.session_state[f"filters_{trained_run}_conv1_number"] = {"selection": [3, 0, 2]}
    ran(app)
    module = RunStore().load_model(trained_run).get_submodule("conv1")
    assert "Filter 3 of conv1" in texts(app)
    assert f"row 0, column 2: **{number(module.weight[3, 0, 0, 2].item())}**" in texts(app)
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Strength"] == number(module.weight[3].norm().item())
    assert values["Bias"] == number(module.bias[3].item())
    rank = 1 + int((module.weight.flatten(1).norm(dim=1) > module.weight[3].norm()).sum())
    assert values["Rank by strength"] == f"{rank} of 8"
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.parametrize("epoch", [0, 1])
def test_an_epoch_shows_its_weights_in_the_colours_of_the_latest(epoch: int, trained_run: str, sheets: Sheets) -> None:
    app = opened(run=trained_run)
    ran(app.select_slider(key="pick_epoch").set_value(epoch))
    now, then = weights(trained_run, "conv1"), weights(trained_run, "conv1", epoch)
    assert not np.array_equal(now, then)
    assert np.array_equal(sheets(app)["Filters of conv1"].tiles, colours(then[:, 0], now))
    assert ("random numbers" in texts(app)) == (epoch == 0)
    assert {metric.label: metric.value for metric in app.metric}["Strength"] == number(float(np.linalg.norm(then[0])))


def test_an_epoch_is_shown_though_the_latest_weights_are_damaged(trained_run: str, sheets: Sheets) -> None:
    RunStore().checkpoint(trained_run).write_bytes(b"weights")
    app = opened(run=trained_run, epoch="1")
    then = weights(trained_run, "conv1", 1)
    assert not app.error
    assert np.array_equal(sheets(app)["Filters of conv1"].tiles, colours(then[:, 0], then))


def test_strongest_first_sorts_by_the_norm(trained_run: str, sheets: Sheets) -> None:
    app = opened(run=trained_run)
    ran(app.segmented_control(key="filter_order").set_value("strength"))
    norms = np.linalg.norm(weights(trained_run, "conv1").reshape(8, -1), axis=1)
    order = [f"filter {index}" for index in np.argsort(-norms)]
    assert sheets(app)["Filters of conv1"].data["labels"] == order
    assert f"{order[0].capitalize()} of conv1" in texts(app)


@pytest.mark.parametrize("view", [-2, -3, 5])
def test_convolutions_inside_a_block_show_one_kernel_of_each_filter(
    view: int, trained_run: str, sheets: Sheets
) -> None:
    app = opened(run=trained_run, layer="residual1.conv1")
    ran(app.selectbox(key=f"view_{trained_run}_residual1.conv1").set_value(view))
    conv = weights(trained_run, "residual1.conv1")
    strongest = np.linalg.norm(conv, axis=(2, 3)).argmax(axis=1)
    values = {-2: conv[np.arange(8), strongest], -3: conv.mean(axis=1), 5: conv[:, 5]}[view]
    shown = sheets(app)
    assert np.array_equal(
        shown["Filters of residual1.conv1"].tiles, colours(values, conv.mean(axis=1) if view == -3 else conv)
    )
    assert np.array_equal(shown["Kernels of filter 0"].tiles, colours(conv[0], conv))
    assert shown["Kernels of filter 0"].data["selected"][0] == (5 if view == 5 else strongest[0])
    assert {metric.label: metric.value for metric in app.metric}["Bias"] == "none"


def test_a_first_layer_over_colours_is_shown_in_colours_or_by_channel(
    home: Any, sheets: Sheets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        filter_order, "_unmoved", lambda *_: ({"conv1": set()}, 0)
    )  # its pictures would have to be drawn first
    spec = ModelSpec("Colours", (3, 32, 32), 10, (Conv(4), Conv(3), Flatten(), Dense(10)))
    store = RunStore()
    run_id = store.create(spec, TrainConfig(epochs=1), "shapes", owner="tests")
    save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(spec).state_dict()))
    app = opened(run=run_id)
    conv = weights(run_id, "conv1")
    assert np.array_equal(sheets(app)["Filters of conv1"].tiles, filters_as_rgb(conv))
    ran(app.selectbox(key=f"view_{run_id}_conv1").set_value(2))
    assert np.array_equal(sheets(app)["Filters of conv1"].tiles, colours(conv[:, 2], conv))
    assert "its kernel for blue" in texts(app)


def test_filters_of_zero_are_marked_and_counted(trained_run: str, sheets: Sheets) -> None:
    change_latest(trained_run, lambda state: state["conv1.weight"].index_fill_(0, torch.tensor([1, 6]), 0))
    app = opened(run=trained_run)
    assert sheets(app)["Filters of conv1"].data["dead"] == [1, 6]
    assert "2 of 8 filters are hatched" in texts(app)


def test_a_network_without_convolutions_says_so(home: Any) -> None:
    spec = ModelSpec("Flat", (1, 8, 8), 10, (Flatten(), Dense(10)))
    store = RunStore()
    run_id = store.create(spec, TrainConfig(epochs=1), "digits", owner="tests")
    save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(spec).state_dict()))
    app = opened(run=run_id)
    assert "no convolution" in app.info[0].value
