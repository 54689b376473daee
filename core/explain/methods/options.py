"""Settings of explanation methods: their types, ranges and checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.errors import ExplainError

Shape = tuple[int, int, int]
OptionValue = int | float | str | None


@dataclass(frozen=True)
class Option:
    """One setting of a method.

    Attributes:
        name: Its keyword.
        label: What it is called on the screen.
        default: Its value where nothing else is said; None lets the method choose.
        help: A sentence on what it does.
        low, high: The range of a number, whole unless `default` is a float.
        choices: The values it can have with their titles, where it is no number; without these and without a
            range it is the name of a layer.
    """

    name: str
    label: str
    default: OptionValue
    help: str
    low: float | None = None
    high: float | None = None
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> Literal["number", "choice", "layer"]:
        """Whether it is a number, a choice or a layer."""
        if self.low is not None:
            return "number"
        return "choice" if self.choices else "layer"

    def check(self, value: OptionValue, title: str) -> OptionValue:
        """Return the value if it is allowed, else raise `ExplainError`."""
        whole = not isinstance(self.default, float)
        if self.kind == "choice":
            if isinstance(value, str) and value in self.choices:
                return value
            raise ExplainError(f"{self.label} of {title} must be one of {', '.join(self.choices)}, not {value!r}.")
        if value is None and self.default is None:
            return None
        if self.kind == "layer":
            if isinstance(value, str):
                return value
            raise ExplainError(f"{self.label} of {title} must be the name of a layer, not {value!r}.")
        assert self.low is not None and self.high is not None
        fits = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not fits or not self.low <= value <= self.high:  # type: ignore[operator]
            number = "a whole number" if whole else "a number"
            raise ExplainError(
                f"{self.label} of {title} must be {number} from {self.low:g} to {self.high:g}, not {value!r}."
            )
        return value if whole else float(value)  # type: ignore[arg-type]
