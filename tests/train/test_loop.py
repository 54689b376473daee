"""The loop is torch's own training, reproducible, and can be taken up exactly where it was."""

import copy
from dataclasses import replace
from itertools import count, islice
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

from core.data.datasets import load_dataset
from core.errors import ConfigError, StorageError, TrainingError
from core.model.build import build_model
from core.model.layers import Conv, Dense, Dropout, Flatten
from core.model.spec import ModelSpec
from core.train import estimate
from core.train.choices import OPTIMIZERS
from core.train.config import TrainConfig
from core.train.feed import image_order
from core.train.loop import Training, train
from core.train.metrics import evaluate

CONFIG = TrainConfig(epochs=2, batch_size=32, precision="fp32", device="cpu", seed=3)
SPEC = ModelSpec("small", (1, 8, 8), 10, (Conv(4), Conv(4), Flatten(), Dropout(0.5), Dense(10)))


@pytest.fixture(scope="module")
def dataset():
    torch.set_num_threads(1)
    return load_dataset("digits", limit=96)


def curve(dataset, config=CONFIG, spec=SPEC):
    model = build_model(spec, seed=config.seed)
    steps = list(train(model, dataset, config))
    return [step.train_loss for step in steps], model, steps


def test_the_same_seed_gives_the_same_curve_and_weights(dataset):
    first, one, _ = curve(dataset)
    second, two, _ = curve(dataset)
    assert first == second
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_one_epoch_of_plain_descent_is_what_torch_does_by_hand(dataset):
    spec = ModelSpec("small", (1, 8, 8), 10, (Flatten(), Dense(10)))
    config = replace(CONFIG, optimizer="sgd", lr=0.1, epochs=1, batch_size=len(dataset.train))
    losses, model, _ = curve(dataset, config, spec)
    twin = build_model(spec, seed=config.seed)
    loss = functional.cross_entropy(twin(dataset.normalize(dataset.train.images)), dataset.train.labels)
    loss.backward()
    assert losses == [pytest.approx(loss.item(), rel=1e-5)]
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.detach(), theirs.detach() - 0.1 * theirs.grad, rtol=1e-4, atol=1e-6)


def test_every_image_is_seen_once_an_epoch(dataset):
    training = Training(build_model(SPEC), dataset, replace(CONFIG, batch_size=40))
    for epoch in range(2):
        assert sorted(image_order(training.labels, epoch, CONFIG).tolist()) == list(range(96))
    assert image_order(training.labels, 0, CONFIG).tolist() != image_order(training.labels, 1, CONFIG).tolist()
    steps = list(training)
    assert training.steps_per_epoch == 3
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [step.epoch for step in steps] == [1, 1, 1, 2, 2, 2]
    assert [step.valid is not None for step in steps] == [False, False, True] * 2


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("stop_at", [1, 3, 4])
def test_an_interrupted_training_ends_in_the_same_weights(dataset, tmp_path, optimizer, stop_at):
    from core.runs.checkpoint import load_checkpoint, save_checkpoint

    config = replace(CONFIG, optimizer=optimizer, lr=0.01, flip=0.5, rotation=20.0, schedule="cosine")
    losses, through, _ = curve(dataset, config)
    first = Training(build_model(SPEC, seed=config.seed), dataset, config)
    before = [step.train_loss for step in islice(first, stop_at)]
    save_checkpoint(tmp_path / "latest.safetensors", first.checkpoint())
    torch.manual_seed(12345)
    second = Training(build_model(SPEC, seed=99), dataset, config)
    second.restore(load_checkpoint(tmp_path / "latest.safetensors"))
    after = [step.train_loss for step in second]
    assert before + after == losses
    for ours, theirs in zip(second.model.parameters(), through.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_checkpoint_of_another_training_is_refused(dataset):
    training = Training(build_model(SPEC), dataset, CONFIG)
    next(iter(training))
    checkpoint = training.checkpoint()
    bad = dict(checkpoint.training) | {"0.exp_avg": torch.zeros(5)}
    with pytest.raises(StorageError, match="another training"):
        training.restore(replace(checkpoint, training=bad))


def test_a_loss_that_is_no_number_ends_the_training_in_words(dataset):
    with pytest.raises(TrainingError, match="smaller learning rate than 10"):
        list(train(build_model(SPEC), dataset, replace(CONFIG, optimizer="sgd", lr=10.0, weight_decay=1.0, epochs=200)))


def test_a_missing_device_is_named(dataset):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(ConfigError, match="no cuda device"):
        Training(build_model(SPEC), dataset, replace(CONFIG, device="cuda"))


def test_evaluation_agrees_with_the_definition_and_leaves_the_modes(dataset):
    model = build_model(SPEC)
    model[2].eval()  # one child apart from the others
    modes = [module.training for module in model.modules()]
    score = evaluate(model, dataset, dataset.valid, batch_size=7)
    assert [module.training for module in model.modules()] == modes
    logits = copy.deepcopy(model).eval()(dataset.normalize(dataset.valid.images))
    assert score.loss == pytest.approx(functional.cross_entropy(logits, dataset.valid.labels).item(), rel=1e-5)
    assert score.accuracy == pytest.approx((logits.argmax(1) == dataset.valid.labels).float().mean().item())


def test_validation_scores_are_those_of_the_network_at_that_moment(dataset):
    _, model, steps = curve(dataset)
    assert steps[-1].valid == evaluate(model, dataset, dataset.valid)


def test_timing_counts_batches_and_validation_and_disturbs_nothing(dataset, monkeypatch):
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    ticks = count()
    monkeypatch.setattr(estimate, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))  # a second a look
    config = replace(CONFIG, batch_size=8)
    assert estimate.time_epoch(SPEC, dataset, config) == pytest.approx(96 / 8 + len(dataset.valid) / 64)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_a_process_of_its_own_times_with_the_threads_of_a_training(monkeypatch):
    monkeypatch.setenv("CONVSCOPE_THREADS", "1")
    threads, config = torch.get_num_threads(), replace(CONFIG, batch_size=8, device="cpu")
    spec = ModelSpec("plain", (1, 8, 8), 10, (Flatten(), Dense(10)))
    assert 0 < estimate.time_epoch_apart(spec, "digits", config) < 60
    with pytest.raises(TrainingError, match="no data set"):
        estimate.time_epoch_apart(spec, "nothing", config)
    monkeypatch.setattr(estimate.sys, "executable", "/nowhere")
    with pytest.raises(TrainingError, match="could not be measured"):
        estimate.time_epoch_apart(spec, "digits", config)
    assert torch.get_num_threads() == threads


def test_it_learns(dataset):
    whole = load_dataset("digits")
    spec = ModelSpec("plain", (1, 8, 8), 10, (Flatten(), Dense(64), Dense(10)))
    _, model, _ = curve(whole, replace(CONFIG, lr=0.01, epochs=5), spec)
    assert evaluate(model, whole, whole.test).accuracy > 0.85
