"""What an answer is worth: a calibrated percentage, and an alarm where the picture looks like none of the classes."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.errors import RunError
from core.formatting import share
from core.inference.network import Network
from core.progress import Progress
from pages.shared.display.class_bars import NUM_TOP_CLASSES
from pages.shared.network import inference
from pages.shared.network.missing_images import missing_images
from pages.shared.picture import input_image
from pages.shared.shell.background_jobs import background, known
from pages.shared.shell.layout import escape_markdown, show_errors

if TYPE_CHECKING:
    import numpy as np

    from core.reliability.calibrated_model import CalibratedModel
    from core.reliability.features import LogitsAndFeatures
    from core.reliability.nearest import NearestImage, TrainingFeatures

NEAREST = 9  # training images that an answer is held against
CANNOT = (
    "A pretrained network cannot be calibrated here: that takes images whose classes are known and that it has not "
    "learned from, and ImageNet's are not on this computer. Take its percentages with care."
)


def known_reader(weights: Network) -> "CalibratedModel | None":
    """Return the reader of a network if it has been learned."""
    return known(_key(weights))


def known_near(weights: Network) -> "TrainingFeatures | None":
    """Return what the training images are to a network if it has been looked at, with the calibration or without."""
    found = known_reader(weights)
    near: TrainingFeatures | None = known(_near_key(weights)) if found is None else found.near
    return near


def reader(weights: Network, place: str) -> "CalibratedModel | None":
    """Return the reader of a network, or draw how far it is and return None; call it inside a fragment.

    While the network is still in training, it waits for a press.

    Raises:
        ConvScopeError: The network is pretrained, or what it says or its images cannot be used.
    """
    if weights.pretrained is not None:
        raise RunError(CANNOT)
    _ = weights.model, weights.dataset()  # what is wrong with these is said here

    def work(tell: Progress) -> "CalibratedModel":
        from core.reliability.calibrated_model import calibrate_network

        return calibrate_network(weights, progress=tell)

    ask = "Calibrate these weights" if weights.in_training else ""
    return background(_key(weights), work, words="Calibrating on the validation images", place=place, ask=ask)


def _near_key(weights: Network) -> tuple[Hashable, ...]:
    return "near", *weights.cache_key


def _key(weights: Network) -> tuple[Hashable, ...]:
    return "reader", *weights.cache_key


@st.fragment
@show_errors()
def verdict_section(weights: Network, picture: input_image.InputImage) -> None:
    """Say how far the network's answer to a picture can be believed, in a place that is as high before it is known."""
    st.html("<style>.st-key-verdict { min-height: 9rem; }</style>")
    with st.container(key="verdict"):
        _verdict(weights, picture)


def _verdict(weights: Network, picture: input_image.InputImage) -> None:
    if weights.pretrained is not None:
        st.caption(f":material/info: {escape_markdown(CANNOT)}")
        return
    if missing_images(weights, "reader_", consequence="Its percentages cannot be calibrated.", offer_picture=False):
        return
    if reason := _too_few(weights):
        st.caption(f":material/info: {reason}")
        _nearest_alone(weights, picture)
        return
    found = reader(weights, "reader")
    if found is None:
        _await(weights)
        return
    _arrived(weights)
    inside = inference.inside(weights, picture)
    _alarm(found, inside, weights, nearest_training_images(weights, found.near, picture))
    with st.expander("Calibrated percentages, and how the alarm works", icon=":material/help:"):
        _calibrated(weights, found, inside)
        _details(found, inside)


def _nearest_alone(weights: Network, picture: input_image.InputImage) -> None:
    """Say what the nearest training images say against the answer, where nothing else can be learned of it."""

    def work(tell: Progress) -> "TrainingFeatures":
        from core.reliability.nearest import training_features

        return training_features(weights, progress=tell)

    near = background(_near_key(weights), work, words="Looking for the nearest training images", place="reader")
    if near is None:
        _await(weights)
        return
    _arrived(weights)
    answer = int(inference.logits(weights, picture).argmax())
    images = nearest_training_images(weights, near, picture)
    if images and (doubt := _disagreement(weights, answer, [image.label for image in images])):
        st.warning(doubt, icon=":material/group_off:")


def _await(weights: Network) -> None:
    st.session_state["reader_awaited"] = weights.cache_key


def _arrived(weights: Network) -> None:
    if st.session_state.pop("reader_awaited", None) == weights.cache_key:
        st.rerun()  # the other sections wait for it as well


def _too_few(weights: Network) -> str:
    """Return a sentence where there are certainly too few validation images, or nothing."""
    from core.reliability.ood_detector import fewest_images

    there, wanted = len(weights.dataset().valid), fewest_images()
    if there >= wanted:
        return ""
    return (
        f"Its percentages cannot be calibrated: that takes at least {wanted} validation images whose classes are "
        f"known, and its data set has {there}."
    )


@st.cache_data(show_spinner=False, max_entries=64)
def _nearest(
    cache_key: tuple[Hashable, ...], digest: str, count: int, _near: "TrainingFeatures", _features: "np.ndarray"
) -> "list[NearestImage]":
    return _near.nearest(_features, count)


def nearest_training_images(
    network: Network, near: "TrainingFeatures", picture: input_image.InputImage
) -> "list[NearestImage]":
    """Return the training images nearest to a picture, the nearest first; none where there is no measure."""
    features = inference.inside(network, picture).features
    if near.directions is None or features is None:
        return []
    count = min(NEAREST, max(3, len(near.labels) // 4))  # nearly all of few images are no near ones
    return _nearest(_key(network), picture.digest, count, near, features[0])


def _disagreement(network: Network, answer: int, classes: list[int]) -> str:
    """Say, in Markdown, that fewer than half of the nearest training images have the class answered, or nothing."""
    agree = classes.count(answer)
    if 2 * agree >= len(classes):
        return ""
    names = network.class_names
    other = max(set(classes) - {answer}, key=classes.count)
    of_answer = f"only {agree} {'has' if agree == 1 else 'have'}" if agree else "none has"
    of_other = classes.count(other)
    return (
        f"**The most similar training images are of other classes.** Of the {len(classes)} nearest, {of_answer} the "
        f"class answered, “{escape_markdown(names[answer])}”, and {of_other} {'is' if of_other == 1 else 'are'} "
        f"“{escape_markdown(names[other])}”: the answer has little to stand on."
    )


def _alarm(
    found: "CalibratedModel", inside: "LogitsAndFeatures", network: Network, nearest: "list[NearestImage]"
) -> None:
    alarm = found.alarm
    rate = f"At most about {alarm.rate:.0%} of pictures like those of the data set raise this alarm falsely."
    doubt = _disagreement(network, int(inside.logits[0].argmax()), [image.label for image in nearest])
    raised = bool(alarm.raised(inside)[0])
    if raised:
        st.warning(f"**This looks like none of my classes.** {rate}", icon=":material/notification_important:")
    if doubt:
        st.warning(doubt, icon=":material/group_off:")
    if not raised and not doubt:
        st.caption(f":material/check: No alarm: it looks like the pictures of the data set. {rate}")
    if alarm.missing:
        st.caption(f":material/info: {escape_markdown(alarm.missing)}")


def _calibrated(weights: Network, found: "CalibratedModel", inside: "LogitsAndFeatures") -> None:
    raw, calibrated = _answers(found, inside)
    names = weights.class_names
    order = (-raw).argsort(kind="stable")[:NUM_TOP_CLASSES]
    rows = [(names[index], share(float(raw[index])), share(float(calibrated[index]))) for index in order]
    st.dataframe(
        pd.DataFrame(rows, columns=["Class", "As it says", "Calibrated"]),
        hide_index=True,
        key="calibrated_table",
        height="content",
    )
    heat = found.temperature
    tone = "more" if heat.value > 1 else "less"
    words = f"It is {tone} sure of itself than it should be"
    if abs(heat.value - 1) < 0.02:
        words = "It is about as sure of itself as it should be"
    limit = " The best temperature lies outside the range that was searched." if heat.at_limit else ""
    st.caption(
        f"{words}: on {heat.count:,} validation images the scores fit best when divided by {heat.value:.2f} "
        f"(temperature; Guo et al. 2017). That changes percentages, never the order.{limit}"
    )


def _answers(found: "CalibratedModel", inside: "LogitsAndFeatures") -> "tuple[np.ndarray, np.ndarray]":
    """Return the probabilities of one picture as the network says them, and calibrated, each (K,)."""
    from scipy.special import softmax

    logits = inside.logits[0].astype(float)
    return softmax(logits), found.temperature.calibrated(logits)


def _details(found: "CalibratedModel", inside: "LogitsAndFeatures") -> None:
    from core.reliability.ood_samples import OOD_KINDS

    alarm, each = found.alarm, found.alarm.each(inside)
    st.markdown("**How the alarm works**")
    rows = [
        {
            "Score": limit.score.title,
            "Stranger than": f"{limit.stranger_than(limit.score(inside))[0]:.1%} of validation",
            "Value": f"{limit.score(inside)[0]:.4g}",
            "Limit": f"{limit.value:.4g}",
            "Alarm": "yes" if raised else "no",
        }
        for limit, (raised,) in zip(alarm.limits, each, strict=True)
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="alarm_table", height="content")
    for limit in alarm.limits:
        st.caption(f"**{limit.score.title}.** {limit.score.about}")
    own = alarm.rate / len(alarm.limits)
    caught = ", ".join(f"{OOD_KINDS[name].title.lower()} {value:.0%}" for name, value in found.caught.items())
    st.caption(
        f"Each limit is the value that {own:.1%} of {alarm.count:,} validation images exceed; one alarm is enough, "
        f"so that together they are wrong for at most {alarm.rate:.0%} of such pictures, on average. Of foreign "
        f"pictures made from validation images they catch: {caught}. Others may slip through."
    )
    st.caption("Liu et al. 2020, arXiv:2010.03759; Lee et al. 2018, arXiv:1807.03888.")
