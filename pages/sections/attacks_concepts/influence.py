"""Training images: those that taught a network its answer, those that spoke against it, and those that look alike."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import RunError
from core.formatting import number
from core.inference.network import Network
from core.progress import Progress
from core.workbench.training_influence import Kept, Taught, snapshots_of, taught_by
from pages.shared.display.class_bars import class_name
from pages.shared.display.image_cards import Card, cards
from pages.shared.network.missing_images import missing_images
from pages.shared.picture import input_image
from pages.shared.picture.pixels import enlarged, shown
from pages.shared.shell.background_jobs import background
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.section import Section
from pages.shared.shell.services import store

if TYPE_CHECKING:
    from core.data.datasets import Dataset


def moments_of(network: Network) -> tuple[Kept, ...]:
    """Return the epochs that are asked; see `snapshots_of`."""
    return snapshots_of(network, store().metrics(network.require_run().id))


def taught(
    network: Network, picture: input_image.InputImage, target: int, moments: Sequence[Kept], count: int
) -> Taught | None:
    """Return what the first `count` training images had to do with an answer; None while that is found out.

    Raises:
        ConvScopeError: The network or its images cannot be had, or it does not end in a dense layer.
    """
    model, image = network.model, network.normalize(picture.tensor())
    snapshots = [(network.at(epoch).pinned(), rate) for epoch, rate in moments]

    def work(tell: Progress) -> Taught:
        return taught_by(network, model, snapshots, image, target, count, tell)

    return background(
        (
            "influence",
            network.cache_key,
            picture.digest,
            target,
            *((each.cache_key, rate) for each, rate in snapshots),
            count,
        ),
        work,
        words="Looking through the training images",
        place="influence",
    )


DEFAULT_COUNT = 1000
NUM_SHOWN = 9
IMAGE_PX = 112  # about so many pixels wide are the pictures that go to the browser


def influence_section(network: Network, picture: input_image.InputImage, target: int) -> None:
    """Show which training images pushed a network towards a class for a picture, and which look alike to it.

    Args:
        network: Whose training is looked back at, up to its epoch.
        picture: The picture.
        target: The class.
    """
    data = network.dataset()
    count = _ask_count(network, len(data.train))
    try:
        moments = moments_of(network)
    except RunError as error:  # what looks alike can still be found
        st.info(escape_markdown(str(error)), icon=":material/block:")
        moments = ()
    scores = taught(network, picture, target, moments, count)
    if scores is not None:
        _show(network, data, scores, target)


def _ask_count(network: Network, there: int) -> int:
    used = min(there, int(network.config.get("train_images", 0)) or there)
    if used <= DEFAULT_COUNT:
        return used
    counts = {str(DEFAULT_COUNT): f"{DEFAULT_COUNT:,}", str(used): f"All {used:,}"}
    return int(ask_one("Training images to look through", counts, f"influence_count_{used}"))


def _show(network: Network, data: "Dataset", scores: Taught, target: int) -> None:
    name = class_name(network, target)
    if scores.influence is not None:
        st.markdown(f"**Proponents: they taught it “{name}”**")
        order = scores.influence.argsort()
        _cards(
            data,
            scores,
            [at for at in order[::-1][:NUM_SHOWN] if scores.influence[at] > 0],
            scores.influence,
            target,
        )
        st.markdown("**Opponents: they taught it otherwise**")
        _cards(data, scores, [at for at in order[:NUM_SHOWN] if scores.influence[at] < 0], scores.influence, target)
        st.caption(_influence_words(network, scores))
    st.markdown("**Most alike in the eyes of the network**")
    alike = (-scores.similarity).argsort(kind="stable")[:NUM_SHOWN].tolist()
    _cards(data, scores, alike, scores.similarity, target)
    st.caption(
        f"Of {len(scores.similarity):,} training images, those whose numbers before the last layer point most nearly "
        "the same way as this picture's: 1 is the same direction (cosine), by the weights that are chosen above. It "
        "says what the network takes for alike, not what it learned from."
    )


def _influence_words(network: Network, scores: Taught) -> str:
    epochs = ", ".join(map(str, scores.epochs))
    words = (
        f"TracIn (Pruthi et al. 2020, arXiv:2002.08484): for each of {len(scores.similarity):,} training images, the "
        "product of its gradient with this picture's, over the weights of the last layer, times the learning rate, "
        f"summed over the network after epoch{'s' * (len(scores.epochs) > 1)} {epochs}. Positive: a step on that image "
        "made the class likelier here. Only order and sign have a meaning across networks. "
        ":material/check: has this class, :material/close: another."
    )
    rule = str(network.config.get("optimizer", "adam"))
    if rule not in ("sgd", "gd"):
        words += " This training took its steps by another rule than plain gradient descent: take it as an estimate."
    return words


def _cards(data: "Dataset", scores: Taught, indices: Sequence[int], values: Any, target: int) -> None:
    if not len(indices):
        st.caption("None.")
        return
    image_cards = []
    for index in map(int, indices):
        label, truth = int(scores.labels[index]), int(data.train.labels[index])
        title = data.class_names[label] + (f" (really {data.class_names[truth]})" if label != truth else "")
        agrees = "same class" if label == target else "another class"
        sign = "✓" if label == target else "✗"
        image_cards.append(
            Card(
                title=title,
                note=f"{sign} {number(float(values[index]))}",
                words=f"Training image {index}, learned as {title}, {agrees}: {number(float(values[index]))}",
                pictures=(enlarged(shown(data.train.images[index].numpy()), IMAGE_PX),),
            )
        )
    cards(image_cards)


SECTION = Section(
    "training",
    "Training images",
    influence_section,
    heading=lambda network, _, target: f"Which training images taught it “{class_name(network, target)}”?",
    why_not=lambda network, *_: network.why_no_images,
    instead=lambda _, network, *__: missing_images(network),
)
