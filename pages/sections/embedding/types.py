"""What a map of the data is drawn from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.inference.network import Network

if TYPE_CHECKING:
    from core.probe.embedding.data_map import DataMap, MissingMap


@dataclass(frozen=True, eq=False)
class Chart:
    """What is drawn.

    Attributes:
        network: Whose map; those of its run, where there are several moments.
        layer, method: Which layer's numbers, laid out how.
        numbers: Of the test images, in the order of the maps' rows.
        made: The maps.
        side: 1 for the second of two networks.
        narrow: Whether two stand side by side.
    """

    network: Network
    layer: str
    method: str
    numbers: np.ndarray
    made: "tuple[DataMap | MissingMap, ...]"
    side: int
    narrow: bool
