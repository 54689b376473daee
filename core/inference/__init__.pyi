from .random_state import SeededGlobalState as SeededGlobalState
from .random_state import seeded as seeded
from .stamped import StampedNetwork as StampedNetwork
from .stamped import load_stamped as load_stamped

__all__ = [
    "SeededGlobalState",
    "StampedNetwork",
    "load_stamped",
    "seeded",
]
