"""Which engine trains the runs of an app, as the settings choose."""

from core.runs.store import RunStore
from core.settings import settings
from core.train.engine import Engine


def start_engine(store: RunStore) -> Engine:
    """Start the engine that `CONVSCOPE_ENGINE` names for the runs of a store; raises `ConvScopeError` if there is none.

    Each takes the same requests; they differ in where the workers are.
    """
    chosen = settings().engine
    if chosen == "ray":
        from core.train.ray_engine import RayEngine

        return RayEngine(store)
    return Engine(store, slots=0 if chosen == "none" else None)
