from .choices import LOSSES as LOSSES
from .choices import OPTIMIZERS as OPTIMIZERS
from .choices import SCHEDULES as SCHEDULES
from .config import LIVE as LIVE
from .config import TrainConfig as TrainConfig
from .describe import config_changes as config_changes
from .describe import in_words as in_words
from .diagnosis.diagnose import RULES as RULES
from .diagnosis.finding import Finding as Finding
from .diagnosis.finding import Severity as Severity
from .diagnosis.watch import Observer as Observer
from .engine import Engine as Engine
from .estimate import time_epoch as time_epoch
from .loop import Training as Training
from .loop import train as train
from .metrics import Score as Score
from .metrics import Step as Step
from .metrics import evaluate as evaluate
from .recipes import RECIPES as RECIPES
from .recipes import Recipe as Recipe

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
