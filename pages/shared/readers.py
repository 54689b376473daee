"""What reads the answers of a network honestly: learned once for its weights, in the background."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from core.errors import RunError
from core.inference.network import Network
from pages.shared.jobs import Progress, background, known

if TYPE_CHECKING:
    from core.reading.reader import Reader

CANNOT = (
    "A pretrained network cannot be calibrated here: that takes images whose classes are known and that it has not "
    "learned from, and ImageNet's are not on this computer. Take its percentages with care."
)


def known_reader(weights: Network) -> "Reader | None":
    """Return the reader of a network if it has been learned."""
    return known(_key(weights))


def reader(weights: Network, place: str) -> "Reader | None":
    """Return the reader of a network, or draw how far it is and return None; call it inside a fragment.

    While the network is still in training, it waits for a press.

    Raises:
        ConvScopeError: The network is pretrained, or what it says or its images cannot be used.
    """
    if weights.pretrained is not None:
        raise RunError(CANNOT)
    model, data = weights.model, weights.dataset()

    def work(tell: Progress) -> "Reader":
        from core.explain.influence import Images
        from core.reading.reader import fit_reader

        used = int(weights.config.get("train_images", 0)) or len(data.train)
        train = Images(data.train.images[:used], data.train.labels[:used], data.normalize)
        valid = Images(data.valid.images, data.valid.labels, data.normalize)
        return fit_reader(model, train, valid, progress=tell)

    ask = "Calibrate these weights" if weights.in_training else ""
    return background(_key(weights), work, words="Calibrating on the validation images", place=place, ask=ask)


def _key(weights: Network) -> tuple[Hashable, ...]:
    return "reader", *weights.mark
