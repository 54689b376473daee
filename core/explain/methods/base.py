"""`Method`: a method of explanation with its texts, options, cost and function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from core.errors import ExplainError
from core.options import Option, OptionValue

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.request import AttributionRequest

Shape = tuple[int, int, int]
Family = Literal["Gradients", "Rules for going back", "Layers", "Covering", "Units"]


@dataclass(frozen=True)
class Promise:
    """The completeness axiom of a method: what its attributions sum to, tested on every preset and pretrained network.

    Attributes:
        of: The "change" of the score from the starting picture to this one, or the "score" itself.
        words: The promise as it is shown, with what it depends on; one or two sentences.
        within: The share of it that may be missing at most with the settings in `options`; a map that misses more
            falls short.
        options: The settings with which tests hold it.
        lacking: Where the rest is of a map that falls short, to be read after a colon.
    """

    of: Literal["change", "score"]
    words: str
    within: float
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    lacking: str = "the difference is rounding."


@dataclass(frozen=True)
class Method:
    """A method of explanation.

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
            and the image's shape (C, H, W): what it costs. Where superpixels or a layer's maps are
            counted it is the most it can be.
        compute: Answers a question: (C, H, W) like the image, or (H, W) where it cannot tell channels apart.
        options: Its settings.
        backward: Whether it also goes back through the network.
        random: Whether it draws random numbers; the same call gives the same values all the same.
        unfolded: Whether it needs a network in which every module is used once and nothing works in place.
        promise: What its values sum to, where it promises that.
        blank: Why its map may be zero everywhere, in one sentence.
        counts: How its values are parts of the score, see `core.explain.strength`: their "sum" over a layer's cells, or
            the "range" between them; None where they have another unit or are spread over single pixels.
        instead: Methods that are shown where its map says nothing, in this order.
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
    passes: Callable[[Mapping[str, OptionValue], Shape], int]
    compute: Callable[[AttributionRequest], Tensor]
    options: tuple[Option, ...] = ()
    backward: bool = True
    random: bool = False
    unfolded: bool = False
    promise: Promise | None = None
    blank: str = "no change of the picture moves this score, because no unit on the way to it is active."
    counts: Literal["sum", "range"] | None = None
    instead: tuple[str, ...] = ()

    def resolve(self, values: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
        """Return every option with its value, the default where none is given; raises `ExplainError`."""
        described = {option.name: option for option in self.options}
        for name in values:
            if name not in described:
                has = f"its options are {', '.join(described)}" if described else "it has no options"
                raise ExplainError(f"{self.title} has no option {name!r}: {has}.")
        return {name: self._checked(option, values.get(name, option.default)) for name, option in described.items()}

    def _checked(self, option: Option, value: OptionValue) -> OptionValue:
        try:
            checked: OptionValue = option.check(value)
        except ValueError as error:
            allowed = f"one of {', '.join(option.choices)}" if option.choices else error
            raise ExplainError(f"{option.label} of {self.title} must be {allowed}, not {value!r}.") from None
        return checked
