"""The map of the data: which layer, laid out how, at which epochs, and the computation in the background."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.explain.epoch_series import epochs_to_show
from core.figures.network_blocks import INPUT
from core.formatting import duration
from core.inference.network import Network
from core.probe.network_layers import layers_of
from core.progress import Progress
from pages.sections.embedding.scatter_view import show
from pages.sections.embedding.types import Chart
from pages.shared.network.comparison import LETTERS, side_by_side
from pages.shared.network.missing_images import missing_images
from pages.shared.network.network_map import ask_layer
from pages.shared.shell.background_jobs import background, lane_of
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown, show_errors

if TYPE_CHECKING:
    import numpy as np

    from core.probe.embedding.data_map import DataMap, MissingMap

COUNTS = (500, 1000, 2000, 4000)  # images to map
DEFAULT_COUNT = 1000
MAX_EPOCHS = {"pca": 24, "tsne": 8, "umap": 8}  # epochs to follow
SECONDS_WITHOUT_PRESS = 30.0  # seconds: what may take longer waits for a click
MOMENTS = {"one": "This epoch", "all": "All epochs"}


@dataclass(frozen=True)
class MapRequest:
    """What is to be mapped: which layer's numbers, laid out how, of how many images, at all epochs or at one."""

    layer: str
    method: str
    count: int
    course: bool


@st.fragment
def embedding_section(networks: Sequence[Network]) -> None:
    """Ask what to map, show the map of one network or of two, and below it the image that is clicked."""
    with show_errors():
        if missing_images(networks[0]):
            return
        request = _ask(networks[0])
        sides = _sides(networks, request)

        def draw(side: int) -> None:
            network = sides[side]
            if missing_images(network, f"{side}_"):
                return
            numbers = _numbers(network, request.count)
            maps = _made(network, request, numbers, side)
            if maps is not None:
                show(Chart(network, request.layer, request.method, numbers, maps, side, narrow=len(sides) > 1))

        side_by_side(sides, draw)


def _ask(network: Network) -> MapRequest:
    from core.probe.embedding.layout import PROJECTIONS
    from core.probe.features import PIXELS

    names, key = [PIXELS, *(layer.name for layer in layers_of(network))], f"embedding_layer_{network.id}"
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[max(1, len(names) - 2)]  # what the last layer decides by
    layer = ask_layer(
        network,
        "Layer, in the order in which the picture passes through",
        names,
        key,
        blocks={PIXELS: INPUT},
    )
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        method = ask_one("Laid out by", {name: each.title for name, each in PROJECTIONS.items()}, "embedding_method")
        moments = ask_one("Moments", MOMENTS, "embedding_moments") if len(network.epochs) > 1 else "one"
        count = _ask_count(network)
    st.caption(f"**{PROJECTIONS[method].title}.** {escape_markdown(PROJECTIONS[method].words)}")
    return MapRequest(layer, method, count, moments == "all")


def _ask_count(network: Network) -> int:
    there = len(network.dataset().test)
    counts = [count for count in COUNTS if count < there]
    counts += [there] if there <= COUNTS[-1] else []
    if len(counts) < 2:
        return counts[0]
    key = f"embedding_count_{network.dataset_name}"
    if st.session_state.get(key) not in counts:
        st.session_state[key] = DEFAULT_COUNT if DEFAULT_COUNT in counts else counts[-1]
    chosen = st.segmented_control(
        "Test images",
        counts,
        format_func=lambda count: f"All {count:,}" if count == there else f"{count:,}",
        required=True,
        key=key,
        persist_state="session",
        wrap=True,
    )
    return chosen or counts[0]


def _sides(networks: Sequence[Network], request: MapRequest) -> Sequence[Network]:
    if request.course and len(networks) > 1 and networks[0].id == networks[1].id:
        st.caption("Both sides are moments of one training, so it is shown once, through all its epochs.")
        return networks[:1]
    return networks


def _numbers(network: Network, count: int) -> "np.ndarray":
    from core.probe.embedding.data_map import chosen_images

    return chosen_images(len(network.dataset().test), count)


def _made(
    network: Network, request: MapRequest, numbers: "np.ndarray", side: int
) -> "tuple[DataMap | MissingMap, ...] | None":
    """Return the maps, or draw how far they are and return None."""
    moments = _moments(network, request.method) if request.course else (network,)
    titles = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP (the first one takes half a minute longer)"}
    where = f", {LETTERS[side]}" if side else ""
    epochs = f" at {len(moments)} epochs" if request.course else ""
    return background(
        ("embedding", request, network.dataset_name, *(each.cache_key for each in moments)),
        partial(_work, moments, request, numbers),
        words=f"{titles[request.method]} of {len(numbers):,} images{epochs}{where}",
        place=f"embedding_{side}",
        ask=_waits(request, len(numbers), len(moments)),
        lane=lane_of(_seconds(request, len(numbers), len(moments))),
    )


def _moments(network: Network, method: str) -> tuple[Network, ...]:
    return tuple(network.at(epoch).pinned() for epoch in epochs_to_show(network, MAX_EPOCHS[method]))


def _seconds(request: MapRequest, count: int, moments: int) -> float:
    from core.probe.embedding.layout import PROJECTIONS

    return PROJECTIONS[request.method].seconds * count / 1000 * moments


def _waits(request: MapRequest, count: int, moments: int) -> str:
    """Return the label of the button that what takes long waits for; empty for what is computed at once."""
    seconds = _seconds(request, count, moments)
    if seconds <= SECONDS_WITHOUT_PRESS:
        return ""
    maps = f"{moments} maps" if moments > 1 else "the map"
    return f"Compute {maps} of {count:,} images: about {duration(seconds)}"


def _work(
    moments: Sequence[Network], request: MapRequest, numbers: "np.ndarray", progress: Progress
) -> "tuple[DataMap | MissingMap, ...]":
    import torch

    from core.probe.embedding.data_map import ImageSample, data_map, data_maps

    data = moments[0].dataset()
    chosen = torch.from_numpy(numbers)
    sample = ImageSample(data.test.images[chosen], data.test.labels[chosen], data.normalize)
    if not request.course:
        (network,) = moments
        model = network.model
        return (data_map(model, sample, request.layer, request.method, epoch=network.epoch, progress=progress),)
    weights_of = {each.epoch: each for each in moments}
    return tuple(
        data_maps(
            list(weights_of),
            lambda epoch: replace(weights_of[epoch]).model,  # a copy: else all networks stay in memory
            sample,
            request.layer,
            request.method,
            progress=progress,
        )
    )
