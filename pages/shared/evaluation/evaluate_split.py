"""A network judged on a split: asked in the background, kept for all sessions as long as its weights are the same."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import RunError
from core.inference.network import Network
from core.progress import Progress
from pages.shared.picture.split_images import SPLITS
from pages.shared.shell.background_jobs import background

if TYPE_CHECKING:
    from core.data.datasets import Split
    from core.evaluation.report import EvaluationReport

NOTHING_HERE = (
    "A pretrained network has no test images here: those of ImageNet are not on this computer, so it cannot be judged. "
    "Choose a network that you trained."
)


@dataclass(frozen=True, eq=False)
class EvaluatedSplit:
    """What came of asking a network about a split.

    Attributes:
        network: The network.
        split: Key of `SPLITS`.
        images: The images and their labels.
        report: All that can be said of it.
    """

    network: Network
    split: str
    images: "Split"
    report: "EvaluationReport"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes; they may hold what a user wrote."""
        return self.network.class_names


def ask_split() -> str:
    """Ask on which images to judge, at first the test images; it stays chosen."""
    chosen = st.segmented_control(
        "Judge it on",
        list(SPLITS),
        format_func=SPLITS.__getitem__,
        default="test",
        required=True,
        key="evaluate_split",
        persist_state="session",
        help="It learned from neither. Choose between epochs and settings by the validation images, and look at the "
        "test images last: what was chosen by them looks better on them than it is.",
        wrap=True,
    )
    return chosen or "test"


def judged(network: Network, split: str, place: str) -> EvaluatedSplit | None:
    """Return how good a network is, or draw how far that is and return None; call it inside a fragment.

    Args:
        network: The network.
        split: Key of `SPLITS`.
        place: Streamlit's key; one for each network on the page.

    Raises:
        ConvScopeError: It cannot be judged.
    """
    if network.pretrained is not None:
        raise RunError(NOTHING_HERE)
    data, model = network.dataset(), network.model
    images = data.split(split)

    def work(tell: Progress) -> "EvaluationReport":
        from core.evaluation.answers import answers_of
        from core.evaluation.report import report_of

        count, total = len(images), len(images) + data.num_classes
        answers = answers_of(
            model,
            images.images,
            images.labels,
            normalize=data.normalize,
            progress=lambda done, _: tell(done, total),
        )
        return report_of(answers, lambda done, _: tell(count + done, total))

    words = f"Asking it about {len(images):,} {SPLITS[split].lower()}"
    result = background(("evaluation", network.cache_key, split), work, words=words, place=f"evaluation_{place}")
    return None if result is None else EvaluatedSplit(network, split, images, result)
