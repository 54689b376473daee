"""What changes from the settings of one training to those of another, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import Field
from typing import Any

from core.options import matters, options
from core.train.config import TrainConfig
from core.train.wording import label, value_words


def config_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what has to be done to the settings `a` to get `b`: "learning rate 0.001 → 0.01", and so on.

    Both may lack settings, whose defaults then hold, and may have some that this version does not know. A setting
    that has no effect in `b` is left out, and one that had none in `a` is given without what it was.
    """
    old, new = _filled(a), _filled(b)
    known = [_change(setting, old, new) for setting in options(TrainConfig)]
    unknown = [
        f"{name[:40]} {_unknown(a, name)} → {_unknown(b, name)}"
        for name in dict.fromkeys((*a, *b))
        if name not in old and _unknown(a, name) != _unknown(b, name)
    ]
    return (*(change for change in known if change), *unknown)


def distinct_settings(configs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return the settings in which several trainings differ: by their labels, the value of each training in words.

    "–" stands where a setting has no effect.
    """
    filled = [_filled(values) for values in configs]
    found = {}
    for setting in options(TrainConfig):
        words = tuple(
            value_words(setting, values[setting.name]) if matters(setting, values) else "–" for values in filled
        )
        if len(set(words)) > 1:
            found[str(setting.metadata["label"])] = words
    return found


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {setting.name: values.get(setting.name, setting.default) for setting in options(TrainConfig)}


def _change(setting: Field[Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
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
