from .config import OPTIMIZERS as OPTIMIZERS
from .config import TrainConfig as TrainConfig
from .engine import Engine as Engine
from .loop import Step as Step
from .loop import Training as Training
from .loop import train as train
from .metrics import Score as Score
from .metrics import evaluate as evaluate
from .speed import time_epoch as time_epoch

__all__ = [
    "OPTIMIZERS",
    "Engine",
    "Score",
    "Step",
    "TrainConfig",
    "Training",
    "evaluate",
    "time_epoch",
    "train",
]
