"""The explanation of one picture at every epoch that a run kept: watch how it comes about, in one run or two."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError
from core.explain.epoch_series import EpochSeries, epochs_to_show
from core.explain.epochs import EpochExplanation, MissingEpoch, explain_epochs
from core.explain.methods.registry import METHODS
from core.explain.strength import Strength, giving_way
from core.formatting import duration
from core.inference.network import Network
from core.progress import Progress
from pages.sections.explain.epochs_view import pause, tell
from pages.shared.display.class_bars import class_name, same_classes
from pages.shared.explanation.controls import ask_chosen_method, chosen_methods, method_options
from pages.shared.network import current_network, inference
from pages.shared.picture import input_image
from pages.shared.shell import navigation
from pages.shared.shell.background_jobs import Lane, background
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import empty_state, escape_markdown
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    import numpy as np

    from core.explain.attribution import Attribution
    from core.explain.methods.base import Method

Course = tuple[EpochExplanation | MissingEpoch, ...]
MAX_EPOCHS = 24  # epochs of one run: of more, some are left out
SECONDS_WITHOUT_PRESS = 10.0  # seconds: what may take longer waits for a click
SCALES = {"one": "One for all epochs", "own": "One for each epoch"}


def through_time_section(networks: Sequence[Network], picture: input_image.InputImage, target: int) -> None:
    """Show how the explanation of a picture came about: one map for each epoch, of one run or of two.

    Args:
        networks: Whose run is followed, or the two that are compared, if they are of two runs; the first one's epoch is
            the one that is shown large at first.
        picture: What is explained, at all epochs.
        target: Index of the class that is explained, at all epochs.
    """
    followed = _networks(networks)
    if not chosen_methods():
        st.info("Choose a method under Settings to see how its map came about.", icon=":material/checklist:")
        return
    method, one_scale = _ask()
    told = _told(followed, picture, target, method)
    if told is None:
        pause()
        return
    name, series, reason = told
    tell(series, picture, target, METHODS[name], one_scale=one_scale, epoch=networks[0].epoch, reason=reason)


def _networks(networks: Sequence[Network]) -> list[Network]:
    """Return the networks to follow, each once, as the store has them now."""
    first, other = (current_network.library().get(network.id) for network in (networks[0], networks[-1]))
    if first.id == other.id:
        return [first]
    if not same_classes(networks):
        st.caption("Only A is shown: B knows other classes, so the two cannot be asked about the same one.")
        return [first]
    if not other.epochs:
        st.caption("Only A is shown: B has no epochs of its training.")
        return [first]
    return [first, other]


def _why_not(networks: Sequence[Network], *_: Any) -> str:
    network = current_network.library().get(networks[0].id)
    if network.epochs:
        return ""
    if network.in_training:
        return "The first map comes with the first weights: wait a moment, then press Refresh."
    return (
        f"**{escape_markdown(network.name)}** has no epochs of its training, so there is nothing to watch: a network "
        "that you train here keeps one after every epoch."
    )


def _instead(reason: str, networks: Sequence[Network], *_: Any) -> None:
    if networks[0].in_training:
        st.caption(reason)
    else:
        empty_state(reason, navigation.TO_TRAIN, "train")


def _ask() -> "tuple[Method, bool]":
    """Ask for one of the chosen methods, and whether all epochs have one scale."""
    names = chosen_methods()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = ask_chosen_method("Method", names, "course_method")
        scale = ask_one("Scale of the colours", SCALES, "course_scale")
    return METHODS[name], scale == "one"


def _told(
    followed: Sequence[Network], picture: input_image.InputImage, target: int, method: "Method"
) -> tuple[str, list[EpochSeries], str] | None:
    """Return what runs say of the picture at their epochs, by which method and why by it if it is another one.

    While that is computed, draw how far it is and return None.
    """
    options = method_options(method.name)
    snapshots = []
    for network in followed:
        network.normalize(picture.tensor())  # refuses a picture that does not fit before anything is computed
        snapshots.append([network.at(epoch).pinned() for epoch in epochs_to_show(network, MAX_EPOCHS)])
    count = sum(map(len, snapshots))
    ask = _asked(snapshots[0][-1], method, options, count)
    keys = tuple(each.cache_key for course in snapshots for each in course)
    found = background(
        ("course", keys, picture.digest, target, method.name, *sorted(options.items())),
        partial(_explained, snapshots, picture, target, method.name, options),
        words=f"{method.title} at {count} epochs",
        place="course",
        ask=ask,
        lane=Lane.LONG if ask else Lane.SHORT,
    )
    if found is None:
        return None
    name, courses, reason = found
    series = [
        EpochSeries(network, moments, len(network.epochs)) for network, moments in zip(followed, courses, strict=True)
    ]
    return name, series, reason


def _asked(network: Network, method: "Method", options: dict[str, Any], count: int) -> str:
    """Return the label of the button that what takes long waits for; empty for what is computed at once."""
    try:
        passes = count * method.passes(method.resolve(options), network.input_shape)
        seconds = passes * current_network.pass_seconds(network)
    except ConvScopeError:  # each epoch will say what is wrong
        return ""
    if seconds <= SECONDS_WITHOUT_PRESS:
        return ""
    return f"Compute {count} maps: {passes:,} passes through the network, up to {duration(seconds)}"


def _explained(
    snapshots: Sequence[Sequence[Network]],
    picture: input_image.InputImage,
    target: int,
    method: str,
    options: dict[str, Any],
    progress: Progress,
) -> tuple[str, list[Course], str]:
    """Explain the picture at all epochs of all runs, by the next method where all maps say nothing."""
    from core.explain.metrics.sensitivity import within

    def explain(name: str) -> list[Course]:
        chosen = options if name == method else {}
        return [
            _moments(course, picture, target, name, chosen, within(progress, place, len(snapshots)))
            for place, course in enumerate(snapshots)
        ]

    return giving_way(method, explain(method), explain, _strengths)


def _strengths(courses: Sequence[Course]) -> list[Strength]:
    return [moment.strength for course in courses for moment in course if isinstance(moment, EpochExplanation)]


def _moments(
    snapshots: Sequence[Network],
    picture: input_image.InputImage,
    target: int,
    method: str,
    options: dict[str, Any],
    progress: Progress | None,
) -> Course:
    """Explain the picture at all epochs; each is kept, so that a new one computes only itself."""
    weights_of = {each.epoch: each for each in snapshots}

    def explain(epoch: int | None, inside: Progress) -> "Attribution":
        network = replace(weights_of[epoch])  # a copy: else all networks stay in memory
        return inference.attribution(network, picture, target, method, progress=inside, **options)

    def probabilities(epoch: int | None) -> "np.ndarray[Any, Any]":
        return inference.probabilities(replace(weights_of[epoch]), picture)

    return tuple(explain_epochs(list(weights_of), explain, probabilities, progress=progress))


SECTION = Section(
    "time",
    "Through time",
    through_time_section,
    heading=lambda networks, _, target: f"How the map of “{class_name(networks[0], target)}” came about",
    why_not=_why_not,
    instead=_instead,
)
