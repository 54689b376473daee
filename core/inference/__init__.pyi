from .library import NetworkLibrary as NetworkLibrary
from .library import open_network as open_network
from .network import Network as Network
from .random_state import SeededGlobalState as SeededGlobalState
from .random_state import seeded as seeded
from .stamped import StampedNetwork as StampedNetwork
from .stamped import load_stamped as load_stamped

__all__ = [
    "Network",
    "NetworkLibrary",
    "SeededGlobalState",
    "StampedNetwork",
    "load_stamped",
    "open_network",
    "seeded",
]
