"""One image of the map: the image, why the network answers as it does, and the nearest others in the layer."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.explain.methods.registry import METHODS
from core.figures.overlays import faded, overlay
from core.formatting import number, share
from core.inference.network import Network
from pages.sections.embedding.types import Chart
from pages.shared.display.class_bars import class_name
from pages.shared.display.image_cards import Card, cards
from pages.shared.display.map_grid import color_bar
from pages.shared.network import inference
from pages.shared.network.comparison import unwrap
from pages.shared.picture import input_image
from pages.shared.picture.pixels import enlarged, shown
from pages.shared.shell import navigation
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from core.probe.embedding.data_map import DataMap

NEIGHBOURS = 9
IMAGE_PX = 112  # about so many pixels wide are the pictures that go to the browser
METHOD = "grad_cam"


def point_section(view: "Chart", data_map: "DataMap", chosen: int | None) -> int | None:
    """Show the chosen image with its explanation and return its row, or say how to choose one and return None."""
    rows = [] if chosen is None else np.flatnonzero(view.numbers == chosen).tolist()
    if not rows:
        st.info("Click a mark to see its image, its neighbours and its explanation.", icon=":material/ads_click:")
        return None
    row, data, network = rows[0], view.network.dataset(), view.network.at(data_map.epoch)
    image, label = data.test.images[chosen].numpy(), int(data.test.labels[chosen])
    answer = int(data_map.answers[row])
    picture = input_image.InputImage(f"Test image {chosen}", tuple(image.shape), image.tobytes(), label)
    st.subheader(f"Test image {chosen}: “{class_name(network, label)}”", anchor=False)
    sign = ":material/check: Right" if answer == label else ":material/close: Wrong"
    st.markdown(
        f"{sign}: the network says **{class_name(network, answer)}**, {share(float(data_map.confidence[row]))} sure "
        f"({escape_markdown(network.moment)})."
    )
    _explained(network, picture, answer)
    epoch = None if data_map.epoch is None else str(data_map.epoch)
    navigation.link("explain", "Explain this image by every method", run=network.id, target=str(answer), epoch=epoch)
    return row


def _explained(network: Network, picture: input_image.InputImage, answer: int) -> None:
    from core.explain.attribution import heatmap
    from core.explain.strength import full_colour, in_place_of, maps_that_say_something

    method, pixels = METHODS[METHOD], picture.array()
    try:
        attribution = inference.attribution(network, picture, answer, METHOD)
    except ConvScopeError as error:  # a network without maps, say: the image itself can still be seen
        st.image(enlarged(pixels), width=112, output_format="PNG", caption="What it sees")
        st.caption(escape_markdown(f"No {method.title}: {error}"))
        return
    name, (result,), reason = maps_that_say_something(
        METHOD,
        [attribution],
        lambda name: [inference.attribution(network, picture, answer, name)],
    )
    method, attribution = METHODS[name], unwrap(result)
    figure = overlay(
        faded(pixels, method.signed),
        heatmap(attribution).numpy(),
        signed=method.signed,
        positive=method.positive,
        negative=method.negative,
        full_colour=full_colour([attribution]),
    )
    with st.container(horizontal=True, gap="medium"):
        st.image(enlarged(pixels), width=112, output_format="PNG", caption="What it sees")
        said = class_name(network, answer)
        st.image(figure.pixels, width=112, output_format="PNG", caption=f"{method.title} of “{said}”")
    if reason:
        st.caption(escape_markdown(in_place_of(name, reason)))
    if attribution.blank:
        st.caption(escape_markdown(attribution.blank))
    elif figure.scale.high:
        color_bar(figure.scale, f"{method.title}. {figure.text}")


def neighbours(view: "Chart", data_map: "DataMap", row: int) -> None:
    """Show the nearest others of an image in the layer, with their classes and distances."""
    data, names = view.network.dataset(), view.network.class_names
    near, far = data_map.neighbors.indices[row, :NEIGHBOURS], data_map.neighbors.distances[row, :NEIGHBOURS]
    label = int(data.test.labels[view.numbers[row]])
    st.markdown(f"**Nearest to it in {escape_markdown(view.layer)}**")
    image_cards = []
    for other, distance in zip(view.numbers[near], far, strict=True):
        truth = int(data.test.labels[other])
        agrees = "same class" if truth == label else "another class"
        image_cards.append(
            Card(
                title=names[truth],
                note=f"{'✓' if truth == label else '✗'} {number(float(distance))}",
                words=f"Test image {other}, {names[truth]}, {agrees}, at a distance of {number(float(distance))}",
                pictures=(enlarged(shown(data.test.images[other].numpy()), IMAGE_PX),),
            )
        )
    cards(image_cards)
    same = sum(int(data.test.labels[other]) == label for other in view.numbers[near])
    st.caption(
        f"{same} of {len(near)} are of its class (✓). The number is the Euclidean distance in the layer; lines "
        "on the map lead to the first six."
    )
