"""Settings survive a round trip, and nonsense is refused in words."""

import re

import pytest

from core.errors import ConfigError
from core.options import options
from core.train.config import TrainConfig


def test_settings_round_trip():
    config = TrainConfig(epochs=7, lr=0.5, optimizer="sgd", precision="fp32", train_images=100)
    assert TrainConfig.from_json(config.to_json()) == config


def test_every_field_describes_itself():
    described = {setting.name for setting in options(TrainConfig)}
    assert described == set(TrainConfig.__dataclass_fields__)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", True),
        ("epochs", 2.5),
        ("batch_size", -1),
        ("lr", 0.0),
        ("lr", float("nan")),
        ("lr", float("inf")),
        ("optimizer", "magic"),
        ("precision", "fp8"),
        ("seed", -1),
        ("momentum", 1.0),
        ("weight_decay", "much"),
    ],
)
def test_a_value_out_of_range_is_named(name, value):
    label = next(setting.label for setting in options(TrainConfig) if setting.name == name)
    with pytest.raises(ConfigError, match=re.escape(label.lower())):
        TrainConfig(**{name: value})


@pytest.mark.parametrize("text", ["", "[]", "{", '{"epochs": 3, "evil": 1}', "null", "[" * 100_000])
def test_other_text_is_refused(text):
    with pytest.raises(ConfigError):
        TrainConfig.from_json(text)


@pytest.mark.parametrize(
    ("arguments", "idle"),
    [
        (
            ["--loss", "mse", "--label-smoothing", "0.5", "--optimizer", "adam", "--momentum", "0.3"],
            "--label-smoothing, --momentum",
        ),
        (["--step-epochs", "3", "--schedule", "one_cycle", "--warmup-epochs", "2"], "--warmup-epochs, --step-epochs"),
        (["--optimizer", "nesterov", "--momentum", "0.3"], ""),
        (["--momentum", "0.9"], ""),
    ],
)
def test_the_command_names_settings_that_have_no_effect(arguments, idle, capsys):
    from core.train.__main__ import main

    assert main([*arguments, "--dataset", "digits", "--train-images", "20", "--epochs", "1", "--device", "cpu"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "no effect" in line]
    assert told == ([f"Beside the other settings these have no effect: {idle}."] if idle else [])
