"""Hand-made features with a linear machine against the network, on the same images: accuracy and time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.formatting import dimensions
from core.inference.network import Network
from core.progress import Progress
from core.runs.records import Run
from core.runs.scores import accuracy_text, split_size
from core.runs.training_data import dataset_title
from pages.shared.network.comparison import LETTERS
from pages.shared.network.missing_images import missing_images
from pages.shared.shell import services
from pages.shared.shell.background_jobs import Lane, background
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from core.probe.hog import HogResult
    from core.workbench.hog_contest import NetworkScore

MAX_TRAIN_IMAGES = 5000  # for the SVM: more take minutes and hardly help


def _seen(run: Run) -> int:
    """Return how many images the network learned from."""
    whole = len(services.dataset(run.dataset).train)
    return min(run.config.get("train_images") or whole, whole)


def _hog(run: Run) -> "HogResult | None":
    """Return how HOG and a linear SVM do on the data set of a run, or draw how far that is and return None."""
    images, count = services.dataset(run.dataset), min(_seen(run), MAX_TRAIN_IMAGES)

    def measure(tell: Progress) -> "HogResult":
        from core.probe.hog import hog_svm

        return hog_svm(images, max_train=count, progress=tell)

    return background(
        ("hog", run.dataset, count),
        measure,
        words="Describing the images",
        place="contest",
        ask="Let them compete",
        icon=":material/sports_score:",
        lane=Lane.MEASUREMENT,
    )


def _score_of(network: Network, side: int) -> "NetworkScore | None":
    """Return how a network does, or draw that it is judged; the store knows the accuracy of a finished run."""
    run, model, dataset = network.require_run(), network.model, network.dataset()
    accuracy = run.test_accuracy if network.epoch is None else None

    def measure(_: Progress) -> "NetworkScore":
        from core.workbench.hog_contest import score_network

        return score_network(model, dataset, accuracy)

    key = ("judged", *network.cache_key, accuracy)
    return background(key, measure, words="Judging the network", place=f"judged_{side}", lane=Lane.MEASUREMENT)


def contest(networks: Sequence[Network], _: object) -> None:
    """Offer to let HOG and a linear SVM compete with the network, and show both in one table."""
    run = networks[0].require_run()
    st.markdown(
        "Before networks, people described a picture by its edges (**HOG**: in each small cell, how much edge runs "
        "in which direction) and let a linear machine (**SVM**) tell the classes apart by these numbers. "
        "How does that do on the images of this network?"
    )
    hog = _hog(run)
    if hog is None:
        name = escape_markdown(dataset_title(run))
        st.caption(f"{name}: some seconds to a minute, in the background. The network is not trained again.")
        return
    rivals = [network for network in networks if network.dataset_name == run.dataset]
    scores = [_score_of(network, side) for side, network in enumerate(rivals)]
    measured = [score for score in scores if score is not None]
    if len(measured) == len(rivals):
        _table(rivals, hog, measured)
    if len(rivals) < len(networks):
        st.caption("Network B learned from other images and stands aside.")


def _table(rivals: Sequence[Network], hog: "HogResult", scores: Sequence["NetworkScore"]) -> None:
    from core.workbench.hog_contest import contest_verdict, training_seconds

    images = split_size(rivals[0].require_run(), 2)
    rows = [
        {
            "": "HOG + linear SVM",
            "Test accuracy": accuracy_text(hog.accuracy, images),
            "To learn": _time(hog.fit_seconds),
            "For a picture": _time(hog.predict_seconds),
            "Learned from": f"{hog.num_train:,} images",
            "Sees a picture as": f"{hog.num_features:,} hand-made numbers",
        }
    ]
    for letter, network, each in zip(LETTERS, rivals, scores, strict=False):
        named = f"Network {letter}" if len(rivals) > 1 else "This network"
        run = network.require_run()
        rows.append(
            {
                "": f"{named}, {network.moment}",
                "Test accuracy": accuracy_text(each.accuracy, images),
                "To learn": _time(training_seconds(network)),
                "For a picture": _time(each.seconds),
                "Learned from": f"{_seen(run):,} images",
                "Sees a picture as": f"{dimensions(run.spec.input_shape)} pixels",
            }
        )
    st.table(rows, hide_index=True, border="horizontal", alt="HOG and a linear SVM beside the network")
    st.markdown(contest_verdict(hog, scores[0]))
    cut = (
        ""
        if hog.num_train == _seen(rivals[0].require_run())
        else f" HOG and SVM got the first {hog.num_train:,} of them."
    )
    st.caption(
        f"All are judged by the same {hog.num_test:,} test images and learned from the same training split.{cut} "
        "Times are of this server, the network's pictures in batches."
    )


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:.1f} ms" if seconds else "0 s"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


SECTION = Section(
    "contest",
    "Hand-made features against the network",
    contest,
    why_not=lambda networks, _: networks[0].why_no_images,
    instead=lambda _, networks, __: missing_images(networks[0]),
)
