from .checkpoint import Checkpoint as Checkpoint
from .checkpoint import load_checkpoint as load_checkpoint
from .checkpoint import save_checkpoint as save_checkpoint
from .history import History as History
from .history import Point as Point
from .records import Event as Event
from .records import Evidence as Evidence
from .records import Metric as Metric
from .records import Run as Run
from .records import Status as Status
from .store import RunStore as RunStore

__all__ = [
    "Checkpoint",
    "Event",
    "Evidence",
    "History",
    "Metric",
    "Point",
    "Run",
    "RunStore",
    "Status",
    "load_checkpoint",
    "save_checkpoint",
]
