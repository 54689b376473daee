from .choices import LOSSES as LOSSES
from .choices import OPTIMIZERS as OPTIMIZERS
from .choices import SCHEDULES as SCHEDULES
from .config import LIVE as LIVE
from .config import TrainConfig as TrainConfig
from .engine import Engine as Engine
from .loop import Training as Training
from .loop import train as train
from .metrics import Score as Score
from .metrics import Step as Step
from .metrics import evaluate as evaluate
from .speed import time_epoch as time_epoch

__all__ = [
    "LIVE",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "Engine",
    "Score",
    "Step",
    "TrainConfig",
    "Training",
    "evaluate",
    "time_epoch",
    "train",
]
