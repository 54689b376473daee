"""The rules a training can follow, by name: a registry for each menu; nothing here needs torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """One rule: its title, and what it does in one sentence."""

    title: str
    summary: str


OPTIMIZERS = {
    "adam": Choice("Adam", "Gives every weight its own step size from the mean and spread of its gradients."),
    "adamw": Choice("AdamW", "Adam, with weight decay kept apart from the gradient."),
    "rmsprop": Choice("RMSProp", "Divides each step by the recent size of that weight's gradients."),
    "nesterov": Choice("Nesterov momentum", "Momentum that looks at the gradient ahead of where it is rolling."),
    "momentum": Choice("Momentum", "Mini-batch descent that keeps rolling in the direction of past gradients."),
    "sgd": Choice("Stochastic gradient descent", "One step against the gradient of each batch."),
    "gd": Choice("Gradient descent", "One step an epoch, against the gradient of the full training set."),
}
LOSSES = {
    "cross_entropy": Choice("Cross-entropy", "Minus the log of the probability given to the true class."),
    "nll": Choice(
        "Negative log-likelihood", "The same number, computed in two steps: log-probabilities, then their sum."
    ),
    "mse": Choice(
        "Mean squared error", "Squared distance of the probabilities from one-hot targets, mean over classes."
    ),
}
SCHEDULES = {
    "constant": Choice("Constant", "The same learning rate throughout."),
    "step": Choice("Steps", "Multiplied by a factor every few epochs."),
    "cosine": Choice("Cosine", "Falls along half a cosine to nothing at the end."),
    "one_cycle": Choice("One cycle", "Rises for 30% of the training, then falls far below where it began."),
}
ORDERS = {
    "shuffled": Choice("Shuffled", "A new random order every epoch."),
    "by_class": Choice("Class after class", "All images of one class, then the next: what sorted folders give."),
}
INPUTS = {
    "standard": Choice("Mean 0, deviation 1", "Each channel shifted and scaled by the training images' statistics."),
    "unit": Choice("0 to 1", "Pixels divided by 255."),
    "raw": Choice("0 to 255", "Pixels as they are stored: too large for the initial weights."),
}
BEGINNINGS = {
    "random": Choice("Random numbers", "Small random weights, as PyTorch draws them."),
    "by_hand": Choice("Hand-made kernels", "Blur, sharpen, Sobel, Gabor and others, one filter each; the rest random."),
}


def titles(rules: dict[str, Choice]) -> dict[str, str]:
    """Return the titles of a registry by name."""
    return {name: rule.title for name, rule in rules.items()}
