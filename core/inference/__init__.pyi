from .random_state import SeededGlobalState as SeededGlobalState
from .random_state import seeded as seeded

__all__ = [
    "SeededGlobalState",
    "seeded",
]
