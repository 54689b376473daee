"""The time machine: one slider moves every page to a checkpoint, and the address carries it along."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

import core.explain.attribution
from core.data.datasets import load_dataset
from core.inference.prediction import predict
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
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


def probabilities(run_id: str, epoch: int | None, inputs: str = "standard") -> np.ndarray:
    """Ask the network of an epoch about the first test image, without any page."""
    digits = load_dataset("digits").scaled(inputs)
    return predict(RunStore().load_model(run_id, epoch), digits.normalize(digits.test.images[:1]))[0].numpy()


def answers(app: AppTest) -> dict[int, str]:
    """Return what the bars say, by class."""
    bars = [button for button in app.button if button.key and button.key.startswith("class_")]
    return {int(bar.key.removeprefix("class_")): bar.label.rpartition("[")[2].rstrip("]") for bar in bars}


def share(probability: float) -> str:
    if not 0.001 <= probability <= 0.999:
        return "< 0.1%" if probability < 0.5 else "> 99.9%"
    return f"{probability:.1%}"


@pytest.fixture
def second_run(trained_run: str) -> str:
    """Return the id of another network, with nothing but its latest weights."""
    store = RunStore()
    spec = ModelSpec("Other network", (1, 8, 8), 10, (Conv(4), Flatten(), Dense(10)))
    run_id = store.create(spec, TrainConfig(epochs=1), "digits", "Other", owner="tests")
    save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(spec).state_dict()))
    store.change(run_id, step=1, status=Status.STOPPED.value)
    store.close()
    return run_id


def test_the_slider_runs_from_untrained_to_latest_with_the_accuracy_of_each_epoch(trained_run: str) -> None:
    scores = [metric.valid_accuracy for metric in RunStore().metrics(trained_run) if metric.valid_accuracy is not None]
    slider = opened("filters", run=trained_run).select_slider(key="pick_epoch")
    assert slider.options == ["untrained", f"1 · {scores[0]:.1%}", f"2, latest · {scores[1]:.1%}"]
    assert slider.value == LATEST


@pytest.mark.parametrize("page", PAGES)
def test_every_page_moves_with_the_slider_and_links_carry_the_epoch(
    page: str, trained_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    explain = core.explain.attribution.attribute

    def attribute(model: torch.nn.Module, *rest: Any, **options: Any) -> Any:
        asked.append(model)
        return explain(model, *rest, **options)

    monkeypatch.setattr(core.explain.attribution, "attribute", attribute)
    app = opened(page, run=trained_run)
    asked.clear()
    ran(app.select_slider(key="pick_epoch").set_value(1))
    assert app.query_params["epoch"] == "1"
    queries = [link.proto.query_string for link in app.get("page_link")]
    assert all(f"run={trained_run}" in query and "epoch=1" in query for query in queries)
    expected = RunStore().load_model(trained_run, 1).state_dict()
    assert bool(asked) == (page in ("explain", "classify"))
    assert all(torch.equal(value, expected[name]) for model in asked for name, value in model.state_dict().items())

    ran(app.select_slider(key="pick_epoch").set_value(LATEST))
    assert "epoch" not in app.query_params
    assert not any("epoch" in link.proto.query_string for link in app.get("page_link"))


def test_the_answer_is_that_of_the_epoch_in_the_address(trained_run: str) -> None:
    app = opened("explain", run=trained_run)
    seen = set()
    for epoch in (None, 0, 1, 2):
        app.query_params.pop("epoch", None)
        if epoch is not None:
            app.query_params["epoch"] = str(epoch)
        shown, expected = answers(ran(app)), probabilities(trained_run, epoch)
        assert len(shown) >= 5
        assert shown == {index: share(expected[index]) for index in shown}
        assert next(iter(shown)) == expected.argmax()
        seen.add(tuple(shown.items()))
    assert len(seen) == 3  # the latest weights are those of epoch 2


def test_a_picture_is_scaled_as_in_the_training(trained_run: str) -> None:
    store = RunStore()
    app = opened("explain", run=trained_run)
    for inputs in ("unit", "raw", "standard"):
        store.change(trained_run, config=json.dumps({**store.get(trained_run).config, "inputs": inputs}))
        st.cache_data.clear()
        shown, expected = answers(ran(app)), probabilities(trained_run, None, inputs)
        assert shown == {index: share(expected[index]) for index in shown}


def test_an_epoch_that_does_not_exist_gets_one_sentence_and_the_latest_weights(trained_run: str) -> None:
    app = opened("feature_maps", run=trained_run, layer="pool1")
    for epoch in ("3", "-1", "1.0", "x", "", "١", "9" * 5000, "<b>1</b>"):
        app.query_params["epoch"] = epoch
        assert [warning.value for warning in ran(app).warning] == [
            "The address asks for an epoch that this network does not have: these are its latest weights."
        ]
        assert app.select_slider(key="pick_epoch").value == LATEST
        assert app.query_params["layer"] == "pool1"
        assert not app.error
        assert not ran(app).warning


def test_another_network_is_seen_at_its_latest(trained_run: str, second_run: str) -> None:
    app = opened("filters", run=trained_run, epoch="1")
    ran(app.selectbox(key="pick_run").set_value(second_run))
    assert app.query_params["run"] == second_run
    assert "epoch" not in app.query_params
    assert not app.warning


def test_an_epoch_is_forgotten_where_another_page_turned_to_another_run(trained_run: str, home: Any) -> None:
    store = RunStore()
    run = store.get(trained_run)
    twin = store.create(run.spec, TrainConfig(epochs=2), "digits", "Twin", owner="tests")
    shutil.copytree(store.checkpoint(trained_run).parent, store.checkpoint(twin).parent, dirs_exist_ok=True)
    app = opened("filters", run=trained_run, epoch="1")
    app.query_params["run"] = twin
    ran(app)
    assert "epoch" not in app.query_params
    assert app.select_slider(key="pick_epoch").value == LATEST
    app.query_params["epoch"] = "1"
    ran(app)
    assert app.select_slider(key="pick_epoch").value == 1


def test_without_epochs_there_is_no_slider(second_run: str) -> None:
    app = opened("filters", run=second_run)
    assert not app.select_slider
    app = opened("filters", run=second_run, epoch="1")
    assert ["did not keep" in warning.value for warning in app.warning] == [True]
    assert not app.error


@pytest.mark.parametrize("page", PAGES)
def test_a_damaged_epoch_gets_a_sentence_and_the_others_stay_in_reach(page: str, trained_run: str) -> None:
    damaged = RunStore().checkpoint(trained_run, 1)
    damaged.write_bytes(damaged.read_bytes()[:100])
    app = opened(page, run=trained_run, epoch="1")
    assert [error.value for error in app.error] == [
        "The checkpoint epoch-0001.safetensors is missing or damaged: choose another epoch, or train again."
    ]
    ran(app.select_slider(key="pick_epoch").set_value(0))
    assert not app.error


def test_while_a_run_trains_new_epochs_appear_and_latest_stays_latest(trained_run: str) -> None:
    store = RunStore()
    store.change(trained_run, status=Status.RUNNING.value)
    app = opened("filters", run=trained_run)
    assert [option.partition(" ")[0] for option in app.select_slider(key="pick_epoch").options] == [
        "untrained",
        "1",
        "2",
        "latest",
    ]
    shutil.copy(store.checkpoint(trained_run, 2), store.checkpoint(trained_run, 3))
    ran(app.button(key="refresh").click())
    slider = app.select_slider(key="pick_epoch")
    assert slider.options[-2:] == ["3", "latest"]
    assert slider.value == LATEST
    ran(slider.set_value(3))
    assert "new epochs appear on the slider" in " ".join(caption.value for caption in app.caption)
