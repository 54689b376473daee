"""What all layers share: settings that know their own label, help and range."""

from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar

from core.errors import SpecError


def option(
    default: Any,
    label: str,
    help: str,
    *,
    min: float | None = None,
    max: float | None = None,
    choices: tuple[Any, ...] = (),
) -> Any:
    """Declare a setting: one of `choices`, or a number from `min` to `max` where those are given."""
    metadata = {"label": label, "help": help, "min": min, "max": max, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Layer:
    """One layer of a stack; its settings are checked when it is made.

    Every field but `kind` is a setting whose metadata (`label`, `help`, `min`, `max`, `choices`) drives the
    widget and the check alike. `kind` is a field so that two kinds with the same numbers stay different wherever
    only the values are compared.

    Attributes:
        title: What the kind is called on screen.
        description: What it does, in a sentence for learners.
        prefix: Start of the names of its modules.

    Raises:
        SpecError: A setting has the wrong type or is out of its range.
    """

    title: ClassVar[str] = ""
    description: ClassVar[str] = ""
    prefix: ClassVar[str] = ""

    kind: str = field(init=False, default="")

    def __post_init__(self) -> None:
        for setting in options(self):
            value = getattr(self, setting.name)
            if isinstance(setting.default, float) and type(value) is int:
                value = float(value)
                object.__setattr__(self, setting.name, value)
            if not _allowed(value, setting):
                label = setting.metadata["label"].lower()
                raise SpecError(f"{self.title}: {label} must be {_wanted(setting)}, not {repr(value)[:40]}.")


def options(layer: Layer | type[Layer]) -> tuple[Field[Any], ...]:
    """Return the settings of a layer or of a kind of layer, in the order in which a page should ask for them."""
    return tuple(setting for setting in fields(layer) if setting.name != "kind")


def _allowed(value: object, setting: Field[Any]) -> bool:
    low, high = setting.metadata["min"], setting.metadata["max"]
    if any(type(value) is type(choice) and value == choice for choice in setting.metadata["choices"]):
        return True
    # `type` and not `isinstance`: True is an int to Python, but not a number of filters
    if low is None or type(value) is not (float if isinstance(setting.default, float) else int):
        return False
    return bool(low <= value <= high)


def _wanted(setting: Field[Any]) -> str:
    words = [repr(choice) for choice in setting.metadata["choices"]]
    if setting.metadata["min"] is not None:
        number = "a number" if isinstance(setting.default, float) else "a whole number"
        words.append(f"{number} from {setting.metadata['min']} to {setting.metadata['max']}")
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"
