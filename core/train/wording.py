"""The settings of a training in words."""

from dataclasses import Field, asdict
from itertools import groupby
from typing import Any

from core.options import matters, options
from core.train.choices import OPTIMIZERS
from core.train.config import TrainConfig

_ZERO = {"train_images": "all", "clip_norm": "off", "patience": "off", "max_seconds": "off", "target_accuracy": "off"}
_TOLD = ("epochs", "batch_size", "optimizer", "lr", "train_images")  # said in a way of their own
_ALWAYS = ("momentum", "step_epochs", "step_factor", "seed", "precision", "device")  # also where the default holds


def label(setting: Field[Any]) -> str:
    """Return what a setting is called inside a sentence: "learning rate", but "L1"."""
    title: str = setting.metadata["label"]
    return title if title[:2].isupper() or title[1:2].isdigit() else title[0].lower() + title[1:]


def value_words(setting: Field[Any], value: Any) -> str:
    """Return a value of a setting as people say it; also one that is not allowed, in at most 40 characters."""
    if isinstance(value, str):
        title = str(setting.metadata["titles"].get(value, value))[:40]
        return title if setting.name == "optimizer" else title[:1].lower() + title[1:]  # most are people's names
    if type(value) not in (int, float):
        return repr(value)[:40]
    if value == 0 and setting.name in _ZERO:
        return _ZERO[setting.name]
    return f"{value:,}" if type(value) is int else f"{value:g}"


def in_words(config: TrainConfig, images: int) -> tuple[str, ...]:
    """Say how a training is done, in a few sentences without line breaks.

    Args:
        config: Its settings.
        images: How many training images the data set has, of which the settings may use fewer; 0 if not known.
    """
    times = "once" if config.epochs == 1 else f"{config.epochs:,} times"
    amount = "all at once" if config.optimizer == "gd" else f"{config.batch_size:,} at a time"
    seen = min(config.train_images or images, images or config.train_images)
    sentences = [f"Sees {f'{seen:,}' if seen else 'all'} training images {times}, {amount}."]
    rule = [OPTIMIZERS[config.optimizer].title, f"learning rate {config.lr:g}"]
    for group, settings in groupby(options(config), key=lambda setting: setting.metadata["group"]):
        parts = [f"{label(setting)} {value_words(setting, value)}" for setting, value in _notable(config, settings)]
        if group == "Loss and optimiser":
            sentences.append(_sentence([*rule, *parts]))
        elif parts:
            sentences.append(_sentence(parts))
    return tuple(sentences)


def _notable(config: TrainConfig, settings: Any) -> list[tuple[Field[Any], Any]]:
    """Return the settings worth a word, with their values: those that were changed and have an effect."""
    values = asdict(config)
    return [
        (setting, values[setting.name])
        for setting in settings
        if setting.name not in _TOLD
        and matters(setting, values)
        and (setting.name in _ALWAYS or values[setting.name] != setting.default)
    ]


def _sentence(parts: list[str]) -> str:
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}."
