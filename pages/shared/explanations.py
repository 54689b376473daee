"""Explanations of one class of one picture: what the network received and a card for each method."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.explain.methods import METHODS, Method
from core.figures.overlays import overlay
from core.runs.records import Run
from pages.shared import menu, results
from pages.shared.explanation_controls import Look, ask_look, ask_options
from pages.shared.layout import plain, show_errors
from pages.shared.maps import color_bar
from pages.shared.predictions import class_name

if TYPE_CHECKING:
    import numpy as np

    from core.explain.attribution import Attribution

AT_ONCE = 500  # passes through the network: what costs more waits for a click
BRIEF = ("grad_cam", "integrated_gradients")
_STYLE = """<style>
[class*="st-key-explained_"] img { image-rendering: pixelated; }
[class*="st-key-explained_"] [data-testid="stElementToolbar"] { display: none; }
div[class*="st-key-head_"] { min-height: 2.5rem; }
[class*="st-key-about_"] button > div > [aria-hidden] { display: none; }
</style>"""


@st.fragment
def explanations(run: Run, picture: results.Picture, target: int, *, all_methods: bool = True) -> None:
    """Show the picture as the network received it and what each method says of a class, side by side.

    Args:
        run: Whose network is asked.
        picture: What it looks at.
        target: Index of the class to explain.
        all_methods: Whether to show all, with their controls, or those of `BRIEF` and the way to the others.
    """
    st.html(_STYLE)
    look, options = Look(), dict[str, Mapping[str, Any]]()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        why = "Why" if target == results.probabilities(run, picture).argmax() else "What speaks for"
        st.subheader(f"{why} “{class_name(run, target)}”?", anchor=False, width="content")
        if all_methods:
            options |= ask_options(run)
        else:
            menu.link("saliency", "Compare all five methods", icon=":material/compare:", target=str(target))
    if all_methods:
        look = ask_look()
    with st.grid(3, min_column_width=220):
        with st.container(border=True, height="stretch", key="explained_input", gap="xsmall"):
            _input(picture)
        for method in METHODS if all_methods else BRIEF:
            with st.container(border=True, height="stretch", key=f"explained_{method}", gap="xsmall"):
                _head(METHODS[method])
                with show_errors():
                    _explain(run, picture, target, METHODS[method], look, options.get(method, {}))


def _input(picture: results.Picture) -> None:
    channels, height, width = picture.shape
    with st.container(horizontal=True, vertical_alignment="center", key="head_input"):
        st.markdown("**What the network receives**")
    st.image(_enlarged(picture.array()), width="stretch", alt="The picture as the network receives it")
    values = "one value (dark to light)" if channels == 1 else "three values (red, green, blue)"
    st.caption(f"{plain(picture.title)}: {height} × {width} pixels of {values}.")


def _head(method: Method) -> None:
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key=f"head_{method.name}",
    ):
        st.markdown(f"**{method.title}**", width="content")
        with st.popover("", icon=":material/help:", type="tertiary", key=f"about_{method.name}"):
            st.markdown(f"**What it measures.** {method.measures}")
            st.markdown(f"**What it cannot show.** {method.cannot}")
            st.caption(method.paper)


def _explain(
    run: Run, picture: results.Picture, target: int, method: Method, look: Look, options: Mapping[str, Any]
) -> None:
    from core.explain.layers import why_not

    reason = why_not(results.model(run), method.name)
    if reason:
        st.info(plain(reason), icon=":material/block:")
        return
    passes = method.passes(method.resolve(options), picture.shape)
    asked = (run.id, picture.digest, target, *sorted(options.items()))
    if passes > AT_ONCE and not _wanted(method.name, asked, passes):
        return
    with st.spinner(f"{passes:,} passes through the network …"):
        found = results.attribution(run, picture, target, method.name, **options)
    _draw(picture, found, method, look)


def _wanted(method: str, asked: tuple[Any, ...], passes: int) -> bool:
    """Say whether the user has asked for this costly explanation; offer a button where not."""
    key = f"wanted_{method}"
    if st.session_state.get(key) == asked:
        return True

    def want() -> None:
        st.session_state[key] = asked

    st.caption(f"With these settings the picture has to pass {passes:,} times through the network.")
    st.button("Compute", key=f"compute_{method}", icon=":material/play_arrow:", on_click=want)
    return False


def _draw(picture: results.Picture, found: "Attribution", method: Method, look: Look) -> None:
    from core.explain.attribution import heatmap

    drawn = overlay(
        _faded(picture.array(), method.signed),
        heatmap(found).numpy(),
        signed=method.signed,
        positive=method.positive,
        negative=method.negative,
        strength=look.strength,
        percentile=look.percentile,
        sign=look.sign,
    )
    st.image(drawn.pixels, width="stretch", alt=f"{method.title}: {drawn.text}")
    words = [drawn.text]
    if not method.signed and look.sign != "both":
        words.append("Its values have no sign to choose by.")
    if found.options.get("layer"):
        words.append(f"Seen from layer {found.options['layer']}.")
    if drawn.scale.high:
        color_bar(drawn.scale, " ".join(words))
    else:
        st.caption(plain(" ".join(words)))


def _faded(pixels: "np.ndarray", signed: bool) -> "np.ndarray":
    """Take the picture's lights (or, under red and blue, its darks) away, which would pass for strong values."""
    faded = 110 + pixels * 0.48 if signed else pixels * 0.45
    return faded.astype("uint8")


def _enlarged(pixels: "np.ndarray") -> "np.ndarray":
    zoom = max(1, -(-256 // max(pixels.shape[:2])))
    return pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
