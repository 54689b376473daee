"""Downloads of explanations: a sheet, arrays, settings, and the command line that repeats them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from core.exchange.layout import stem
from core.explain.cli.record import (
    NetworkExplanations,
    NetworkReference,
    arrays_npz,
    call_of,
    command,
    fingerprint,
    in_one_line,
    settings_json,
)
from core.inference.network import Network
from pages.shared.explanation.controls import HeatmapStyle
from pages.shared.explanation.rendering import ShownExplanation
from pages.shared.picture import input_image

if TYPE_CHECKING:
    from core.explain.attribution import Attribution

NetworkAttributions = tuple[Network, "tuple[Attribution, ...]"]  # what one network was asked
Records = Callable[[], "tuple[NetworkExplanations, ...]"]


@dataclass(frozen=True)
class Download:
    """One file that explanations can be saved as.

    Attributes:
        label: What the button says.
        icon: A Material symbol.
        help: What is in it and what it is good for, one sentence.
        file: How its name ends.
        mime: Its type.
        make: What makes its content, when it is asked for.
    """

    label: str
    icon: str
    help: str
    file: str
    mime: str
    make: Callable[[Records, input_image.InputImage, HeatmapStyle], bytes]


def _sheet(records: Records, picture: input_image.InputImage, look: HeatmapStyle) -> bytes:
    from core.figures.explained import explanation_sheet

    drawn_sheet = explanation_sheet(records(), strength=look.strength, percentile=look.percentile, sign=look.sign)
    return drawn_sheet.png


def _arrays(records: Records, picture: input_image.InputImage, look: HeatmapStyle) -> bytes:
    return arrays_npz(records())


def _settings(records: Records, picture: input_image.InputImage, look: HeatmapStyle) -> bytes:
    return settings_json(records()).encode()


def _picture(records: Records, picture: input_image.InputImage, look: HeatmapStyle) -> bytes:
    pixels = picture.array()
    file = BytesIO()
    Image.fromarray(pixels[..., 0] if picture.shape[0] == 1 else pixels).save(file, "PNG")
    return file.getvalue()


DOWNLOADS = (
    Download(
        "Sheet",
        ":material/grid_view:",
        "All maps with their titles, colour bars and captions as one PNG picture, sharp enough for paper.",
        ".png",
        "image/png",
        _sheet,
    ),
    Download(
        "Arrays",
        ":material/data_array:",
        "The picture as the network received it and the raw values of every map, as an npz file for numpy.load.",
        ".npz",
        "application/octet-stream",
        _arrays,
    ),
    Download(
        "Settings",
        ":material/settings:",
        "Network, class, methods with every option, papers and versions as JSON: with it all can be repeated exactly.",
        ".json",
        "application/json",
        _settings,
    ),
    Download(
        "Picture",
        ":material/image:",
        "The picture as the network receives it, before it is normalised, as PNG: what the command line needs.",
        "-picture.png",
        "image/png",
        _picture,
    ),
)


def take_away(explanations: Sequence[ShownExplanation], picture: input_image.InputImage, look: HeatmapStyle) -> None:
    """Offer what is shown as files, each made only when it is asked for, and say how to repeat it without the app.

    Args:
        explanations: The explanations on the screen, of one network or of two.
        picture: What they are about.
        look: How the maps are drawn.
    """
    by_network = _by_network(explanations)
    name = f"{stem(by_network[0][0].name)}-explained" if by_network else "explained"
    reason = "" if by_network else "Nothing has been explained yet: choose a method, or let one be computed."
    records = partial(_records, by_network, picture)
    st.markdown("**Take it away**")
    with st.container(horizontal=True, key="explanation_exports"):
        for download in DOWNLOADS:
            st.download_button(
                download.label,
                partial(download.make, records, picture, look),
                file_name=name + download.file,
                mime=download.mime,
                key=f"explanation_export_{download.label}",
                help=reason or download.help,
                disabled=bool(reason),
                icon=download.icon,
                on_click="ignore",
            )
    if by_network:
        with st.expander("The same from the command line", icon=":material/terminal:"):
            _repeat(by_network, picture, name)


def _repeat(by_network: Sequence[NetworkAttributions], picture: input_image.InputImage, name: str) -> None:
    """Show the command line that repeats it, with the file of settings where one line cannot say all."""
    calls = [call_of(each) for _, attributions in by_network for each in attributions]
    file, out = f"{name}-picture.png", f"{name}-again.png"
    if len(by_network) == 1 and in_one_line(calls):
        needed = "the picture"
        network, grey = by_network[0][0], picture.shape[0] == 1
        names = network.class_names
        line = command(NetworkReference.of(network), file, calls, [out], received=grey, class_names=names)
    else:
        needed = "the picture and the settings"
        swap = " --swap no" * (picture.shape[0] == 1)
        line = f"python -m core.explain {file} --settings {name}.json{swap} -o {out}"
    st.caption(f"Save {needed} into the folder of ConvScope, then:")
    st.code(line, language="sh", wrap_lines=True)


def _by_network(shown: Sequence[ShownExplanation]) -> list[NetworkAttributions]:
    grouped: dict[tuple[object, ...], tuple[Network, list[Attribution]]] = {}
    for each in shown:
        grouped.setdefault(each.view.network.cache_key, (each.view.network, []))[1].append(each.attribution)
    return [(network, tuple(explanations)) for network, explanations in grouped.values()]


def _records(
    by_network: Sequence[NetworkAttributions], picture: input_image.InputImage
) -> "tuple[NetworkExplanations, ...]":
    return tuple(
        NetworkExplanations(
            NetworkReference.of(network),
            fingerprint(network.model),
            network.class_names,
            picture.title,
            picture.tensor(),
            network.normalize(picture.tensor()),
            attributions,
        )
        for network, attributions in by_network
    )
