from .making import DemoStatus as DemoStatus
from .making import cancel as cancel
from .making import queue as queue
from .making import standing as standing
from .making import train_here as train_here
from .plans import DEMOS as DEMOS
from .plans import Demo as Demo

__all__ = ["DEMOS", "Demo", "DemoStatus", "cancel", "queue", "standing", "train_here"]
