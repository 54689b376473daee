"""The same picture through hand-made operations, beside what the network's first convolution makes of it."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.figures.grids import colorize
from core.figures.scales import ColorScale
from core.formatting import dimensions, number
from core.inference.network import Network
from core.probe.classical import CLASSICAL, Operation, apply_classical
from core.probe.network_layers import first_convolution
from pages.shared.display.map_grid import color_bar, grid
from pages.shared.network import inference
from pages.shared.network.comparison import collect_results, side_by_side, unwrap
from pages.shared.picture import input_image, picker
from pages.shared.shell import session
from pages.shared.shell.controls import ask
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.shell.navigation import link
from pages.shared.shell.section import Section
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    from core.probe.classical import ClassicalResult

CARD_PX = 140  # screen pixels that an operation needs
PHOTOGRAPH = 192  # pixels of the longer side of one in more detail
_GREY = (0.2125, 0.7154, 0.0721)  # the weights of red, green and blue in scikit-image's rgb2gray
_COUNTED = {"points": "key-point", "segments": "line", "circles": "circle"}


def operations(networks: Sequence[Network], picture: input_image.InputImage) -> None:
    """Show a picture through all hand-made operations, beside the maps of the network's first convolution."""
    by_hand, learned = st.columns([2, 1], gap="large")
    with by_hand:
        _by_hand(picture, _photograph(networks[0]))
    with learned:
        _learned(networks, picture)


def _photograph(network: Network) -> input_image.InputImage | None:
    """Return the chosen photograph before it was made small for the network; None where there is no more of it."""
    choice, shape = session.choice(), network.input_shape
    stages = () if choice is None else picker.picture(network, choice)[1]
    large = [stage.image for stage in stages if min(stage.image.size) > max(shape[1:])]
    if choice is None or not large:
        return None
    image = large[-1].convert("RGB")  # after it was cropped, before it was resized
    image.thumbnail((PHOTOGRAPH, PHOTOGRAPH))
    pixels = np.asarray(image).transpose(2, 0, 1)
    return input_image.InputImage(choice.name, (3, image.height, image.width), pixels.tobytes())


@st.fragment
def _by_hand(picture: input_image.InputImage, photograph: input_image.InputImage | None) -> None:
    st.markdown("**By hand:** somebody thought of each of these, and nothing is learned.")
    if photograph is not None and st.toggle(
        "The photograph in more detail",
        key="classical_photograph",
        persist_state="session",
        help="Key-points, lines and circles were thought of for photographs: of the few pixels that the network "
        "gets, they make little.",
    ):
        picture = photograph
    st.caption(
        "They look at the picture's brightness. In maps dark is zero and light is much; where signs mean something, "
        "blue is negative, white is zero and red is positive. Each map has a scale "
        "of its own, which stands below it."
    )
    with st.grid(4, min_column_width=CARD_PX, gap="small"):
        for name, operation in CLASSICAL.items():
            with st.container(gap="xsmall"), show_errors():
                _card(name, operation, picture)


def _card(name: str, operation: Operation, picture: input_image.InputImage) -> None:
    """Show what one operation makes of the picture, and its settings where it has some."""
    place = st.container(gap="xsmall")
    chosen: dict[str, float] = {}
    if operation.options:
        with st.popover("Settings", icon=":material/tune:", type="tertiary", key=f"settings_{name}"):
            chosen = {
                option.name: ask(option, option.default, f"classical_{name}_{option.name}", persist_state="session")
                for option in operation.options
            }
    with place:
        pixels, words = _drawn(name, picture.digest, tuple(sorted(chosen.items())), picture)
        st.image(pixels, width="stretch", alt=f"{operation.title}: {words}")
        st.markdown(f"**{operation.title}**  \n:small[{operation.summary}]")
        st.caption(escape_markdown(words))


@st.cache_data(show_spinner=False, max_entries=256)
def _drawn(
    name: str, digest: str, settings: tuple[tuple[str, float], ...], _picture: input_image.InputImage
) -> "tuple[np.ndarray[Any, Any], str]":
    """Return the picture of what came out, and in a few words what it shows."""
    from core.figures.classical import operation_picture, operation_scale

    pixels = _picture.array()
    result = apply_classical(name, pixels @ np.array(_GREY) / 255, **dict(settings))
    scale = operation_scale(result)
    return operation_picture(pixels, result), result.note or _words(result, scale)


def _words(result: "ClassicalResult", scale: ColorScale | None) -> str:
    if scale is not None:
        if not scale.high:
            return "Zero everywhere: the picture is too even."
        most = float(np.abs(np.asarray(result.values)).max())
        return f"From {number(scale.low)} to {number(scale.high)}{' and more' * (most > scale.high)}"
    counts = {word: len(getattr(result, name)) for name, word in _COUNTED.items()}
    return " and ".join(f"{count} {word}{'s' * (count > 1)}" for word, count in counts.items() if count)


@st.fragment
def _learned(networks: Sequence[Network], picture: input_image.InputImage) -> None:
    st.markdown("**Learned:** the maps of the network's first convolution; nobody told it what to look for.")
    with show_errors():
        results = collect_results(networks, partial(_first_maps, picture=picture))
        if unwrap(results[0]) is None:
            st.info("This network has no convolution: add one on the build page and train again.")
            return

        layers = [each for each in results if isinstance(each, tuple)]

        def draw(side: int) -> None:
            mine = unwrap(results[side])
            if mine is None:
                st.caption("This network has no convolution.")
            else:
                _sheet(*mine, [maps for _, maps in layers if maps.shape == mine[1].shape], networks[0].id, side)

        side_by_side(networks, draw, width=200)
        first = unwrap(results[0])
        if first is not None and "." not in first[0]:
            link("feature_maps", "Look into these maps", layer=first[0])


def _sheet(
    layer: str, maps: "np.ndarray[Any, Any]", alike: "Sequence[np.ndarray[Any, Any]]", run_id: str, side: int
) -> None:
    """Show the maps of a layer in one scale with those that are alike."""
    scale = ColorScale.of(np.stack(alike), percentile=99.5)
    color_bar(scale, sides=len(alike))
    strongest = int(np.abs(np.nan_to_num(alike[0])).max(axis=(1, 2)).argmax())
    grid(
        colorize(maps, scale),
        key=f"classical_maps_{run_id}_{layer}".replace(".", "_"),
        label=f"Maps of {layer}",
        names=[f"map {channel}" for channel in range(len(maps))],
        selected=Selection(strongest, maps.shape[1] // 2, maps.shape[2] // 2),
        side=side,
    )
    st.caption(f"{layer}: {dimensions(maps.shape)}, before any activation.")


def _first_maps(network: Network, picture: input_image.InputImage) -> "tuple[str, np.ndarray[Any, Any]] | None":
    layer = first_convolution(network)
    if layer is None:
        return None
    return layer, inference.activations(network, (layer,), picture)[layer]


SECTION = Section("operations", "The same picture, two ways", operations)
