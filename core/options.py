"""Options that describe themselves: one description serves the check, the widget and the help."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from core.errors import ConvScopeError

OptionValue = int | float | str | None  # of a method: a number, a choice, a layer, or left to it
NOTHING: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Option:
    """One setting: a value among `choices`, a number from `min` to `max` where those are given, or else a layer.

    Attributes:
        name: Its keyword.
        label: What it is called on the screen.
        default: Its value where nothing else is said, which has its type; None lets whoever takes it choose.
        help: One or two sentences on what it does.
        min: Smallest number; a whole number unless `default` is a float.
        max: Largest number.
        choices: The values it can have, with their titles.
        group: Heading under which it is asked for.
        live: Whether it can be changed while the thing that it sets goes on.
        needs: Values of other options without which it has no effect, by their names.
        step: By how much a page lets it be moved at once; then it is a slider.
    """

    name: str
    label: str
    default: Any
    help: str
    min: float | None = None
    max: float | None = None
    choices: Mapping[Any, str] = field(default_factory=dict)
    group: str = ""
    live: bool = False
    needs: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    step: float | None = None

    @property
    def kind(self) -> Literal["number", "choice", "layer"]:
        """Whether it is a number (besides which it may have choices), a choice, or the name of a layer."""
        if self.min is not None:
            return "number"
        return "choice" if self.choices else "layer"

    def check(self, value: Any) -> Any:
        """Return a value, as a float where the option is one; raises `ValueError` if it is not allowed."""
        if value is None and self.default is None:
            return None
        if any(type(value) is type(choice) and value == choice for choice in self.choices):
            return value
        if self.kind == "layer" and isinstance(value, str):
            return value
        fraction = isinstance(self.default, float)
        # True is an int to Python, but not a number of filters.
        number = isinstance(value, (int, float) if fraction else int) and not isinstance(value, bool)
        if number and self.min is not None and self.max is not None and self.min <= value <= self.max:
            return float(value) if fraction else value
        raise ValueError(self.allowed)

    @property
    def allowed(self) -> str:
        """What it may be, in words: "'same' or a whole number from 0 to 16"."""
        words = [repr(choice) for choice in self.choices] or ["the name of a layer"] * (self.kind == "layer")
        if self.min is not None:
            number = "a number" if isinstance(self.default, float) else "a whole number"
            words.append(f"{number} from {self.min} to {self.max}")
        return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"


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
    """Return a field of a dataclass that is an `Option`, whose attributes are explained there; its name is its own."""
    titles = dict(choices) if isinstance(choices, Mapping) else {choice: str(choice) for choice in choices}
    described = Option("", label, default, help, min, max, titles, group, live, needs, step)
    return field(default=default, metadata={"option": described})


def options(owner: Any) -> tuple[Option, ...]:
    """Return the options of such a dataclass (or an instance), in the order in which a page should ask for them."""
    return _options(owner if isinstance(owner, type) else type(owner))


@cache
def _options(owner: Any) -> tuple[Option, ...]:
    described = ((each.name, each.metadata.get("option")) for each in fields(owner))
    return tuple(replace(option, name=name) for name, option in described if option is not None)


def matters(option: Option, values: Mapping[str, Any]) -> bool:
    """Return whether an option has an effect beside the `values` of the others."""
    return all(values[name] in wanted for name, wanted in option.needs.items())


def check_options(instance: Any, title: str, error: type[ConvScopeError]) -> None:
    """Raise `error` with one sentence if an option has the wrong type or range; whole numbers become floats."""
    for option in options(instance):
        value = getattr(instance, option.name)
        try:
            object.__setattr__(instance, option.name, option.check(value))
        except ValueError as refused:
            raise error(f"{title}: {option.label.lower()} must be {refused}, not {repr(value)[:40]}.") from None
