"""What a method of explanation is: its words, its settings, its cost, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from core.errors import ExplainError

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.question import Question

Shape = tuple[int, int, int]
Choice = int | float | str | None
Family = Literal["Gradients", "Rules for going back", "Layers", "Covering", "Units"]


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
    default: Choice
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

    def check(self, value: Choice, title: str) -> Choice:
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


@dataclass(frozen=True)
class Promise:
    """What a method says its values sum to; tests hold it over every preset and pretrained network.

    Attributes:
        of: The "change" of the score from the starting picture to this one, or the "score" itself.
        words: The promise as it is shown, with what it depends on; one or two sentences.
        within: The share of it that may be missing at most with the settings in `options`.
        options: The settings with which tests hold it.
    """

    of: Literal["change", "score"]
    words: str
    within: float
    options: Mapping[str, Choice] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """One way of explaining a prediction.

    Attributes:
        name: Its key in `METHODS`.
        title: Its name on the screen.
        family: What kind of method it is: the headings of the menu.
        paper: Authors, year and DOI or arXiv number.
        measures: What its values are, in one sentence.
        cannot: What it cannot show, in one sentence.
        signed: Whether negative values mean something.
        positive: What its positive values mark, to be read after "red:" or "light:".
        negative: What its negative values mark; None where there are none.
        passes: Passes of one image through the network, forward and backward counted apart, from its options
            and the image's shape (C, H, W): what it costs. Where superpixels are counted it is the most it can be.
        compute: Answers a question: (C, H, W) like the image, or (H, W) where it cannot tell channels apart.
        options: Its settings.
        backward: Whether it also goes back through the network.
        random: Whether it draws random numbers; the same call gives the same values all the same.
        unfolded: Whether it needs a network in which every module is used once and nothing works in place.
        promise: What its values sum to, where it promises that.
        blank: Why its map may be zero everywhere, in one sentence.
    """

    name: str
    title: str
    family: Family
    paper: str
    measures: str
    cannot: str
    signed: bool
    positive: str
    negative: str | None
    passes: Callable[[Mapping[str, Choice], Shape], int]
    compute: Callable[[Question], Tensor]
    options: tuple[Option, ...] = ()
    backward: bool = True
    random: bool = False
    unfolded: bool = False
    promise: Promise | None = None
    blank: str = "no change of the picture moves this score, because no unit on the way to it is active."

    def resolve(self, given: Mapping[str, Choice]) -> dict[str, Choice]:
        """Return every option with its value, the default where none is given; raises `ExplainError`."""
        known = {option.name: option for option in self.options}
        for name in given:
            if name not in known:
                has = f"its options are {', '.join(known)}" if known else "it has no options"
                raise ExplainError(f"{self.title} has no option {name!r}: {has}.")
        return {name: option.check(given.get(name, option.default), self.title) for name, option in known.items()}
