"""The rules a training can follow, by name: a registry for each menu; nothing here needs torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule: its title, and what it does in one sentence."""

    title: str
    summary: str


OPTIMIZERS = {
    "adam": Rule("Adam", "Gives every weight its own step size from the mean and spread of its gradients."),
    "adamw": Rule("AdamW", "Adam, with weight decay kept apart from the gradient."),
    "rmsprop": Rule("RMSProp", "Divides each step by the recent size of that weight's gradients."),
    "nesterov": Rule("Nesterov momentum", "Momentum that looks at the gradient ahead of where it is rolling."),
    "momentum": Rule("Momentum", "Mini-batch descent that keeps rolling in the direction of past gradients."),
    "sgd": Rule("Stochastic gradient descent", "One step against the gradient of each batch."),
    "gd": Rule("Gradient descent", "One step an epoch, against the gradient of the full training set."),
}
LOSSES = {
    "cross_entropy": Rule("Cross-entropy", "Minus the log of the probability given to the true class."),
    "nll": Rule(
        "Negative log-likelihood", "The same number, computed in two steps: log-probabilities, then their sum."
    ),
    "mse": Rule("Mean squared error", "Squared distance of the probabilities from one-hot targets, mean over classes."),
}
SCHEDULES = {
    "constant": Rule("Constant", "The same learning rate throughout."),
    "step": Rule("Steps", "Multiplied by a factor every few epochs."),
    "cosine": Rule("Cosine", "Falls along half a cosine to nothing at the end."),
    "one_cycle": Rule("One cycle", "Rises for 30 % of the training, then falls far below where it began."),
}
ORDERS = {
    "shuffled": Rule("Shuffled", "A new random order every epoch."),
    "by_class": Rule("Class after class", "All images of one class, then the next: what sorted folders give."),
}
INPUTS = {
    "standard": Rule("Mean 0, deviation 1", "Each channel shifted and scaled by the training images' statistics."),
    "unit": Rule("0 to 1", "Pixels divided by 255."),
    "raw": Rule("0 to 255", "Pixels as they are stored: too large for the initial weights."),
}
BEGINNINGS = {
    "random": Rule("Random numbers", "Small random weights, as PyTorch draws them."),
    "by_hand": Rule("Hand-made kernels", "Blur, sharpen, Sobel, Gabor and others, one filter each; the rest random."),
}


def titles(rules: dict[str, Rule]) -> dict[str, str]:
    """Return the titles of a registry by name."""
    return {name: rule.title for name, rule in rules.items()}
