"""Rules about the loss and the learning rate: too high, too low, no better than guessing, not at its end yet."""

import numpy as np

from core.runs.records import Status
from core.train.findings import Finding, Severity, number
from core.train.symptoms import Symptoms

WILD = 1.3  # times the guessing loss before the first update; fresh networks have 0.97 to 1.05
LEAP = 1.4  # times the guessing loss, over 64 images; squared errors cannot grow beyond 2
LEARNED = 0.7  # times the guessing loss
EXPLOSION = 100.0  # times the usual gradient
# Where a search for the learning rate usually begins, by optimiser.
USUAL_LR = {"adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3, "nesterov": 0.01, "momentum": 0.01, "sgd": 0.1, "gd": 0.1}


def inputs(s: Symptoms) -> Finding | None:
    """Find a loss far above guessing before anything was learned: the first layer is given too large numbers."""
    first = float(s.loss[0])
    if s.steps[0] != 1 or first < WILD * s.guess:
        return None
    words = f"Before its first update the network had a loss of {number(first)}; guessing costs {number(s.guess)}"
    norms = s.gradients.get("all")
    if norms is not None and norms.steps[0] == 1 and norms.values[0] > 3 * np.median(norms.values):
        words += f", and its gradient was {number(norms.values[0])}, later {number(float(np.median(norms.values)))}"
    settled = np.flatnonzero(s.smooth < s.guess)
    scaled = s.settings.inputs == "standard"
    return Finding(
        rule="inputs",
        title="Starts from wild guesses" if scaled else "Inputs not normalised",
        evidence=words + ".",
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


def high_rate(s: Symptoms) -> Finding | None:
    """Find a loss that leaps above guessing before the network has learned, or when the learning rate rises."""
    place = _leap(s)
    if place is None or not _from_rate(s, place):
        return None
    step = s.steps[place] if place < len(s.steps) else s.steps[-1] + 1
    words = f"The loss was {number(float(s.loss[0]))} at first and no longer a number after step {int(s.steps[-1]):,}"
    if not s.exploded:
        words = f"The loss leapt to {number(float(s.loss[place:].max()))} in step {int(_peak(s, place)):,} and "
        words += f"stays at {number(s.level)}" if _stuck(s) else f"is now {number(s.level)}"
    typical = USUAL_LR[s.settings.optimizer]
    lr = typical if s.settings.lr > typical else _rounded(s.settings.lr / 10)
    return Finding(
        rule="high_rate",
        title="Learning rate too high",
        evidence=f"{words}; guessing costs {number(s.guess)}.",
        remedy=f"Lower the learning rate from {s.settings.lr:g} to {lr:g}.",
        severity=Severity.LOST if s.exploded or _stuck(s) else Severity.HARM,
        changes={"lr": lr},
        measure="loss",
        first=s.at(max(0, step - 1)),
        last=s.now if s.exploded or _stuck(s) else s.at(_peak(s, place)),
    )


def exploding(s: Symptoms) -> Finding | None:
    """Find a gradient that grows by orders of magnitude in a network that was learning."""
    norms = s.gradients.get("all")
    grown = _growth(norms.values) if norms is not None else None
    if not s.exploded and (grown is None or _leap(s) is None):
        return None
    first = last = s.now
    words = f"After step {int(s.steps[-1]):,} the loss was no longer a number"
    if norms is not None and grown is not None:
        usual, most = np.median(norms.values[:grown]), norms.values[grown:].max()
        words = f"The gradient grew from about {number(usual)} to {number(most)}"
        first, last = s.at(norms.steps[grown]), s.at(norms.steps[grown + norms.values[grown:].argmax()])
        words += " before the loss was no longer a number" if s.exploded else ""
    clipped = 0 < s.settings.clip_norm <= 1
    lr = _rounded(s.settings.lr / 10)
    return Finding(
        rule="exploding",
        title="Exploding gradients",
        evidence=words + ".",
        remedy=f"Lower the learning rate to {lr:g}." if clipped else "Clip the gradient to a norm of 1.",
        severity=Severity.LOST if s.exploded or _stuck(s) else Severity.HARM,
        changes={"lr": lr} if clipped else {"clip_norm": 1.0},
        measure="gradient",
        first=first,
        last=max(first, last),
    )


def low_rate(s: Symptoms) -> Finding | None:
    """Find a validation loss that falls after every epoch, but hardly."""
    if len(s.epochs) < 2 or not s.told:
        return None
    gone = (s.guess - s.valid_loss[-1]) / s.guess
    if not (np.diff(s.valid_loss) < 0).all() or not 5e-4 < gone < 0.05 * len(s.epochs):
        return None
    if s.train_loss[-1] > s.train_loss[0] or s.valid_loss[-1] < 0.5 * s.guess:
        return None
    lr = _rounded(min(s.settings.lr * 10, max(s.settings.lr * 3, USUAL_LR[s.settings.optimizer])))
    return Finding(
        rule="low_rate",
        title="Learning rate too low",
        evidence=(
            f"The validation loss falls after every epoch, but in {len(s.epochs)} epochs "
            f"only to {number(s.valid_loss[-1])}; guessing costs {number(s.guess)}."
        ),
        remedy=f"Raise the learning rate from {s.settings.lr:g} to {lr:g}.",
        severity=Severity.HARM,
        changes={"lr": lr},
        measure="loss",
        last=s.now,
    )


def guessing(s: Symptoms) -> Finding | None:
    """Find a network that after two epochs or more is no better than one that gives all classes the same chance."""
    known = len(s.epochs) < 2 or not s.told or min(s.valid_loss.min(), s.train_loss[-1]) < 0.98 * s.guess
    if known or s.valid_accuracy[-1] > s.lucky:
        return None
    changes = {"wrong_labels": 0.0} if s.settings.wrong_labels >= 0.5 else {}
    typical = USUAL_LR[s.settings.optimizer]
    remedy = "Look at the images and labels on the data page, then try another network or learning rate."
    if changes:
        remedy = "Train with the right labels."
    elif not typical / 3 <= s.settings.lr <= typical * 3:
        changes, remedy = {"lr": typical}, f"Try a learning rate of {typical:g}."
    return Finding(
        rule="guessing",
        title="No better than guessing",
        evidence=(
            f"After {len(s.epochs)} epochs the validation loss is {number(s.valid_loss[-1])} and "
            f"{s.valid_accuracy[-1]:.0%} are right; guessing costs {number(s.guess)} and gets {s.chance:.0%}."
        ),
        remedy=remedy,
        severity=Severity.LOST,
        changes=changes,
        measure="loss",
        last=s.now,
    )


def unconverged(s: Symptoms) -> Finding | None:
    """Find a training that ended while its validation loss was still falling fast."""
    if s.run.status not in (Status.FINISHED, Status.STOPPED) or len(s.epochs) < 3:
        return None
    before, *_, last = s.valid_loss[-3:]
    falls = -np.diff(s.valid_loss[-3:])
    if (falls <= 0).any() or falls.mean() < max(0.1 * before, 0.02 * s.guess) or s.valid_accuracy[-1] > 0.97:
        return None
    epochs = min(1000, 2 * s.settings.epochs)
    return Finding(
        rule="unconverged",
        title="Not yet converged",
        evidence=f"In the last two epochs the validation loss still fell from {number(before)} to {number(last)}.",
        remedy=f"Train for {epochs} epochs.",
        severity=Severity.HINT,
        changes={"epochs": epochs, "max_seconds": 0.0, "target_accuracy": 0.0},
        measure="loss",
        first=s.epochs[-3],
        last=s.epochs[-1],
    )


def _rounded(lr: float) -> float:
    return float(f"{lr:.3g}")


def _stuck(s: Symptoms) -> bool:
    return s.level >= 0.95 * s.guess


def _leap(s: Symptoms) -> int | None:
    """Return the first place after step 1 where the loss is far above guessing; where it was no number, the end."""
    high = np.flatnonzero(s.smooth[1:] > LEAP * s.guess) + 1
    return int(high[0]) if len(high) else len(s.loss) if s.exploded else None


def _peak(s: Symptoms, place: int) -> float:
    """Return the step of the largest loss from a place on."""
    return float(s.steps[-1] + 1 if s.exploded else s.steps[place + s.loss[place:].argmax()])


def _from_rate(s: Symptoms, place: int) -> bool:
    """Return whether the network had not learned before it leapt, or leapt when its learning rate rose."""
    before = s.smooth[:place]
    if before.min() > LEARNED * s.guess:
        return True
    rates = s.lr[: place + 1]
    return bool(rates[-1] > 1.9 * np.median(rates))


def _growth(norms: np.ndarray) -> int | None:
    """Return the first place where the gradient is far larger than usual before and than ever at the start."""
    for place in range(8, len(norms)):
        if norms[place] > max(EXPLOSION * np.median(norms[:place]), 10 * norms[:8].max()):
            return place
    return None
