"""What reads the answers of a network honestly: learned once for its weights, in the background."""

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import RunError
from pages.shared import networks, subjects
from pages.shared.jobs import Progress, background
from pages.shared.pretrained import Pretrained
from pages.shared.training_images import training_set, why_no_images

if TYPE_CHECKING:
    from core.reading.reader import Reader

CANNOT = (
    "A pretrained network cannot be calibrated here: that takes images whose classes are known and that it has not "
    "learned from, and ImageNet's are not on this computer. Take its percentages with care."
)
_numbers = count()


@dataclass(eq=False)
class _Shelf:
    """The place of one reader; another number once it was cleared away and has to be learned again."""

    number: int = field(default_factory=lambda: next(_numbers))
    reader: "Reader | None" = None


@st.cache_resource(show_spinner=False, max_entries=4)  # each holds up to 5,000 rows of features
def _shelf(mark: tuple[Any, ...]) -> _Shelf:
    return _Shelf()


def known_reader(weights: subjects.Weights) -> "Reader | None":
    """Return the reader of a network if it has been learned."""
    return None if isinstance(weights.run, Pretrained) else _shelf(weights.mark).reader


def reader(weights: subjects.Weights, place: str) -> "Reader | None":
    """Return the reader of a network, or draw how far it is and return None; call it inside a fragment.

    While the network is still in training, it waits for a press.

    Raises:
        ConvScopeError: The network is pretrained, or what it says or its images cannot be used.
    """
    run = weights.run
    if isinstance(run, Pretrained):
        raise RunError(CANNOT)
    if reason := why_no_images(run):
        raise RunError(reason)
    shelf = _shelf(weights.mark)
    if shelf.reader is None:
        model, data = networks.model(weights), training_set(run)

        def work(tell: Progress) -> bool:
            from core.explain.influence import Images
            from core.reading.reader import fit_reader

            used = int(run.config.get("train_images", 0)) or len(data.train)
            train = Images(data.train.images[:used], data.train.labels[:used], data.normalize)
            valid = Images(data.valid.images, data.valid.labels, data.normalize)
            shelf.reader = fit_reader(model, train, valid, progress=tell)
            return True

        ask = "Calibrate these weights" if run.status.active else ""
        key = ("reader", *weights.mark, shelf.number)
        background(key, work, words="Calibrating on the validation images", place=place, ask=ask)
    return shelf.reader
