"""The optimiser workbench: one weight under every optimiser, number by number, and their race over a landscape."""

from core.inference.network import Network
from pages.shared.bench_race import landscape_race
from pages.shared.bench_weight import weight_steps


def optimizer_bench(weights: Network) -> None:
    """Show what every optimiser does to one weight of a network, and how they cross a landscape of two weights.

    Each of the two parts is a fragment of its own: what is changed in one does not draw the other again.
    """
    weight_steps(weights)
    landscape_race()
