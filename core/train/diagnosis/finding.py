"""What a rule of the diagnosis finds in a run, in words fit to show a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from core.model.spec import ModelSpec

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Severity(IntEnum):
    """How much harm is done: worth knowing, learns worse than it could, learns nothing."""

    HINT = 1
    HARM = 2
    LOST = 3


@dataclass(frozen=True)
class Finding:
    """What one rule found in a run.

    Attributes:
        rule: Key of `core.train.RULES`.
        title: The symptom in a few words.
        evidence: One sentence with what was measured.
        remedy: One sentence on what to do.
        severity: How much harm is done.
        changes: Settings of `TrainConfig` that would mend it; may be empty.
        spec: The network that would mend it, if another one would.
        measure: Where it shows: "loss", "accuracy", "gradient", "dead" or nowhere ("").
        first, last: The stretch that shows it, in epochs since the start.
    """

    rule: str
    title: str
    evidence: str
    remedy: str
    severity: Severity
    changes: Mapping[str, Any] = field(default_factory=dict)
    spec: ModelSpec | None = None
    measure: str = ""
    first: float = 0.0
    last: float = 0.0


def number(value: float) -> str:
    """Write a measured number with the digits that matter: 4 × 10²⁸, 52,547, 2.30, 0.0004, 5 × 10⁻⁶."""
    if abs(value) >= 1e7 or 0 < abs(value) < 1e-4:
        digits, _, power = f"{value:.0e}".partition("e")
        return f"{digits} × 10{str(int(power)).translate(_RAISED)}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.1g}"
