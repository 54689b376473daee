"""The likeliest classes of a picture as bars, and the choice of the class to explain."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.figures.palette import THEMES
from core.formatting import share
from core.inference.network import Network
from pages.shared.network import inference
from pages.shared.network.comparison import collect_results, side_by_side, unwrap
from pages.shared.picture import input_image
from pages.shared.picture.picker import pick_picture
from pages.shared.shell import session
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    import numpy as np

NUM_TOP_CLASSES = 5


def class_name(network: Network, index: int) -> str:
    """Return the name of a class as escaped Markdown."""
    return escape_markdown(network.class_names[index])


def pick_target(networks: Sequence[Network], picture: input_image.InputImage) -> int:
    """Show the likeliest classes of a picture as bars that can be clicked, and return the class to explain.

    That is the one in the address (`target`) as long as the picture stays the same, else the likeliest of the first
    network. Of two networks each has its bars.

    Raises:
        ConvScopeError: The first network cannot be loaded or its answer is not a number.
    """
    with st.spinner("The network looks at the picture …"):  # said once it takes half a second
        probabilities = collect_results(networks, partial(inference.probabilities, picture=picture))
    first = unwrap(probabilities[0])
    target = _asked(networks[0], picture, len(first))
    if target is None:
        target = int(_order(first)[0])

    def draw(side: int) -> None:
        same = not side or same_classes(networks)
        _answers(networks[side], picture, unwrap(probabilities[side]), target if same else None, side)

    side_by_side(networks, draw, width=220)
    return target


def pick_picture_and_target(networks: Sequence[Network]) -> tuple[input_image.InputImage, int]:
    """Ask for a picture and, beside it, for one of the classes that the (first) network may see in it."""
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        picture = pick_picture(networks[0])
    with answering:
        return picture, pick_target(networks, picture)


def same_classes(networks: Sequence[Network]) -> bool:
    """Whether two networks have the same classes."""
    first, other = (network.class_names for network in (networks[0], networks[-1]))
    return first == other


def _order(probabilities: "np.ndarray") -> "np.ndarray":
    return (-probabilities).argsort(kind="stable")


def _answers(
    network: Network, picture: input_image.InputImage, probabilities: "np.ndarray", target: int | None, side: int
) -> None:
    """Show what one network answers; the bars can be clicked unless `target` is None, for it knows other classes."""
    order = _order(probabilities).tolist()
    labelled = picture if target is not None else replace(picture, label=None)
    _answer(network, labelled, order[0])
    classes = [index for index in order if index in order[:NUM_TOP_CLASSES] or index in (labelled.label, target)]
    _bars(network, labelled, classes, probabilities, target, side)
    rest = [index for index in order if index not in classes]
    if rest and not side:
        _another(network, rest, probabilities)


def _asked(network: Network, picture: input_image.InputImage, count: int) -> int | None:
    """Return the class that the address asks for, or None; what another picture was asked about is forgotten."""
    about = (network.dataset_name, picture.digest)
    if st.session_state.get("target_of", about) != about and "target" in st.query_params:
        del st.query_params["target"]
    st.session_state["target_of"] = about
    text = st.query_params.get("target", "")
    if re.fullmatch(r"[0-9]{1,6}", text) and int(text) < count:
        return int(text)
    if text:
        st.warning("The address asks for a class that this network does not have: click one of its classes.")
    return None


def _choose(target: int) -> None:
    st.query_params["target"] = str(target)


def _answer(network: Network, picture: input_image.InputImage, best: int) -> None:
    st.subheader(f"It says “{class_name(network, best)}”", anchor=False)
    title = escape_markdown(picture.title)
    if picture.label is None:
        st.caption(f"The network's answer to {title}.")
    elif picture.label == best:
        st.caption(f":material/check: Right: {title} is “{class_name(network, best)}”.")
    else:
        st.caption(f":material/close: Wrong: {title} is “{class_name(network, picture.label)}”.")


def _bars(
    network: Network,
    picture: input_image.InputImage,
    classes: list[int],
    probabilities: "np.ndarray",
    target: int | None,
    side: int,
) -> None:
    """Draw one button for each class, filled as far as the class is likely."""
    colours = THEMES[session.theme()]
    fills = []
    with st.container(key=f"classes_{side}", gap="xxsmall"):
        for index in classes:
            chosen = index == target
            name = f"**{class_name(network, index)}**" if chosen else class_name(network, index)
            true = " :small[(true class)]" if index == picture.label else ""
            key = f"class_{index}" + "_b" * side
            st.button(
                f"{name}{true} :small[{share(float(probabilities[index]))}]",
                key=key,
                width="stretch",
                disabled=target is None,
                on_click=_choose,
                args=(index,),
            )
            fills.append(_fill(key, probabilities[index], colours.mark if chosen else colours.neutral, chosen))
    st.html(f"<style>{_ROWS}{''.join(fills)}</style>")
    if target is None:
        st.caption("It knows other classes than A, so the two cannot be asked about the same one.")
    elif not side:
        st.caption("Click a class to explain it.")


_ROWS = """
[class*="st-key-classes_"] button { min-height: 0; height: 2.25rem; padding: 0 0.75rem; }
[class*="st-key-classes_"] button > div, [class*="st-key-classes_"] button > div > span { width: 100%; }
[class*="st-key-classes_"] button [data-testid="stMarkdownContainer"] { flex: 1; }
[class*="st-key-classes_"] button p { display: flex; gap: 0.5rem; }
[class*="st-key-classes_"] button p span:last-child { margin-left: auto; }
"""


def _fill(key: str, probability: float, colour: str, chosen: bool) -> str:
    border = f"border-color: {colour};" if chosen else ""
    return (
        f".st-key-{key} button {{ {border} background-image: "
        f"linear-gradient({colour}66, {colour}66); background-repeat: no-repeat; "
        f"background-size: {probability:.2%} 100%; }}"
    )


def _another(network: Network, rest: list[int], probabilities: "np.ndarray") -> None:
    def take() -> None:
        if st.session_state["another_class"] is not None:
            _choose(st.session_state.pop("another_class"))

    names = network.class_names
    st.selectbox(
        "Another class",
        rest,
        index=None,
        format_func=lambda index: f"{names[index]} · {share(float(probabilities[index]))}",
        placeholder="Explain another class",
        label_visibility="collapsed",
        key="another_class",
        on_change=take,
    )
