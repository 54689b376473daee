"""What is recorded of the inside of a network is what torch says of it."""

from dataclasses import replace
from itertools import chain

import pytest
import torch
from torch import nn

from core.data.datasets import load_dataset
from core.model.build import build_model
from core.model.layers import Activation, BatchNorm, Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.internals import dead_share, epoch_due, gauge_gradients, gauge_network, gradient_due, histogram
from core.train.runner import Runner

SPEC = ModelSpec("small", (1, 8, 8), 10, (Conv(4), BatchNorm(), Activation(), Flatten(), Dense(10)))


@pytest.fixture
def model():
    torch.set_num_threads(1)
    return build_model(SPEC, seed=1)


@pytest.fixture
def images():
    return torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(2))


def test_gradient_norms_are_those_of_each_layer_and_of_all(model, images):
    model(images).pow(2).mean().backward()
    found = {item.layer: item.value for item in gauge_gradients(model, 7)}
    assert list(found) == ["conv1", "bn1", "dense1", "all"]
    for name in ("conv1", "bn1", "dense1"):
        whole = torch.cat([weight.grad.flatten() for weight in model.get_submodule(name).parameters()])
        assert found[name] == pytest.approx(whole.norm().item(), rel=1e-5)
    whole = torch.cat([weight.grad.flatten() for weight in model.parameters()])
    assert found["all"] == pytest.approx(whole.norm().item(), rel=1e-5)


def test_the_network_is_gauged_in_evaluation_mode_and_left_as_it_was(model, images):
    model.train()
    model.bn1.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = {(item.kind, item.layer): item for item in chain.from_iterable(gauge_network(model, images, 3))}
    assert model.training and not model.bn1.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model.eval()
    outputs = model.relu1(model.bn1(model.conv1(images)))
    assert found["activations", "relu1"].value == pytest.approx(outputs.std().item(), rel=1e-5)
    assert sum(found["activations", "relu1"].bins[2:]) == outputs.numel()
    weights = model.conv1.weight.detach()
    assert found["weights", "conv1"].value == pytest.approx(weights.pow(2).mean().sqrt().item(), rel=1e-5)
    assert {layer for kind, layer in found if kind == "dead"} == {"relu1"}
    assert list(gauge_network(nn.Linear(3, 2), images, 0)) == []


def test_a_histogram_counts_every_value_once():
    low, high, *counts = histogram(torch.tensor([0.0, 0.0, 1.0, 3.0]))
    assert (low, high, len(counts)) == (0.0, 3.0, 30)
    assert (counts[0], counts[10], counts[29], sum(counts)) == (2, 1, 1, 4)
    assert sum(histogram(torch.full((5,), 2.0))[2:]) == 5


def test_numbers_beyond_all_bounds_are_left_out(model, images):
    with torch.no_grad():
        model.dense1.weight[0, 0] = float("inf")
    found = {(item.kind, item.layer): item for item in chain.from_iterable(gauge_network(model, images, 1))}
    assert ("weights", "conv1") in found
    assert ("weights", "dense1") not in found
    model(images).sum().mul(float("nan")).backward()
    assert gauge_gradients(model, 1) == ()
    assert sum(histogram(torch.tensor([0.0, float("nan"), float("inf"), 1.0]))[2:]) == 2
    assert histogram(torch.tensor([float("nan")])) == ()


def test_units_that_answer_all_images_alike_are_dead():
    outputs = torch.rand(64, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    assert dead_share(outputs) == 0
    outputs[:, 0] = 0  # a ReLU that never fires
    outputs[:, 1] = 0.999  # a sigmoid at its limit
    assert dead_share(outputs) == 0.5
    assert dead_share(torch.zeros(8, 5)) == 1
    assert dead_share(outputs[:, :, 0, 0]) == 0.5


@pytest.mark.parametrize("total", [1, 7, 150, 1000, 100_000])
def test_evidence_is_bounded_however_long_the_training(total):
    gradients = [step for step in range(1, total + 1) if gradient_due(step, total)]
    assert gradients[0] == 1
    assert len(gradients) <= 2 * 200 + 17
    epochs = [epoch for epoch in range(1, total + 1) if epoch_due(epoch, total)]
    assert epochs[-1] == total
    assert len(epochs) <= 51


def test_a_run_records_what_was_gauged_and_the_first_state(home):
    torch.set_num_threads(1)
    store = RunStore()
    config = TrainConfig(epochs=2, batch_size=32, train_images=96, precision="fp32", device="cpu")
    run_id = store.create(SPEC, config, "digits", owner="tests")
    Runner(store, run_id, "tests").run()
    assert {item.step for item in store.series.evidence(run_id, "weights")} == {0, 3, 6}
    assert [item.step for item in store.series.evidence(run_id, "gradient") if item.layer == "all"] == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]
    final = {item.layer: item for item in store.series.evidence(run_id, "weights", after_step=3)}
    weights = store.load_model(run_id).conv1.weight.detach()
    assert final["conv1"].value == pytest.approx(weights.pow(2).mean().sqrt().item(), rel=1e-5)
    assert final["conv1"].bins == pytest.approx(histogram(weights), rel=1e-5)


def test_measuring_does_not_change_what_is_learned(monkeypatch):
    from core.train import loop

    dataset = load_dataset("digits", limit=96)
    config = TrainConfig(epochs=2, batch_size=32, precision="fp32", device="cpu")
    watched = [step.train_loss for step in loop.train(build_model(SPEC), dataset, config)]
    monkeypatch.setattr(loop, "gauge_gradients", lambda *_: ())
    monkeypatch.setattr(loop, "gauge_network", lambda *_: ())
    assert watched == [step.train_loss for step in loop.train(build_model(SPEC), dataset, replace(config))]
