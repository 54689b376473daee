"""What a network makes of a few pinned pictures while it trains, from its latest weights."""

import sys
from functools import partial
from typing import Any

import streamlit as st

from core.figures.film import Tiles, images_to_follow
from core.figures.live_frame import COLUMNS, LiveFrame, Sheet, live_frame
from core.formatting import dimensions, share
from core.inference.network import Network
from core.model.shapes import summarize
from core.runs.records import Run
from pages.sections.train.epoch_pictures import show_epoch_pictures
from pages.shared.display.map_grid import color_bar
from pages.shared.network.current_network import library
from pages.shared.network.epoch_slider import pick_epoch
from pages.shared.run.live_parts import Drawn, redraw
from pages.shared.shell.layout import show_errors
from pages.shared.widgets.auto_refresh import pulse
from pages.shared.widgets.image_strip import Bar, Caption, film

LOOK_AGAIN_SECONDS = 1.0
SECONDS, SLOW = 4.0, 2.0  # between two looks for new weights, unless batches are as slow as so many a second
RIGHT, WRONG = "✓ right", "✗ wrong"


@st.cache_resource(show_spinner=False, max_entries=32)
def _frame(cache_key: tuple[Any, ...], layer: str, seed: int, _network: Network) -> LiveFrame:
    return live_frame(_network, layer, seed)


def _captions(network: Network, frame: LiveFrame) -> tuple[Caption, ...]:
    """Return the true class of each picture with the likeliest ones as bars."""
    names = network.class_names
    return tuple(
        Caption(
            names[label],
            RIGHT if likeliest[0].true else WRONG,
            tuple(Bar(names[guess.label], guess.share, share(guess.share), guess.true) for guess in likeliest),
        )
        for label, likeliest in zip(frame.labels, frame.predictions, strict=True)
    )


LARGE_TILE_PX, SMALL_TILE_PX, MAX_LARGE_TILES = (
    56,
    40,
    32,
)  # screen pixels of a tile, and of how many tiles on they are small


def has_new_weights(run: Run, drawn: Drawn) -> bool:
    """Say whether it is time to look for new weights: the pictures cost more than a curve and change more slowly."""
    slow = 0 < run.pace <= SLOW or run.wanted == "pause"
    return run.status != drawn.run.status or (run.step != drawn.run.step and (slow or drawn.seconds >= SECONDS))


def film_strip(run: Run) -> None:
    """Show the strip; to be called in the fragment that ticks while the run trains, which its controls rerun.

    Nothing is computed again before there are new weights.
    """
    strip = st.container()
    network = pick_epoch(library().of_run(run), on_pick=partial(redraw, "curves", "film"))
    with strip:
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="film_head"
        ):
            words = st.container(width="stretch")
            seed = _ask_seed()
        with words:
            shown = _shown(run, network, seed)
        if shown is None:
            return
        label = "Pinned test images, each with its true class and the three likeliest"
        _draw(shown.images, f"film_pictures_{run.id}", label, _captions(network, shown))
    _show(run, shown)
    if network.epoch is not None or not run.status.active:  # else each batch would ask for them anew
        with show_errors():
            show_epoch_pictures(network, _pinned(network, seed))


def _shown(run: Run, network: Network, seed: int) -> LiveFrame | None:
    """Say of which weights the pictures are, and return them; None, with the reason, where there are none yet."""
    if not network.exists:
        st.caption("The pictures come with the first weights.")
        return None
    if "core.probe.activations" not in sys.modules:  # the thread that loads it must not be waited for
        st.caption("One moment: what draws these pictures is still being loaded.")
        if not run.status.active:  # else the run's own pulse looks again
            pulse(LOOK_AGAIN_SECONDS, key=f"pulse_film_{run.id}")
        return None
    layers, layer = _layers(run), st.session_state.get(f"film_layer_{run.id}")
    with show_errors():
        shown = _frame(network.cache_key, layer if layer in layers else next(iter(layers), ""), seed, network)
        st.caption(f"**What it makes of these pictures.** {_moment(run, shown)}")
        return shown
    return None


def _pinned(network: Network, seed: int) -> tuple[int, ...]:
    """Return which test images are looked at."""
    return images_to_follow(network.dataset().test.labels.numpy(), network.num_classes, seed=seed)


def _show(run: Run, shown: LiveFrame) -> None:
    filters, maps = st.columns([2, 3], gap="medium")
    with filters:
        _show_filters(run, shown)
    with maps:
        _show_maps(run, shown)


def _ask_seed() -> int:
    """Offer other images and return what they are drawn from."""

    def turn() -> None:
        st.session_state["film_seed"] = st.session_state.get("film_seed", 0) + 1

    st.button("Other images", icon=":material/shuffle:", type="tertiary", key="film_other", on_click=turn)
    seed: int = st.session_state.get("film_seed", 0)
    return seed


def _layers(run: Run) -> dict[str, str]:
    """Return the layers that put out maps, with their size in words."""
    shapes = {summary.name: summary.output_shape for summary in summarize(run.spec)}
    return {name: dimensions(shape) for name, shape in shapes.items() if shape is not None and len(shape) == 3}


def _draw(sheet: Sheet, key: str, label: str, captions: tuple[Caption, ...] = (), side: int = LARGE_TILE_PX) -> None:
    count, height, width, _ = sheet.tiles.pixels.shape
    film(
        sheet.png,
        count=count,
        width=width,
        height=height,
        columns=min(COLUMNS, count),
        key=key,
        label=label,
        side=side,
        captions=captions,
    )


def _moment(run: Run, shown: LiveFrame) -> str:
    """Say which weights the pictures are of."""
    score = f"{shown.num_right} of these {len(shown.labels)} are right."
    if not shown.step:
        return f"Before training: the weights are random. {score}"
    epoch = -(-shown.step // run.steps_per_epoch) if run.steps_per_epoch else 0
    return f"Weights after batch {shown.step:,}, in epoch {max(1, epoch)}. {score}"


def _show_filters(run: Run, shown: LiveFrame) -> None:
    if shown.filters is None:
        st.caption("This network has no convolution, so there are no filters to watch.")
        return
    tiles = shown.filters.tiles
    st.markdown(f"**{_count(tiles, 'filter')} of {shown.convolution}**")
    _draw(shown.filters, f"film_filters_{run.id}", f"The filters of {shown.convolution}", side=SMALL_TILE_PX)
    if tiles.scale is None:
        st.caption("Mid-grey is a weight of zero. Each filter is scaled by its own largest weight.")
    else:
        color_bar(tiles.scale)


def _show_maps(run: Run, shown: LiveFrame) -> None:
    if shown.maps is None:
        st.caption("No layer of this network puts out maps, so there are none to watch.")
        return
    tiles, layers, key = shown.maps.tiles, _layers(run), f"film_layer_{run.id}"
    assert tiles.scale is not None
    st.markdown(f"**What a layer makes of the first picture**: {_count(tiles, 'map').lower()}")
    layer = st.selectbox(
        "Layer",
        list(layers),
        format_func=lambda name: f"{name} · {layers[name]}",
        key=key,
        persist_state="session",
        label_visibility="collapsed",
        width=240,
    )
    side = LARGE_TILE_PX if len(tiles.pixels) <= MAX_LARGE_TILES else SMALL_TILE_PX
    _draw(shown.maps, f"film_maps_{run.id}", f"The maps of {layer} for the first picture", side=side)
    color_bar(tiles.scale)


def _count(tiles: Tiles, what: str) -> str:
    shown = len(tiles.pixels)
    if shown < tiles.total:
        return f"The first {shown} of {tiles.total:,} {what}s"
    return f"{shown} {what}{'s' * (shown > 1)}"
