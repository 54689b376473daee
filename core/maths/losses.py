"""Losses by name, their gradients at the logits, and both as functions of the true class's probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import ConvScopeError
from core.maths.arrays import Floats, floats


@dataclass(frozen=True)
class Loss:
    """A loss function with its formulas.

    Attributes:
        title: What it is called on screen.
        formula: The value for one image in LaTeX: p are its probabilities, z its logits, y the one-hot target with
            the true class t, K the number of classes.
        gradient: dL/dz for one image in LaTeX.
    """

    title: str
    formula: str
    gradient: str


LOSSES = {
    "cross_entropy": Loss(
        "Cross-entropy",
        r"L = -\sum_k y_k \log p_k, \quad p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}",
        r"\frac{\partial L}{\partial z_k} = p_k - y_k",
    ),
    "nll": Loss(
        "Negative log-likelihood",
        r"L = -\ell_t, \quad \ell_k = z_k - \log \sum_j e^{z_j}",
        r"\frac{\partial L}{\partial z_k} = e^{\ell_k} - y_k",
    ),
    "mse": Loss(
        "Mean squared error",
        r"L = \frac{1}{K} \sum_k (p_k - y_k)^2, \quad p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}",
        r"\frac{\partial L}{\partial z_k} = \frac{2}{K}\, p_k \Bigl((p_k - y_k) - \sum_j p_j (p_j - y_j)\Bigr)",
    ),
}


@dataclass(frozen=True, eq=False)
class LossCurve:
    """A loss along the probability of the true class.

    Attributes:
        probabilities: Those of the true class, (M,).
        values: The loss of the one image at each of them, (M,).
        gradients: The size of dL/d logit of the true class at each of them, (M,).
    """

    probabilities: Floats
    values: Floats
    gradients: Floats


def log_softmax(logits: ArrayLike) -> Floats:
    """Return the logarithms of `softmax` without the detour by numbers that underflow; (…, K) as it came."""
    scores = floats(logits, "logits")
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(logits: ArrayLike) -> Floats:
    """Return exp(logit) over the sum of all, along the last axis: (…, K) numbers above 0 that sum to 1."""
    return np.exp(log_softmax(logits))


def loss_value(name: str, logits: ArrayLike, labels: ArrayLike, *, label_smoothing: float = 0.0) -> float:
    """Return the mean loss of the images, as a training takes it.

    Args:
        name: A name in `LOSSES`. "mse" compares the probabilities with one-hot targets, mean over classes.
        logits: (N, K).
        labels: True classes, int (N,).
        label_smoothing: Share of the target that is dealt out evenly, from 0 to 1 (Szegedy et al. 2016); it
            belongs to cross-entropy alone and changes no other loss.

    Raises:
        ConvScopeError: The name is unknown, the shapes do not fit, or a label is no class.
    """
    scores, targets = _checked(name, logits, labels, label_smoothing)
    return float(_values(name, scores, targets).mean())


def loss_gradient(name: str, logits: ArrayLike, labels: ArrayLike, *, label_smoothing: float = 0.0) -> Floats:
    """Return dL/d logits of the mean loss, (N, K).

    Args:
        name, logits, labels, label_smoothing: As in `loss_value`.

    Raises:
        ConvScopeError: As in `loss_value`.
    """
    scores, targets = _checked(name, logits, labels, label_smoothing)
    return _slopes(name, scores, targets) / len(scores)


def loss_slide(
    name: str, logits: ArrayLike, label: int, probabilities: ArrayLike, *, label_smoothing: float = 0.0
) -> LossCurve:
    """Return a loss and its gradient at the true logit as the true class's probability slides.

    Only the true logit moves, so that the other classes keep their proportions.

    Args:
        name: A name in `LOSSES`.
        logits: Those of one image, (K,) with K ≥ 2.
        label: Its true class.
        probabilities: Where to look, between 0 and 1, both excluded, (M,).
        label_smoothing: As in `loss_value`.

    Raises:
        ConvScopeError: As in `loss_value`; or there is one class only, or a probability is not between 0 and 1.
    """
    scores, shares = floats(logits, "logits", 1), floats(probabilities, "probabilities", 1)
    if len(scores) < 2:
        raise ConvScopeError("A probability can slide only between two classes or more.")
    if not ((shares > 0) & (shares < 1)).all():
        raise ConvScopeError("The true class's probability must lie between 0 and 1, both excluded.")
    rows, targets = _checked(name, np.tile(scores, (len(shares), 1)), np.full(len(shares), label), label_smoothing)
    others = np.delete(scores, label)
    rows[:, label] = others.max() + np.log(np.exp(others - others.max()).sum()) + np.log(shares / (1.0 - shares))
    return LossCurve(shares, _values(name, rows, targets), np.abs(_slopes(name, rows, targets)[:, label]))


def _checked(name: str, logits: ArrayLike, labels: ArrayLike, label_smoothing: float) -> tuple[Floats, Floats]:
    """Return the logits and the target distributions, (N, K) both."""
    if name not in LOSSES:
        raise ConvScopeError(f"There is no loss {name!r}: choose one of {', '.join(LOSSES)}.")
    if not 0 <= label_smoothing <= 1:
        raise ConvScopeError(f"label_smoothing must be from 0 to 1, not {label_smoothing}.")
    scores = floats(logits, "logits", 2)
    classes = np.asarray(labels)
    count, kinds = scores.shape
    if classes.shape != (count,) or count == 0:
        raise ConvScopeError(f"There must be one label for each row of logits: {classes.shape} beside {scores.shape}.")
    if not np.issubdtype(classes.dtype, np.integer) or not ((classes >= 0) & (classes < kinds)).all():
        raise ConvScopeError(f"Labels must be whole numbers from 0 to {kinds - 1}.")
    targets = np.eye(kinds)[classes]
    if name == "cross_entropy":
        targets = (1.0 - label_smoothing) * targets + label_smoothing / kinds
    return scores, targets


def _values(name: str, logits: Floats, targets: Floats) -> Floats:
    if name == "mse":
        return ((softmax(logits) - targets) ** 2).mean(axis=1)
    return -(targets * log_softmax(logits)).sum(axis=1)


def _slopes(name: str, logits: Floats, targets: Floats) -> Floats:
    shares = softmax(logits)
    if name == "mse":
        distance = shares - targets
        return 2.0 / logits.shape[1] * shares * (distance - (shares * distance).sum(axis=1, keepdims=True))
    return shares - targets
