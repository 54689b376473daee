"""Terms of a calculation: symbol, formula in LaTeX, the same with numbers substituted, and value."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Template

from numpy.typing import ArrayLike

from core.maths.arrays import Floats, floats

Known = Mapping[str, tuple[str, Floats]]


@dataclass(frozen=True, eq=False)
class Term:
    """One line of a calculation.

    Attributes:
        symbol: What is calculated, in LaTeX.
        template: How, in LaTeX with `$name` where a known quantity stands.
        value: What comes out, in the shape of the weight.
        quantities: Symbol and value of each quantity by its name.
    """

    symbol: str
    template: str
    value: Floats
    quantities: Known = field(repr=False)

    @property
    def formula(self) -> str:
        """The right side in symbols, LaTeX."""
        return Template(self.template).substitute({name: symbol for name, (symbol, _) in self.quantities.items()})

    @property
    def substituted(self) -> str:
        """The right side with four digits of every number, LaTeX; empty where the weight is more than one number."""
        if self.value.size != 1:
            return ""
        used = Template(self.template).get_identifiers()
        numbers = {name: latex_number(self.quantities[name][1].item()) for name in used}
        return Template(self.template).substitute(numbers)


class Calculation:
    """A calculation written line by line; values are read back by name."""

    def __init__(self, quantities: Mapping[str, tuple[str, ArrayLike]]) -> None:
        """Start with the given quantities: symbol and value by name."""
        self._known = {name: (symbol, floats(value, name)) for name, (symbol, value) in quantities.items()}
        self._terms: list[Term] = []

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms written so far, in order."""
        return tuple(self._terms)

    def __getitem__(self, name: str) -> Floats:
        return self._known[name][1]

    def get(self, name: str, default: Floats) -> Floats:
        """Return the value of a quantity, or `default` if it is not defined."""
        return self[name] if name in self._known else default

    def write(self, name: str, symbol: str, template: str, value: ArrayLike) -> None:
        """Add one term: from here on `name` is written as `symbol`."""
        result = floats(value, name)
        self._terms.append(Term(symbol, template, result, self._known))
        self._known[name] = (symbol, result)


def latex_number(value: float, *, brackets: bool = True) -> str:
    """Return a number with four digits in LaTeX, by default in brackets where a sign or exponent could be misread."""
    digits, _, exponent = f"{value:.4g}".partition("e")
    if not math.isfinite(value):
        digits = r"\text{NaN}" if math.isnan(value) else r"\infty" if value > 0 else r"-\infty"
    elif exponent:
        digits = rf"{digits} \cdot 10^{{{int(exponent)}}}"
    return f"({digits})" if brackets and (exponent or value < 0) else digits


def working(terms: Sequence[Term]) -> str:
    """Return the lines of a step as LaTeX: each in symbols, with its numbers, and what comes out."""
    return r"\begin{aligned}" + r" \\[9pt] ".join(_line(term) for term in terms) + r"\end{aligned}"


def _line(term: Term) -> str:
    out = latex_number(float(term.value), brackets=False)
    same = term.substituted in (out, f"({out})")
    rest = [out] if same else [term.substituted, out]
    return r" \\ ".join([f"{term.symbol} &= {term.formula}", *(f"&= {part}" for part in rest)])
