"""Rules about a loss or a gradient that is far too large: inputs, learning rate, explosion."""

import numpy as np

from core.model.layers import Backbone
from core.train.describe import USUAL_LR, rounded
from core.train.diagnosis.finding import Finding, Severity, number
from core.train.diagnosis.run_arrays import Numbers, RunArrays

# Before the first update fresh networks have 0.97 to 1.2 times the guessing loss and a gradient of 0.2 to 4.6.
WILD, ODD, STEEP = 1.3, 1.1, 8.0
LEAP = 1.4  # times the guessing loss, over 64 images; squared errors cannot grow beyond 2
LEARNED = 0.7  # times the guessing loss
EXPLOSION = 100.0  # times the usual gradient


def inputs(s: RunArrays) -> Finding | None:
    """Find a loss far above guessing before anything was learned: the first layer is given too large numbers."""
    first = float(min(s.loss[0], s.smooth[0]))  # a single image may be hard
    norms = s.gradients.get("all")
    start = norms.values[0] if norms is not None and norms.steps[0] == 1 else 0.0
    if s.steps[0] != 1 or first < (ODD if start > STEEP else WILD) * s.guess:
        return None
    evidence = f"Before its first update the network had a loss of {number(first)}; guessing costs {number(s.guess)}"
    if norms is not None and start > 3 * np.median(norms.values):
        evidence += f", and its gradient was {number(start)}, later {number(float(np.median(norms.values)))}"
    settled = np.flatnonzero(s.smooth < s.guess)
    scaled = s.settings.inputs == "standard" or isinstance(s.run.spec.layers[0], Backbone)
    return Finding(
        rule="inputs",
        title="Starts from wild guesses" if scaled else "Inputs not normalised",
        evidence=evidence + ".",
        remedy=(
            "Put batch norm after the convolutions, so that the numbers keep their size from layer to layer."
            if scaled
            else "Give the network pixels of mean 0 and deviation 1, which its first weights are made for."
        ),
        severity=Severity.LOST if s.exploded or _stuck(s) else Severity.HARM,
        changes={} if scaled else {"inputs": "standard"},
        measure="loss",
        last=s.at(s.steps[settled[0]]) if len(settled) else s.now,
    )


def high_rate(s: RunArrays) -> Finding | None:
    """Find a loss that leaps above guessing before the network has learned, or when the learning rate rises."""
    place = _leap(s)
    if place is None or not _from_rate(s, place):
        return None
    step = s.steps[place] if place < len(s.steps) else s.steps[-1] + 1
    evidence = (
        f"The loss was {number(float(s.loss[0]))} at first and no longer a number after step {int(s.steps[-1]):,}"
    )
    if not s.exploded:
        evidence = f"The loss leapt to {number(float(s.loss[place:].max()))} in step {int(_peak(s, place)):,} and "
        evidence += f"stays at {number(s.level)}" if _stuck(s) else f"is now {number(s.level)}"
    typical = USUAL_LR[s.settings.optimizer]
    lr = typical if s.settings.lr > typical else rounded(s.settings.lr / 10)
    return Finding(
        rule="high_rate",
        title="Learning rate too high",
        evidence=f"{evidence}; guessing costs {number(s.guess)}.",
        remedy=f"Lower the learning rate from {s.settings.lr:g} to {lr:g}.",
        severity=Severity.LOST if s.exploded or _stuck(s) else Severity.HARM,
        changes={"lr": lr},
        measure="loss",
        first=s.at(max(0, step - 1)),
        last=s.now if s.exploded or _stuck(s) else s.at(_peak(s, place)),
    )


def exploding(s: RunArrays) -> Finding | None:
    """Find a gradient that grows by orders of magnitude in a network that was learning."""
    norms = s.gradients.get("all")
    grown = _growth(norms.values) if norms is not None else None
    if not s.exploded and (grown is None or _leap(s) is None):
        return None
    first = last = s.now
    evidence = f"After step {int(s.steps[-1]):,} the loss was no longer a number"
    if norms is not None and grown is not None:
        usual, most = np.median(norms.values[:grown]), norms.values[grown:].max()
        evidence = f"The gradient grew from about {number(usual)} to {number(most)}"
        first, last = s.at(norms.steps[grown]), s.at(norms.steps[grown + norms.values[grown:].argmax()])
        evidence += " before the loss was no longer a number" if s.exploded else ""
    clipped = 0 < s.settings.clip_norm <= 1
    lr = rounded(s.settings.lr / 10)
    return Finding(
        rule="exploding",
        title="Exploding gradients",
        evidence=evidence + ".",
        remedy=f"Lower the learning rate to {lr:g}." if clipped else "Clip the gradient to a norm of 1.",
        severity=Severity.LOST if s.exploded or _stuck(s) else Severity.HARM,
        changes={"lr": lr} if clipped else {"clip_norm": 1.0},
        measure="gradient",
        first=first,
        last=max(first, last),
    )


def _stuck(s: RunArrays) -> bool:
    return s.level >= 0.95 * s.guess


def _leap(s: RunArrays) -> int | None:
    """Return the first place after step 1 where the loss is far above guessing; where it was no number, the end."""
    high = np.flatnonzero(s.smooth[1:] > LEAP * s.guess) + 1
    return int(high[0]) if len(high) else len(s.loss) if s.exploded else None


def _peak(s: RunArrays, place: int) -> float:
    """Return the step of the largest loss from a place on."""
    return float(s.steps[-1] + 1 if s.exploded else s.steps[place + s.loss[place:].argmax()])


def _from_rate(s: RunArrays, place: int) -> bool:
    """Return whether the learning rate is to blame for a leap.

    It is if the network had not learned before, if the rate rose just then, or if it is far above the usual one.
    """
    rates = s.lr[: place + 1]
    unusual = rates[-1] > 1.9 * np.median(rates) or rates[-1] >= 10 * USUAL_LR[s.settings.optimizer]
    return bool(unusual or s.smooth[:place].min() > LEARNED * s.guess)


def _growth(norms: Numbers) -> int | None:
    """Return the first place where the gradient is far larger than it was usually, and than ever at the start."""
    large = 8 + np.flatnonzero(norms[8:] > 10 * norms[:8].max())
    if not len(large):
        return None
    huge = large[norms[large] > EXPLOSION * np.median(norms[: large[0]])]
    return int(huge[0]) if len(huge) else None
