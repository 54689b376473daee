"""Training: the loop, the worker process it runs in, and the engine that hands out runs."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "choices": ("LOSSES", "OPTIMIZERS", "SCHEDULES"),
        "config": ("LIVE", "TrainConfig"),
        "describe": ("config_changes", "in_words"),
        "diagnosis.diagnose": ("RULES",),
        "diagnosis.finding": ("Finding", "Severity"),
        "diagnosis.watch": ("Observer",),
        "engine": ("Engine",),
        "estimate": ("time_epoch",),
        "loop": ("Training", "train"),
        "metrics": ("Score", "Step", "evaluate"),
        "recipes": ("RECIPES", "Recipe"),
    },
)
