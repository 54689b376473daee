"""The record of every training: settings, requests, metrics, events and checkpoints."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "checkpoint": ("Checkpoint", "load_checkpoint", "save_checkpoint"),
        "follower": ("RunFollower",),
        "history": ("History", "Point"),
        "lifecycle": ("Status",),
        "records": ("Event", "Evidence", "Metric", "Run"),
        "store": ("RunStore",),
    },
)
