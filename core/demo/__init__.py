"""A small set of trainings, good and bad, that gives every page something to show: for a lesson, or a first look."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "making": ("DemoStatus", "cancel", "queue", "standing", "train_here"),
        "plans": ("DEMOS", "Demo"),
    },
)
