"""Rules about what is learned from: its order, its labels, how much there is of it, and learning it by heart."""

import numpy as np

from core.runs.scores import accuracy_text, split_size
from core.train.config import AUGMENTATIONS
from core.train.diagnosis.finding import Finding, Severity, number
from core.train.diagnosis.run_arrays import Numbers, RunArrays
from core.train.suggestion import VARIED

FEW = 40  # images of each class
# How much better it is on images it never saw: 0.02 at most with right labels, 0.07 to 0.28 with 30% wrong ones.
ODD, HINDERED = 0.06, 0.2


def order(s: RunArrays) -> Finding | None:
    """Find batches that are all right or all wrong: each holds one class, so they were not shuffled."""
    shares = _shares(s)
    if len(shares) < 8:
        return None
    wrong, right = shares < s.chance / 4, shares > 0.9
    falls = int((right[:-2] & (wrong[1:-1] | wrong[2:])).sum())  # right, and at once wrong: the class has changed
    if wrong.mean() < 0.3 and falls < 2:
        return None
    words = f"Almost none of the images was right in {wrong.mean():.0%} of the batches"
    if right.any():
        words += f" and almost all in {right.mean():.0%}"
    ordered = s.settings.order != "shuffled"
    return Finding(
        rule="order",
        title="Images come class after class",
        evidence=words + ", as if each batch held a single class.",
        remedy="Shuffle the images, so that every batch holds all classes.",
        severity=Severity.LOST if not len(s.epochs) or s.valid_accuracy[-1] < s.lucky else Severity.HARM,
        changes={"order": "shuffled"} if ordered else {},
        measure="accuracy",
        last=s.now,
    )


def _shares(s: RunArrays) -> Numbers:
    """Return the accuracy of neighbouring batches taken together, at least five images for each class."""
    count = int((np.diff(s.steps, prepend=0.0) == 1).cumprod().sum())  # those before the first that was left out
    width = -(-5 * s.num_classes // s.batch)
    shares: Numbers = s.accuracy[: count - count % width].reshape(-1, width).mean(axis=1)
    return shares


def labels(s: RunArrays) -> Finding | None:
    """Find training labels that do not follow from the images.

    Either the network is better on images it never saw than on those it learns from: it learns a rule that many
    training labels break. Or it knows many training labels by heart and no rule came of it.
    """
    # A batch is scored before it is learned, so what an epoch begins with and what it ends with are both compared.
    reach = np.minimum(s.valid_accuracy[:-1], s.valid_accuracy[1:]) - s.train_accuracy[1:]
    cost = s.train_loss[1:] - np.maximum(s.valid_loss[:-1], s.valid_loss[1:])
    odd = np.flatnonzero((reach > (HINDERED if _hindered(s) else ODD)) & (cost > ODD * s.guess))
    if len(odd):
        place, first = int(odd[-1]) + 1, float(s.epochs[odd[0]])
        end = "which it was never shown"
    elif _useless(s):
        place, first, end = len(s.epochs) - 1, 0.0, f"where guessing gets {s.chance:.0%}"
    else:
        return None
    return Finding(
        rule="labels",
        title="Labels that cannot be learned",
        evidence=(
            f"In epoch {s.epochs[place]:.0f} it got {s.train_accuracy[place]:.0%} of the training labels right, "
            f"but {s.valid_accuracy[place]:.0%} of the validation labels, {end}."
        ),
        remedy=(
            "Train with the right labels."
            if s.settings.wrong_labels
            else "Look through the training images on the data page: many of them seem to carry a wrong label."
        ),
        severity=Severity.HARM,
        changes={"wrong_labels": 0.0} if s.settings.wrong_labels else {},
        measure="accuracy",
        first=first,
        last=float(s.epochs[place]),
    )


def _useless(s: RunArrays) -> bool:
    """Return whether many images are being learned, and nothing of it holds for others."""
    if len(s.epochs) < 3 or s.images <= FEW * s.num_classes:
        return False
    guessed = s.valid_accuracy[-1] <= s.lucky and s.valid_loss[-1] > 0.98 * s.guess
    return bool(guessed and s.train_accuracy[-1] > s.valid_accuracy[-1] + 0.1)


def _hindered(s: RunArrays) -> bool:
    """Return whether training is made harder than validation on purpose."""
    dropped = max((getattr(layer, "p", 0.0) for layer in s.run.spec.layers), default=0.0)
    varied = any(getattr(s.settings, name) for name in AUGMENTATIONS)
    return varied or dropped >= 0.3


def few_images(s: RunArrays) -> Finding | None:
    """Find a small training set that is known by heart while other images are not."""
    if s.images > FEW * s.num_classes or not len(s.epochs):
        return None
    train, right = s.train_accuracy[-3:].max(), s.valid_accuracy[-1]
    if train < 0.95 or right > train - 0.08:
        return None
    since = s.epochs[np.flatnonzero(s.train_accuracy - s.valid_accuracy > 0.08)[0]]
    cut = bool(s.settings.train_images)
    return Finding(
        rule="few_images",
        title="Too few images",
        evidence=(
            f"It knows {train:.0%} of its {s.images:,} training images, about {s.images / s.num_classes:.0f} a class, "
            f"but of the validation images only {accuracy_text(float(right), split_size(s.run, 1))}."
        ),
        remedy=(
            "Train on all images there are."
            if cut
            else "Collect more images, or vary those there are by small shifts and turns."
        ),
        severity=Severity.HARM,
        changes={"train_images": 0} if cut else VARIED,
        measure="accuracy",
        first=max(0.0, float(since) - 1),
        last=s.now,
    )


def overfitting(s: RunArrays) -> Finding | None:
    """Find a validation loss that has been rising for three epochs or more while the training loss went on falling."""
    if len(s.epochs) < 4:
        return None
    best = int(s.valid_loss.argmin())
    low, since = s.valid_loss[best], s.valid_loss[best + 1 :]
    rise = max(0.2 * low, 0.02 * s.guess)
    if len(since) < 3 or (since[-3:] < low + rise).any() or s.train_loss[-1] > s.train_loss[best]:
        return None
    epoch = int(s.epochs[best])
    varied = s.settings.shift > 0 or s.settings.rotation > 0
    return Finding(
        rule="overfitting",
        title=f"Overfitting since epoch {epoch}",
        evidence=(
            f"Since epoch {epoch} the validation loss rose from {number(low)} to {number(since[-1])}, while the "
            f"training loss fell from {number(s.train_loss[best])} to {number(s.train_loss[-1])}."
        ),
        remedy=(
            "Stop once the validation loss has not fallen for two epochs."
            if varied
            else "Vary the images by small shifts and turns, and stop once the validation loss no longer falls."
        ),
        severity=Severity.HARM if since[-1] > 1.5 * low else Severity.HINT,
        changes={"patience": 2} if varied else {"patience": 3, **VARIED},
        measure="loss",
        first=float(epoch),
        last=float(s.epochs[-1]),
    )
