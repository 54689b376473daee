"""Rules about how far the loss has fallen: hardly, not at all, or not to its end."""

import numpy as np

from core.runs.records import Status
from core.train.describe import USUAL_LR, rounded
from core.train.diagnosis.finding import Finding, Severity, number
from core.train.diagnosis.run_arrays import RunArrays


def low_rate(s: RunArrays) -> Finding | None:
    """Find a validation loss that falls after every epoch, but hardly."""
    if len(s.epochs) < 2 or not s.conclusive:
        return None
    gone = (s.guess - s.valid_loss[-1]) / s.guess
    if not (np.diff(s.valid_loss) < 0).all() or not 5e-4 < gone < 0.05 * len(s.epochs):
        return None
    if s.train_loss[-1] > s.train_loss[0] or s.valid_loss[-1] < 0.5 * s.guess:
        return None
    lr = rounded(min(s.settings.lr * 10, max(s.settings.lr * 3, USUAL_LR[s.settings.optimizer])))
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


def guessing(s: RunArrays) -> Finding | None:
    """Find a network that after two epochs or more is no better than one that gives all classes the same chance."""
    improved = len(s.epochs) < 2 or not s.conclusive or min(s.valid_loss.min(), s.train_loss[-1]) < 0.98 * s.guess
    if improved or s.valid_accuracy[-1] > s.lucky:
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


def unconverged(s: RunArrays) -> Finding | None:
    """Find a training that ended while its validation loss was still falling fast."""
    if s.run.status not in (Status.FINISHED, Status.STOPPED) or len(s.epochs) < 3:
        return None
    before, *_, last = s.valid_loss[-3:]
    falls = -np.diff(s.valid_loss[-3:])
    if falls.min() < max(0.1 * before, 0.02 * s.guess) or s.valid_accuracy[-1] > 0.97:
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
        first=float(s.epochs[-3]),
        last=float(s.epochs[-1]),
    )
