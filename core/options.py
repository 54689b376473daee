"""Settings that describe themselves: one description serves the check, the widget and the help."""

from dataclasses import MISSING, Field, field, fields
from typing import Any

from core.errors import ConvScopeError


def option(
    default: Any,
    label: str,
    help: str,
    *,
    min: float | None = None,
    max: float | None = None,
    choices: tuple[Any, ...] = (),
) -> Any:
    """Describe one setting: a value among `choices`, or a number from `min` to `max` where those are given."""
    return field(default=default, metadata={"label": label, "help": help, "min": min, "max": max, "choices": choices})


def options(owner: Any) -> tuple[Field[Any], ...]:
    """Return the settings of such a dataclass (or an instance), in the order in which a page should ask for them."""
    return tuple(setting for setting in fields(owner) if "label" in setting.metadata)


def check_options(instance: Any, title: str, error: type[ConvScopeError]) -> None:
    """Raise `error` with one sentence if a setting has the wrong type or range; whole numbers become floats."""
    for setting in options(instance):
        value = getattr(instance, setting.name)
        if isinstance(setting.default, float) and type(value) is int:
            object.__setattr__(instance, setting.name, float(value))
            value = float(value)
        if not _allowed(value, setting):
            label = setting.metadata["label"]
            raise error(f"{title}: {label.lower()} must be {_wanted(setting)}, not {repr(value)[:40]}.")


def _allowed(value: object, setting: Field[Any]) -> bool:
    assert setting.default is not MISSING
    number = float if isinstance(setting.default, float) else int
    low, high = setting.metadata["min"], setting.metadata["max"]
    if any(type(value) is type(choice) and value == choice for choice in setting.metadata["choices"]):
        return True
    # `type` and not `isinstance`: True is an int to Python, but not a number of filters
    return low is not None and type(value) is number and low <= value <= high


def _wanted(setting: Field[Any]) -> str:
    words = [repr(choice) for choice in setting.metadata["choices"]]
    if setting.metadata["min"] is not None:
        number = "a number" if isinstance(setting.default, float) else "a whole number"
        words.append(f"{number} from {setting.metadata['min']} to {setting.metadata['max']}")
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"
