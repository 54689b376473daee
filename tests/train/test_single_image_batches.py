"""Batch normalisation over single numbers: the last image of an epoch joins its neighbours, or is told before Start."""

from dataclasses import replace

import pytest
import torch
from streamlit.testing.v1 import AppTest

from core.data.datasets import load_dataset
from core.errors import ConfigError
from core.model.build import build_model
from core.model.layers import Activation, BatchNorm, Conv, Dense, Flatten, GlobalAvgPool, Layer, MaxPool, Residual
from core.model.presets import PRESETS, preset
from core.model.shapes import fewest_images
from core.model.spec import ModelSpec
from core.runs.records import Status
from core.runs.store import RunStore
from core.train import feed
from core.train.config import TrainConfig
from core.train.loop import Training, train
from core.train.runner import Runner
from pages.shared.shell import navigation, session

FAULT = (Conv(4), Activation(), Flatten(), Dense(16), BatchNorm(), Activation(), Dense(10))
SINGLE: dict[str, tuple[Layer, ...]] = {
    "dense": FAULT,
    "pooled": (Conv(4), GlobalAvgPool(), BatchNorm(), Dense(10)),
    "one pixel": (MaxPool(kernel_size=8, stride=8), BatchNorm(), Flatten(), Dense(10)),
    "block": (MaxPool(kernel_size=4, stride=4), Residual(4, stride=2), Flatten(), Dense(10)),
}
MAPS: dict[str, tuple[Layer, ...]] = {
    "maps": (Conv(4), BatchNorm(), Flatten(), Dense(10)),
    "none": (Flatten(), Dense(10)),
    "block of maps": (Residual(4), Flatten(), Dense(10)),
}
CONFIG = TrainConfig(epochs=2, batch_size=64, train_images=321, precision="fp32", device="cpu")


def spec(layers: tuple[Layer, ...]) -> ModelSpec:
    return ModelSpec("Small", (1, 8, 8), 10, layers)


def training(layers: tuple[Layer, ...], **changes: object) -> Training:
    config = replace(CONFIG, **changes)
    return Training(build_model(spec(layers)), load_dataset("digits", limit=config.train_images), config)


@pytest.mark.parametrize("name", SINGLE)
def test_a_single_last_image_joins_its_neighbours(name: str) -> None:
    steps = list(training(SINGLE[name]))
    assert [step.epoch for step in steps] == [1] * 5 + [2] * 5  # 64, 64, 64, 64 and 65 images


@pytest.mark.parametrize("name", MAPS)
def test_networks_that_could_always_be_trained_take_the_steps_they_took(name: str) -> None:
    assert training(MAPS[name]).steps_per_epoch == 6
    assert len(list(training(MAPS[name], epochs=1))) == 6


@pytest.mark.parametrize("count", range(1, 14))
@pytest.mark.parametrize("fewest", [1, 2])
def test_batches_hold_every_image_once(count: int, fewest: int) -> None:
    order = torch.randperm(count, generator=torch.Generator().manual_seed(1))
    parts = feed.batches(order, 4, fewest)
    assert torch.equal(torch.cat(parts), order)
    assert all(4 <= len(part) <= 5 for part in parts[:-1])
    assert count == 1 or len(parts[-1]) >= fewest


@pytest.mark.parametrize("rest", range(4))
@pytest.mark.parametrize("name", ["dense", "maps"])
def test_as_many_steps_are_planned_as_are_taken(name: str, rest: int) -> None:
    layers = (SINGLE | MAPS)[name]
    run = training(layers, epochs=1, batch_size=4, train_images=16 + rest)
    assert run.total_steps == len(list(run)) == 4 + (rest > (name == "dense"))


def test_descent_on_the_whole_set_meets_no_single_image_either() -> None:
    assert len(list(training(FAULT, optimizer="gd", lr=0.1))) == 2


@pytest.mark.parametrize("layers", [*SINGLE.values(), *MAPS.values()])
def test_plan_and_built_network_agree_on_the_fewest_images(layers: tuple[Layer, ...]) -> None:
    net = build_model(spec(layers)).train()
    statistics = {name: value.clone() for name, value in net.state_dict().items()}
    found = feed.fewest_images(net, torch.zeros(1, 1, 8, 8))
    assert found == fewest_images(spec(layers)) == (2 if layers in SINGLE.values() else 1)
    assert all(module.training for module in net.modules())
    assert all(torch.equal(value, statistics[name]) for name, value in net.state_dict().items())
    assert not any(module._forward_pre_hooks for module in net.modules())


@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("name", PRESETS)
def test_of_every_preset_plan_and_network_agree(name: str, side: int) -> None:
    chosen = preset(name, (1, side, side), 10)
    assert feed.fewest_images(build_model(chosen), torch.zeros(1, 1, side, side)) == fewest_images(chosen)


def test_batches_of_one_are_refused_before_the_start() -> None:
    with pytest.raises(ConfigError, match="choose a batch size of at least 2"):
        list(train(build_model(spec(FAULT)), load_dataset("digits", limit=40), replace(CONFIG, batch_size=1)))
    assert training(MAPS["maps"], batch_size=1, train_images=12, epochs=1).total_steps == 12


def test_the_page_says_so_and_its_button_waits() -> None:
    def opened(batch_size: int) -> AppTest:
        app = AppTest.from_file(navigation.path("train"), default_timeout=60)
        app.session_state["draft"] = session.Draft("digits", spec(FAULT))
        app.session_state["config"] = TrainConfig(batch_size=batch_size)
        return app.run()

    app = opened(1)
    assert ["choose a batch size of at least 2" in error.value for error in app.error] == [True]
    assert next(button for button in app.button if button.label == "Start training").disabled
    assert not opened(2).error


def test_stopped_before_the_last_batch_it_resumes_to_its_end() -> None:
    store = RunStore()
    run_id = store.create(spec(FAULT), CONFIG, "digits", owner="tests")
    seen: list[int] = []
    leave = Runner(store, run_id, "tests", leaving=lambda: 4 in seen, on_step=lambda _, step: seen.append(step.step))
    assert leave.run() is Status.INTERRUPTED
    store.request(run_id, "resume")
    assert store.worker.claim("tests", 1) == run_id
    assert Runner(store, run_id, "tests").run() is Status.FINISHED
    expected = [step.train_loss for step in training(FAULT)]
    assert [metric.train_loss for metric in store.metrics(run_id)] == expected
    store.close()
