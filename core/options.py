"""Settings that describe themselves: one description serves the check, the widget and the help."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from types import MappingProxyType
from typing import Any

from core.errors import ConvScopeError

NOTHING: Mapping[str, tuple[Any, ...]] = MappingProxyType({})


def option(
    default: Any,
    label: str,
    help: str,
    *,
    min: float | None = None,
    max: float | None = None,
    choices: tuple[Any, ...] | Mapping[Any, str] = (),
    group: str = "",
    live: bool = False,
    needs: Mapping[str, tuple[Any, ...]] = NOTHING,
    step: float | None = None,
) -> Any:
    """Describe one setting: a value among `choices`, or a number from `min` to `max` where those are given.

    Args:
        default: Its value where nothing else is said; its type is the setting's.
        label: What it is called on the screen.
        help: One or two sentences on what it does.
        min: Smallest number.
        max: Largest number.
        choices: The values it can have, with their titles if they need any.
        group: Heading under which it is asked for.
        live: Whether it can be changed while the thing that it sets goes on.
        needs: Values of other settings without which it has no effect, by their names.
        step: By how much a page lets it be moved at once; then it is a slider.
    """
    metadata: dict[str, Any] = {"label": label, "help": help, "min": min, "max": max, "step": step}
    metadata |= {"group": group, "live": live, "needs": needs}
    titles = dict(choices) if isinstance(choices, Mapping) else {choice: str(choice) for choice in choices}
    return field(default=default, metadata=metadata | {"choices": tuple(titles), "titles": titles})


def matters(setting: Field[Any], values: Mapping[str, Any]) -> bool:
    """Return whether a setting has an effect beside the `values` of the others."""
    return all(values[name] in wanted for name, wanted in setting.metadata["needs"].items())


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
