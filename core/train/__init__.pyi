from .choices import LOSSES as LOSSES
from .choices import OPTIMIZERS as OPTIMIZERS
from .choices import SCHEDULES as SCHEDULES
from .config import LIVE as LIVE
from .config import TrainConfig as TrainConfig
from .diagnose import RULES as RULES
from .difference import config_changes as config_changes
from .engine import Engine as Engine
from .findings import Finding as Finding
from .findings import Severity as Severity
from .loop import Training as Training
from .loop import train as train
from .metrics import Score as Score
from .metrics import Step as Step
from .metrics import evaluate as evaluate
from .observer import Observer as Observer
from .recipes import RECIPES as RECIPES
from .recipes import Recipe as Recipe
from .speed import time_epoch as time_epoch
from .wording import in_words as in_words

__all__ = [
    "LIVE",
    "LOSSES",
    "OPTIMIZERS",
    "RECIPES",
    "RULES",
    "SCHEDULES",
    "Engine",
    "Finding",
    "Observer",
    "Recipe",
    "Score",
    "Severity",
    "Step",
    "TrainConfig",
    "Training",
    "config_changes",
    "evaluate",
    "in_words",
    "time_epoch",
    "train",
]
