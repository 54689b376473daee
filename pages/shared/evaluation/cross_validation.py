"""How good a training is by all of its images, each kept back once, where a single split is too small to say."""

from typing import TYPE_CHECKING

import streamlit as st

from core.data.catalog import DATASETS
from core.formatting import counted
from core.progress import Progress
from core.runs.records import Run
from core.runs.scores import FEW_IMAGES, split_size
from core.train.suggestion import is_frozen
from pages.shared.shell import services
from pages.shared.shell.background_jobs import Lane, background

if TYPE_CHECKING:
    from core.train.cross_validation import CrossValidation

MOST_IMAGES = 60  # of all splits: with more, so many trainings take long
MOST_FROZEN = 400  # where frozen layers look at each image once, and little is left to train


def by_all_images(run: Run, place: str) -> None:
    """Offer to judge a training by each of its few images, or show what came of it; call it inside a fragment.

    Nothing is drawn where the test images are many enough, or where the trainings would take long.

    Args:
        run: A run with weights.
        place: Streamlit's key for the button.
    """
    images = sum(split_size(run, split) for split in range(3))
    most = MOST_FROZEN if is_frozen(run.spec) else MOST_IMAGES
    if split_size(run, 2) >= FEW_IMAGES or not 0 < images <= most or run.dataset not in DATASETS:
        return

    def work(tell: Progress) -> "CrossValidation":
        from core.train.config import TrainConfig
        from core.train.cross_validation import cross_validate

        return cross_validate(run.spec, services.dataset(run.dataset), TrainConfig.from_mapping(run.config), tell)

    result = background(
        ("cross-validation", run.id),
        work,
        words=f"Keeping back each of {images:,} pictures once",
        place=f"cross_validation_{place}",
        ask=f"Judge it by all {images:,} pictures",
        icon=":material/rule:",
        lane=Lane.LONG,
    )
    if result is not None:
        _say(result)


def _say(result: "CrossValidation") -> None:
    from core.explain.metrics.pointing_game import wilson

    rate = wilson(result.right, result.images)
    st.markdown(
        f"**{result.right:,} of {result.images:,}** pictures are named rightly by networks that had not seen them."
    )
    st.caption(
        f"Each picture was kept back once, in {counted(result.folds, 'training')} like this one. Of other such "
        f"pictures between {rate.low:.0%} and {rate.high:.0%} would be right (Wilson's 95% interval)."
    )
