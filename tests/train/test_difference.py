"""What changes between two trainings is told in the words of the settings, and only what has an effect."""

from dataclasses import asdict, replace

import pytest

from core.options import Option, options
from core.train.config import TrainConfig
from core.train.describe import config_changes, distinct_settings


def other(setting: Option, value: object) -> object:
    if setting.choices:
        return next(choice for choice in setting.choices if choice != value)
    return setting.max if value != setting.max else setting.min


@pytest.mark.parametrize("setting", options(TrainConfig), ids=lambda setting: setting.name)
def test_every_setting_is_told_where_it_has_an_effect(setting: Option) -> None:
    beside = {name: wanted[0] for name, wanted in setting.needs.items()}
    before = asdict(TrainConfig(**beside))
    after = before | {setting.name: other(setting, before[setting.name])}
    change = config_changes(before, after)[0]
    label = setting.label
    assert change.startswith((label, label[0].lower() + label[1:]))
    assert " → " in change
    assert config_changes(after, after) == ()


def test_values_are_told_as_people_say_them() -> None:
    after = asdict(TrainConfig(lr=0.01, l1=1e-4, optimizer="sgd", train_images=1000, patience=3, loss="mse", seed=7))
    assert config_changes({}, after) == (
        "learning rate 0.001 → 0.01",
        "optimiser Adam → Stochastic gradient descent",
        "loss cross-entropy → mean squared error",
        "L1 0 → 0.0001",
        "early stopping off → 3",
        "training images all → 1,000",
        "seed 0 → 7",
    )


def test_what_has_no_effect_is_left_out_and_what_gains_one_is_given() -> None:
    adam = asdict(TrainConfig())
    assert config_changes(adam, adam | {"momentum": 0.5}) == ()
    momentum = adam | {"optimizer": "momentum", "momentum": 0.5}
    assert config_changes(adam, momentum) == ("optimiser Adam → Momentum", "momentum 0.5")
    assert config_changes(momentum, adam) == ("optimiser Momentum → Adam",)


def test_what_one_lacks_has_its_default_and_what_nobody_knows_is_told_as_it_stands() -> None:
    assert config_changes({}, asdict(TrainConfig())) == ()
    assert config_changes({"lr": 0.1}, {}) == ("learning rate 0.1 → 0.001",)
    assert config_changes({"magic": 1}, {"magic": "yes", "more": None}) == (
        "magic 1 → 'yes'",
        "more not set → None",
    )


@pytest.mark.parametrize("value", [None, True, [1] * 1000, {"a": 1}, "x" * 1000, float("nan")])
def test_values_of_the_wrong_type_are_told_briefly(value: object) -> None:
    changes = config_changes({}, {"lr": value, "optimizer": value, "seed": value})
    assert changes
    assert max(map(len, changes)) < 100


def test_the_settings_in_which_several_differ_are_listed_with_all_values() -> None:
    base = TrainConfig()
    configs = [asdict(base), asdict(replace(base, lr=0.1)), {"optimizer": "momentum", "lr": 0.001}]
    assert distinct_settings(configs) == {
        "Learning rate": ("0.001", "0.1", "0.001"),
        "Optimiser": ("Adam", "Adam", "Momentum"),
        "Momentum": ("–", "–", "0.9"),
    }
    assert distinct_settings([asdict(base), {}]) == {}
