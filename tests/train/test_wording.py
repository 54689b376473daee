"""A training told in sentences names what was chosen, and nothing that does not matter."""

import pytest

from core.options import Option, options
from core.train.config import TrainConfig
from core.train.describe import in_words, label, value_words

SETTINGS = {setting.name: setting for setting in options(TrainConfig)}


def test_the_defaults_take_four_sentences() -> None:
    assert in_words(TrainConfig(), 4000) == (
        "Sees 4,000 training images 5 times, 64 at a time.",
        "Adam, learning rate 0.001.",
        "Seed 0.",
        "Precision auto, device auto.",
    )


def test_what_was_chosen_is_told_group_by_group() -> None:
    config = TrainConfig(
        epochs=1, optimizer="momentum", momentum=0.5, lr=0.1, loss="mse", schedule="step", flip=0.5, patience=3, seed=3
    )
    assert in_words(config, 4000) == (
        "Sees 4,000 training images once, 64 at a time.",
        "Momentum, learning rate 0.1, loss mean squared error, momentum 0.5.",
        "Schedule steps, epochs between steps 5, factor of a step 0.1.",
        "Early stopping 3.",
        "Flip 0.5.",
        "Seed 3.",
        "Precision auto, device auto.",
    )


@pytest.mark.parametrize(
    ("chosen", "known", "words"),
    [
        (0, 4000, "4,000"),
        (50, 4000, "50"),
        (9000, 4000, "4,000"),
        (50, 0, "50"),
        (0, 0, "all"),
    ],
)
def test_the_first_sentence_counts_the_images_that_are_there(chosen: int, known: int, words: str) -> None:
    sentence = in_words(TrainConfig(train_images=chosen), known)[0]
    assert sentence == f"Sees {words} training images 5 times, 64 at a time."


def test_gradient_descent_has_no_batches() -> None:
    assert in_words(TrainConfig(optimizer="gd"), 10)[0] == "Sees 10 training images 5 times, all at once."


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_every_setting_that_was_changed_is_told(setting: Option) -> None:
    beside = {name: wanted[0] for name, wanted in setting.needs.items()}
    value = list(setting.choices)[-1] if setting.choices else setting.max
    before, after = (in_words(TrainConfig(**beside, **more), 0) for more in ({}, {setting.name: value}))
    assert before != after
    assert value_words(setting, value) in " ".join(after) or setting.name == "optimizer"


def test_labels_inside_a_sentence_begin_small_unless_they_are_names() -> None:
    assert label(SETTINGS["lr"]) == "learning rate"
    assert label(SETTINGS["weight_decay"]) == "weight decay (L2)"
    assert label(SETTINGS["l1"]) == "L1"
