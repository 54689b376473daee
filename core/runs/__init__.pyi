from .checkpoint import Checkpoint as Checkpoint
from .checkpoint import load_checkpoint as load_checkpoint
from .checkpoint import save_checkpoint as save_checkpoint
from .follower import RunFollower as RunFollower
from .history import History as History
from .history import Point as Point
from .lifecycle import Status as Status
from .records import Event as Event
from .records import Evidence as Evidence
from .records import Metric as Metric
from .records import Run as Run
from .store import RunStore as RunStore

__all__ = [
    "Checkpoint",
    "Event",
    "Evidence",
    "History",
    "Metric",
    "Point",
    "Run",
    "RunFollower",
    "RunStore",
    "Status",
    "load_checkpoint",
    "save_checkpoint",
]
