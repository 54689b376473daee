"""Learning rates as people choose them."""

# Where a search for the learning rate usually begins, by optimiser.
USUAL_LR = {"adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3, "nesterov": 0.01, "momentum": 0.01, "sgd": 0.1, "gd": 0.1}


def rounded(lr: float) -> float:
    """Return a learning rate with three digits, as one would type it."""
    return float(f"{lr:.3g}")
