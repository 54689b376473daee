"""How the answer changes while a map's pixels go or come, and what chance scores: worked out in the background."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from core.errors import ConvScopeError
from core.explain.metrics.deletion_insertion import (
    NUM_SHIFTS,
    RANDOM_ORDERS,
    STEPS,
    random_removal,
    removal_curve,
    shifted_removal,
)
from core.progress import Progress
from pages.sections.explain.trust_request import TrustRequest
from pages.shared.network.comparison import attempt
from pages.shared.shell.background_jobs import background, lane_of

if TYPE_CHECKING:
    import numpy as np

    from core.explain.metrics.deletion_insertion import RandomCurves, RemovalCurve

TITLES = {"deletion": "Deletion", "insertion": "Insertion"}
COARSE = 128  # pictures with longer sides get fewer steps and orders


@dataclass(frozen=True, eq=False)
class Chances:
    """What maps score that know nothing of the picture: the same map at other places, and random pixels."""

    moved: "RandomCurves"
    noise: "RandomCurves"


@dataclass(frozen=True, eq=False)
class _Removal:
    """What a job needs of a request, so that it keeps nothing else alive.

    Attributes:
        model: (N, C, H, W) images to (N, K) logits.
        image: (C, H, W), normalised.
        values: The map, (C, H, W) or (H, W).
        target, versus: The class that is explained, and the one it is held against, or None.
        fill: What takes the place of removed pixels.
        sizes: See `sizes`.
    """

    model: Any
    image: Any
    values: "np.ndarray"
    target: int
    versus: int | None
    fill: str
    sizes: tuple[int, int, int]

    @classmethod
    def of(cls, request: TrustRequest, values: "np.ndarray", fill: str) -> "_Removal":
        """Return what is needed of a request."""
        model, image = request.network.model, request.image()
        return cls(model, image, values, request.target, request.versus, fill, sizes(request))


def sizes(request: TrustRequest) -> tuple[int, int, int]:
    """Return how many steps, other places and random orders a picture of this size gets.

    From step to step it is a whole per cent of the pixels, or several.
    """
    return (20, 6, 3) if max(request.picture.shape[1:]) > COARSE else (STEPS, NUM_SHIFTS, RANDOM_ORDERS)


def curves_of(
    request: TrustRequest, values: "np.ndarray", fill: str
) -> "dict[str, RemovalCurve | ConvScopeError] | None":
    """Return the curves of a map, or draw how far they are and return None."""
    work = partial(_both_curves, _Removal.of(request, values, fill))
    words = "Changing the picture step by step"
    return background(("curves", *request.key, fill), work, words=words, place="trust_curves")


def _both_curves(removal: _Removal, progress: Progress) -> "dict[str, RemovalCurve | ConvScopeError]":
    steps, *_ = removal.sizes

    def curve(mode: str) -> "RemovalCurve":
        return removal_curve(
            removal.model,
            removal.image,
            removal.values,
            removal.target,
            mode,
            removal.fill,
            versus=removal.versus,
            steps=steps,
            progress=progress,
        )

    return {mode: attempt(partial(curve, mode)) for mode in TITLES}


def chances_of(request: TrustRequest, values: "np.ndarray", fill: str) -> "dict[str, Chances | ConvScopeError] | None":
    """Return what chance scores, or draw how far that is, or the button that starts it, and return None."""
    steps, places, orders = sizes(request)
    passes = len(TITLES) * (places + orders) * (steps + 1)
    return background(
        ("chance", *request.key, fill),
        partial(_chances, _Removal.of(request, values, fill)),
        words=f"What the map scores at {places} other places, and {orders} orders of random pixels",
        place="trust_chance",
        ask=request.ask("Compare with chance", passes),
        lane=lane_of(request.seconds(passes)),
    )


def _chances(removal: _Removal, progress: Progress) -> "dict[str, Chances | ConvScopeError]":
    steps, places, orders = removal.sizes
    asked = (removal.model, removal.image)
    total = len(TITLES) * (places + orders)

    def part(before: int, count: int) -> Progress:
        return lambda done, of: progress(1000 * before + 1000 * count * done // of, 1000 * total)

    def chances(place: int, mode: str) -> Chances:
        start = place * (places + orders)
        words: dict[str, Any] = {"mode": mode, "fill": removal.fill, "versus": removal.versus, "steps": steps}
        tell = part(start, places)
        moved = shifted_removal(*asked, removal.values, removal.target, places=places, progress=tell, **words)
        tell = part(start + places, orders)
        return Chances(moved, random_removal(*asked, removal.target, orders=orders, progress=tell, **words))

    return {mode: attempt(partial(chances, place, mode)) for place, mode in enumerate(TITLES)}
