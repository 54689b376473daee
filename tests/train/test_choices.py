"""Every setting of a training reaches the computation, and each rule is the one torch has under that name."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from core.data.datasets import load_dataset
from core.errors import DataError
from core.model.build import build_model
from core.model.layers import Conv, Dense, Dropout, Flatten
from core.model.spec import ModelSpec
from core.options import matters, options
from core.train.choices import INPUTS, LOSSES, OPTIMIZERS, ORDERS, SCHEDULES
from core.train.config import LIVE, TrainConfig
from core.train.feed import image_order, training_labels
from core.train.loop import Training, train
from core.train.losses import make_loss, make_measure
from core.train.optimizers import make_optimizer
from core.train.schedules import learning_rate

CONFIG = TrainConfig(epochs=2, batch_size=32, precision="fp32", device="cpu", seed=3)
SPEC = ModelSpec("small", (1, 8, 8), 10, (Conv(4), Flatten(), Dropout(0.5), Dense(10)))

# What to change of each setting, and what it needs beside it to matter.
CHANGES = {
    "epochs": ({"epochs": 1}, {}),
    "lr": ({"lr": 0.01}, {}),
    "batch_size": ({"batch_size": 48}, {}),
    "optimizer": ({"optimizer": "sgd"}, {}),
    "loss": ({"loss": "mse"}, {}),
    "label_smoothing": ({"label_smoothing": 0.1}, {}),
    "momentum": ({"momentum": 0.5}, {"optimizer": "momentum", "lr": 0.01}),
    "clip_norm": ({"clip_norm": 0.01}, {"optimizer": "sgd", "lr": 0.1}),
    "weight_decay": ({"weight_decay": 0.1}, {}),
    "l1": ({"l1": 0.01}, {}),
    "schedule": ({"schedule": "cosine"}, {}),
    "warmup_epochs": ({"warmup_epochs": 1.5}, {}),
    "step_epochs": ({"step_epochs": 1}, {"schedule": "step"}),
    "step_factor": ({"step_factor": 0.5}, {"schedule": "step", "step_epochs": 1}),
    "patience": ({"patience": 1}, {"lr": 1e-7, "epochs": 6, "optimizer": "sgd", "wrong_labels": 1.0}),
    "max_seconds": ({"max_seconds": 1e-6}, {}),
    "target_accuracy": ({"target_accuracy": 0.01}, {}),
    "train_images": ({"train_images": 40}, {}),
    "wrong_labels": ({"wrong_labels": 0.3}, {}),
    "order": ({"order": "by_class"}, {}),
    "inputs": ({"inputs": "raw"}, {}),
    "flip": ({"flip": 0.5}, {}),
    "shift": ({"shift": 0.2}, {}),
    "rotation": ({"rotation": 30.0}, {}),
    "crop": ({"crop": 0.5}, {}),
    "jitter": ({"jitter": 0.5}, {}),
    "cutout": ({"cutout": 0.4}, {}),
    "seed": ({"seed": 4}, {}),
    "first_filters": ({"first_filters": "by_hand"}, {}),
    "precision": ({"precision": "bf16"}, {}),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def losses(config: TrainConfig) -> list[float]:
    dataset = load_dataset("digits", limit=config.train_images or 96)
    return [step.train_loss for step in train(build_model(SPEC, seed=config.seed), dataset, config)]


def test_every_setting_is_among_those_tried_here():
    assert set(CHANGES) | {"device"} == {setting.name for setting in options(TrainConfig)}


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_reaches_the_computation(name):
    change, beside = CHANGES[name]
    config = replace(CONFIG, **beside)
    if name == "patience":  # updates that make the validation loss grow: every epoch is worse than the first
        config = replace(config, lr=0.5)
    setting = next(setting for setting in options(TrainConfig) if setting.name == name)
    assert matters(setting, vars(replace(config, **change)))
    assert losses(config) != losses(replace(config, **change))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"optimizer": "adam"}, "momentum"),
        ({"loss": "mse"}, "label_smoothing"),
        ({"schedule": "cosine"}, "step_factor"),
        ({"schedule": "one_cycle"}, "warmup_epochs"),
    ],
)
def test_a_setting_without_effect_says_so(values, name):
    setting = next(setting for setting in options(TrainConfig) if setting.name == name)
    config = replace(CONFIG, **values)
    assert not matters(setting, vars(config))
    change, _ = CHANGES[name]
    assert losses(config) == losses(replace(config, **change))


def test_what_can_change_live():
    augmentation = ("flip", "shift", "rotation", "crop", "jitter", "cutout")
    assert set(LIVE) == {"lr", "momentum", "weight_decay", "l1", *augmentation}


def test_losses_agree_with_torch():
    draw = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(16, 5, generator=draw), torch.randint(5, (16,), generator=draw)
    shares, targets = logits.softmax(1), functional.one_hot(labels, 5).float()
    expected = {
        "cross_entropy": functional.cross_entropy(logits, labels),
        "nll": functional.cross_entropy(logits, labels),
        "mse": ((shares - targets) ** 2).mean(),
    }
    assert set(expected) == set(LOSSES)
    for name, value in expected.items():
        torch.testing.assert_close(make_loss(replace(CONFIG, loss=name))(logits, labels), value)
    smooth = replace(CONFIG, label_smoothing=0.2)
    torch.testing.assert_close(
        make_loss(smooth)(logits, labels), functional.cross_entropy(logits, labels, label_smoothing=0.2)
    )
    torch.testing.assert_close(make_measure(smooth)(logits, labels), expected["cross_entropy"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_are_those_of_torch(name):
    config = replace(CONFIG, optimizer=name, lr=0.01, weight_decay=0.1, momentum=0.8)
    common = {"lr": 0.01, "weight_decay": 0.1}
    theirs = {
        "gd": lambda weights: torch.optim.SGD(weights, **common),
        "sgd": lambda weights: torch.optim.SGD(weights, **common),
        "momentum": lambda weights: torch.optim.SGD(weights, momentum=0.8, **common),
        "nesterov": lambda weights: torch.optim.SGD(weights, momentum=0.8, nesterov=True, **common),
        "rmsprop": lambda weights: torch.optim.RMSprop(weights, **common),
        "adam": lambda weights: torch.optim.Adam(weights, **common),
        "adamw": lambda weights: torch.optim.AdamW(weights, **common),
    }[name]
    model = torch.nn.Linear(4, 3)
    twin = copy.deepcopy(model)
    one, other = make_optimizer(model, config), theirs(twin.parameters())
    images = torch.randn(8, 4, generator=torch.Generator().manual_seed(1))
    for _ in range(3):
        for network, optimizer in ((model, one), (twin, other)):
            optimizer.zero_grad()
            network(images).pow(2).sum().backward()
            optimizer.step()
    for ours, expected in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, expected)


def test_gradient_descent_takes_one_step_an_epoch_from_all_images():
    spec = ModelSpec("linear", (1, 8, 8), 10, (Flatten(), Dense(10)))
    dataset = load_dataset("digits", limit=96)
    config = replace(CONFIG, optimizer="gd", lr=0.1, epochs=3, batch_size=40)
    model, twin = build_model(spec, seed=3), build_model(spec, seed=3)
    steps = list(train(model, dataset, config))
    assert [(step.step, step.epoch) for step in steps] == [(1, 1), (2, 2), (3, 3)]
    for _ in range(3):
        twin.zero_grad()
        functional.cross_entropy(twin(dataset.normalize(dataset.train.images)), dataset.train.labels).backward()
        with torch.no_grad():
            for weight in twin.parameters():
                weight -= 0.1 * weight.grad
    for ours, expected in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_those_of_torch(name):
    config = replace(CONFIG, epochs=8, lr=0.4, schedule=name, step_epochs=3, step_factor=0.5)
    per_epoch, total = 250, 2000
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.4)
    rates = torch.optim.lr_scheduler
    scheduler = {
        "constant": lambda: rates.ConstantLR(optimizer, factor=1),
        "step": lambda: rates.StepLR(optimizer, step_size=3 * per_epoch, gamma=0.5),
        "cosine": lambda: rates.CosineAnnealingLR(optimizer, T_max=total),
        "one_cycle": lambda: rates.OneCycleLR(optimizer, max_lr=0.4, total_steps=total + 1, cycle_momentum=False),
    }[name]()
    for step in range(total):
        assert learning_rate(config, step, per_epoch) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-3, abs=1e-3)
        optimizer.step()
        scheduler.step()


def test_warming_up_is_linear_and_ends_where_the_schedule_is():
    config = replace(CONFIG, epochs=10, lr=1.0, warmup_epochs=0.5)
    rates = [learning_rate(config, step, 8) for step in range(6)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


def test_the_recorded_rate_is_the_one_that_was_used():
    dataset = load_dataset("digits", limit=96)
    config = replace(CONFIG, schedule="cosine", lr=0.02, optimizer="sgd")
    training = Training(build_model(SPEC), dataset, config)
    for step in training:
        assert step.lr == training.optimizer.param_groups[0]["lr"]
        assert step.lr == pytest.approx(0.01 * (1 + math.cos(math.pi * (step.step - 1) / 6)))


def test_wrong_labels_are_exactly_as_many_and_really_wrong():
    labels = torch.arange(200) % 10
    config = replace(CONFIG, wrong_labels=0.3)
    wrong = training_labels(labels, 10, config)
    assert int((wrong != labels).sum()) == 60
    assert wrong.min() >= 0 and wrong.max() < 10
    assert torch.equal(wrong, training_labels(labels, 10, config))
    assert not torch.equal(wrong, training_labels(labels, 10, replace(config, seed=8)))
    assert torch.equal(training_labels(labels, 10, CONFIG), labels)


@pytest.mark.parametrize("order", ORDERS)
def test_an_epoch_holds_every_image_once(order):
    labels = torch.arange(50).flip(0) % 7
    indices = image_order(labels, 0, replace(CONFIG, order=order))
    assert sorted(indices.tolist()) == list(range(50))
    assert (labels[indices].diff() >= 0).all() == (order == "by_class")


@pytest.mark.parametrize("inputs", INPUTS)
def test_networks_receive_the_pixel_values_that_were_asked_for(inputs):
    dataset = load_dataset("digits", limit=96).scaled(inputs)
    pixels = dataset.train.images
    expected = {
        "standard": (pixels / 255 - dataset.mean[0]) / dataset.std[0],
        "unit": pixels / 255,
        "raw": pixels.float(),
    }[inputs]
    torch.testing.assert_close(dataset.normalize(pixels), expected)
    torch.testing.assert_close(dataset.normalize(pixels.float() / 255), expected)
    assert torch.equal(dataset.denormalize(expected), pixels)


def test_other_pixel_values_are_refused():
    with pytest.raises(DataError, match='"standard", "unit" or "raw"'):
        load_dataset("digits", limit=96).scaled("log")
