"""The settings of a training in words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from core.options import Option, matters, options
from core.train.choices import OPTIMIZERS
from core.train.config import TrainConfig

_ZERO = {"train_images": "all", "clip_norm": "off", "patience": "off", "max_seconds": "off", "target_accuracy": "off"}
_SPECIAL = ("epochs", "batch_size", "optimizer", "lr", "train_images")  # said in a way of their own
_ALWAYS = ("momentum", "step_epochs", "step_factor", "seed", "precision", "device")  # also where the default holds


def label(setting: Option) -> str:
    """Return what a setting is called inside a sentence: "learning rate", but "L1"."""
    title: str = setting.label
    return title if title[:2].isupper() or title[1:2].isdigit() else title[0].lower() + title[1:]


def value_words(setting: Option, value: Any) -> str:
    """Return a value of a setting as people say it; also one that is not allowed, in at most 40 characters."""
    if isinstance(value, str):
        title = str(setting.choices.get(value, value))[:40]
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
    for group, settings in groupby(options(config), key=lambda setting: setting.group):
        parts = [f"{label(setting)} {value_words(setting, value)}" for setting, value in _notable(config, settings)]
        if group == "Loss and optimiser":
            sentences.append(_sentence([*rule, *parts]))
        elif parts:
            sentences.append(_sentence(parts))
    return tuple(sentences)


def _notable(config: TrainConfig, settings: Any) -> list[tuple[Option, Any]]:
    """Return the settings worth a word, with their values: those that were changed and have an effect."""
    values = asdict(config)
    return [
        (setting, values[setting.name])
        for setting in settings
        if setting.name not in _SPECIAL
        and matters(setting, values)
        and (setting.name in _ALWAYS or values[setting.name] != setting.default)
    ]


def _sentence(parts: list[str]) -> str:
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


# Where a search for the learning rate usually begins, by optimiser.
USUAL_LR = {"adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3, "nesterov": 0.01, "momentum": 0.01, "sgd": 0.1, "gd": 0.1}


def rounded(lr: float) -> float:
    """Return a learning rate with three digits, as one would type it."""
    return float(f"{lr:.3g}")


def config_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what has to be done to the settings `a` to get `b`: "learning rate 0.001 → 0.01", and so on.

    Both may lack settings, whose defaults then hold, and may have some that this version does not know. A setting
    that has no effect in `b` is left out, and one that had none in `a` is given without what it was.
    """
    old, new = _filled(a), _filled(b)
    changes = [_change(setting, old, new) for setting in options(TrainConfig)]
    unknown = [
        f"{name[:40]} {_unknown(a, name)} → {_unknown(b, name)}"
        for name in dict.fromkeys((*a, *b))
        if name not in old and _unknown(a, name) != _unknown(b, name)
    ]
    return (*(change for change in changes if change), *unknown)


def distinct_settings(configs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return the settings in which several trainings differ: by their labels, the value of each training in words.

    "–" stands where a setting has no effect.
    """
    filled = [_filled(values) for values in configs]
    words_by_label = {}
    for setting in options(TrainConfig):
        words = tuple(
            value_words(setting, values[setting.name]) if matters(setting, values) else "–" for values in filled
        )
        if len(set(words)) > 1:
            words_by_label[str(setting.label)] = words
    return words_by_label


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {setting.name: values.get(setting.name, setting.default) for setting in options(TrainConfig)}


def _change(setting: Option, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    after = value_words(setting, new[setting.name])
    if not matters(setting, new):
        return ""
    if not matters(setting, old):
        return f"{label(setting)} {after}"
    if old[setting.name] == new[setting.name]:
        return ""
    return f"{label(setting)} {value_words(setting, old[setting.name])} → {after}"


def _unknown(values: Mapping[str, Any], name: str) -> str:
    return repr(values[name])[:40] if name in values else "not set"
