"""Cases to work through: a loss at its logits, and torch as the reference for sums by hand."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "loss_case": ("Case",),
        "torch_reference": ("torch_loss", "torch_weights"),
    },
)
