"""Explanations of one class of one picture: what the network received and a card for each method."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.explain.method import Method
from core.explain.methods import METHODS
from core.figures.overlays import Overlay, overlay
from pages.shared import menu, results
from pages.shared.compare import attempts, side_by_side, taken
from pages.shared.explanation_controls import Look, ask_look, ask_options
from pages.shared.layout import plain, show_errors
from pages.shared.maps import ONE_SCALE, color_bar
from pages.shared.predictions import class_name, same_classes

if TYPE_CHECKING:
    from core.explain.attribution import Attribution

AT_ONCE = 500  # passes through the network: what costs more waits for a click
NARROWEST = 160  # screen pixels of one of two pictures
BRIEF = ("grad_cam", "integrated_gradients")
_STYLE = """<style>
[class*="st-key-explained_"] img { image-rendering: pixelated; }
[class*="st-key-explained_"] [data-testid="stElementToolbar"] { display: none; }
div[class*="st-key-head_"] { min-height: 2.5rem; }
[class*="st-key-about_"] button > div > [aria-hidden] { display: none; }
</style>"""


@st.fragment
def explanations(
    both: Sequence[results.Weights], picture: results.Picture, target: int, *, all_methods: bool = True
) -> None:
    """Show the picture as the network received it and what each method says of a class, side by side.

    Args:
        both: Whose network is asked, or the two that are compared; a second one that cannot be is left out.
        picture: What it looks at.
        target: Index of the class to explain.
        all_methods: Whether to show all, with their controls, or those of `BRIEF` and the way to the others.
    """
    st.html(_STYLE)
    run, answers = both[0].run, attempts(both, partial(results.probabilities, picture=picture))
    if len(both) > 1 and (isinstance(answers[1], ConvScopeError) or not same_classes(both)):
        both, answers = both[:1], answers[:1]  # what keeps it away stands where its answer would
    look, options = Look(), dict[str, Mapping[str, Any]]()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        why = "Why" if all(taken(answer).argmax() == target for answer in answers) else "What speaks for"
        st.subheader(f"{why} “{class_name(run, target)}”?", anchor=False, width="content")
        if all_methods:
            options |= ask_options(both[0])
        else:
            menu.link("saliency", "Compare all five methods", icon=":material/compare:", target=str(target))
    if all_methods:
        look = ask_look()
    with st.grid(3, min_column_width=220) if len(both) == 1 else st.grid(2, min_column_width=340):
        with st.container(border=True, height="stretch", key="explained_input", gap="xsmall"):
            _input(picture)
        for method in METHODS if all_methods else BRIEF:
            with st.container(border=True, height="stretch", key=f"explained_{method}", gap="xsmall"):
                _head(METHODS[method])
                with show_errors():
                    _explain(both, picture, target, METHODS[method], look, options.get(method, {}))


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
    both: Sequence[results.Weights],
    picture: results.Picture,
    target: int,
    method: Method,
    look: Look,
    options: Mapping[str, Any],
) -> None:
    passes = method.passes(method.resolve(options), picture.shape)
    asked = (*(weights.mark[:2] for weights in both), picture.digest, target, *sorted(options.items()))
    if passes > AT_ONCE and not _wanted(method.name, asked, passes):
        return
    with st.spinner(f"{passes:,} passes through the network …"):
        found = attempts(both, partial(_ask, picture=picture, target=target, method=method, options=options))
    explained = {side: each for side, each in enumerate(found) if not isinstance(each, str | ConvScopeError)}
    drawn = _overlay(picture, list(explained.values()), method, look) if explained else None
    parts = dict(zip(explained, np.split(drawn.pixels, len(explained), axis=1), strict=True)) if drawn else {}

    def draw(side: int) -> None:
        reason = taken(found[side])
        if isinstance(reason, str):
            st.info(plain(reason), icon=":material/block:")
        elif drawn:
            st.image(parts[side], width="stretch", alt=f"{method.title}: {drawn.text}")

    side_by_side(both, draw, width=NARROWEST, brief=True)
    if drawn:
        _words(drawn, list(explained.values()), method, look)


def _ask(
    weights: results.Weights, picture: results.Picture, target: int, method: Method, options: Mapping[str, Any]
) -> "Attribution | str":
    """Explain a class, or say why this method cannot."""
    from core.explain.fitness import why_not

    reason = why_not(results.model(weights), method.name)
    return reason or results.attribution(weights, picture, target, method.name, **options)


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


def _overlay(picture: results.Picture, found: "Sequence[Attribution]", method: Method, look: Look) -> Overlay:
    """Draw explanations of a picture beside one another, in one scale."""
    from core.explain.attribution import heatmap

    drawn = overlay(
        np.concatenate([_faded(picture.array(), method.signed)] * len(found), axis=1),
        np.concatenate([heatmap(each).numpy() for each in found], axis=1),
        signed=method.signed,
        positive=method.positive,
        negative=method.negative,
        strength=look.strength,
        percentile=look.percentile,
        sign=look.sign,
        zoom=_zoom(picture.array()),
    )
    if len(found) == 1:
        return drawn
    return replace(drawn, text=drawn.text.replace("Scaled to this map alone", ONE_SCALE.rstrip(" .")))


def _words(drawn: Overlay, found: "Sequence[Attribution]", method: Method, look: Look) -> None:
    words = [drawn.text]
    if not method.signed and look.sign != "both":
        words.append("Its values have no sign to choose by.")
    layers = dict.fromkeys(str(each.options["layer"]) for each in found if each.options.get("layer"))
    if layers:
        words.append(f"Seen from layer {' and '.join(layers)}.")
    if drawn.scale.high:
        color_bar(drawn.scale, " ".join(words))
    else:
        st.caption(plain(" ".join(words)))


def _faded(pixels: np.ndarray, signed: bool) -> np.ndarray:
    """Take the picture's lights (or, under red and blue, its darks) away, which would pass for strong values."""
    faded = 110 + pixels * 0.48 if signed else pixels * 0.45
    return faded.astype("uint8")


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    zoom = _zoom(pixels)
    return pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _zoom(pixels: np.ndarray) -> int:
    return max(1, -(-256 // max(pixels.shape[:2])))
