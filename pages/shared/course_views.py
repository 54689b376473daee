"""The maps of an explanation's course: as a strip, large, and played."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.explain.course import Missing, Moment
from core.figures.course import CourseTiles, course_tiles
from core.figures.grids import sprite
from core.figures.overlays import faded
from pages.shared import subjects
from pages.shared.compare import LETTERS
from pages.shared.course_measures import Told, between, charts, promise_kept, reading
from pages.shared.explanation_looks import chosen_look
from pages.shared.layout import plain
from pages.shared.maps import color_bar
from pages.shared.predictions import share
from pages.shared.widgets.flip_book import Leaf, Strip, flip_book

if TYPE_CHECKING:
    from core.explain import Method

COLUMNS = 12  # of the sheet


def tell(
    told: Sequence[Told],
    picture: subjects.Picture,
    target: int,
    method: "Method",
    *,
    one_scale: bool,
    epoch: int | None,
) -> None:
    """Draw the course of one explanation, or of two of the same class.

    Args:
        told: Of one run, or of two.
        picture: What is explained.
        target: Index of the class.
        method: By which method.
        one_scale: Whether all maps have one scale.
        epoch: Which epoch is shown large at first; the last one if None.
    """
    asked = [moment for each in told for moment in each.moments if isinstance(moment, Moment)]
    if not asked:
        for reason in dict.fromkeys(m.reason for each in told for m in each.moments if isinstance(m, Missing)):
            st.info(plain(reason), icon=":material/block:")
        return
    for number, each in enumerate(told):
        letter = f"**{LETTERS[number]}:** " if len(told) > 1 else ""
        st.markdown(letter + " ".join(reading(each, target, picture)))
    if len(told) > 1 and (words := between(*told)):
        st.markdown(words)
    drawn = _tiles(asked, picture, method, one_scale)
    places = sorted({each.at(moment) for each in told for moment in each.moments})
    at = _book(told, picture, target, drawn, places, epoch)
    words = " ".join(filter(None, (f"{method.title}. {drawn.text}", promise_kept(asked))))
    if drawn.scale.high:
        color_bar(drawn.scale, words)
    else:
        st.caption(plain(words))
    _follow(told, places[at], target)
    charts(told, target, picture, places[at])


def _tiles(moments: Sequence[Moment], picture: subjects.Picture, method: "Method", one_scale: bool) -> CourseTiles:
    look = chosen_look()
    return course_tiles(
        faded(picture.array(), method.signed),
        np.stack([moment.heatmap for moment in moments]),
        one_scale=one_scale,
        signed=method.signed,
        positive=method.positive,
        negative=method.negative,
        strength=look.strength,
        percentile=look.percentile,
        sign=look.sign,
    )


def _book(
    told: Sequence[Told],
    picture: subjects.Picture,
    target: int,
    drawn: CourseTiles,
    places: Sequence[float],
    epoch: int | None,
) -> int:
    """Show the maps and return which of the places is looked at."""
    names = told[0].network.class_names
    blank = np.zeros_like(drawn.pixels[0])
    tiles, strips, used = [picture.array()], [], 0
    for number, each in enumerate(told):
        leaves = []
        for moment in each.moments:
            leaves.append(_leaf(moment, places.index(each.at(moment)), target, names))
            tiles.append(blank if isinstance(moment, Missing) else drawn.pixels[used])
            used += isinstance(moment, Moment)
        title = f"{LETTERS[number]} · {each.network.name}" if len(told) > 1 else ""
        strips.append(Strip(title, tuple(leaves)))
    named = {place: leaf.title for strip in strips for leaf in strip.leaves for place in [leaf.moment]}
    _, height, width = picture.shape
    key = "course_" + "_".join(each.network.id for each in told)
    at = flip_book(
        sprite(np.stack(tiles), COLUMNS),
        width=width,
        height=height,
        columns=min(COLUMNS, len(tiles)),
        picture=picture.title,
        moments=[named[place] for place in range(len(places))],
        strips=strips,
        key=key,
        label="Epoch of the map",
        chosen=_first(key, places, epoch),
    )
    st.session_state["course_at"] = places[at]
    return at


def pause() -> None:
    """Remember, where the maps cannot be shown for now, that they have to begin where they were."""
    if "course_at" in st.session_state:
        st.session_state["course_first"] = st.session_state["course_at"]


def _first(key: str, places: Sequence[float], epoch: int | None) -> int:
    """Return which place to begin with: that of the page's epoch, once it changes, or else the one shown last."""
    if st.session_state.get("course_about") != (key, epoch):
        st.session_state["course_about"] = key, epoch
        st.session_state["course_first"] = places[-1] if epoch is None else float(epoch)
    first = st.session_state.get("course_first")
    return places.index(first) if first in places else len(places) - 1


def _leaf(moment: Moment | Missing, place: int, target: int, names: Sequence[str]) -> Leaf:
    title = "latest" if moment.epoch is None else f"epoch {moment.epoch}" if moment.epoch else "untrained"
    if isinstance(moment, Missing):
        return Leaf(place, title, lines=("no map",), missing=moment.reason)
    best = int(moment.probabilities.argmax())
    likely = float(moment.probabilities[target])
    lines = [f"{names[target]} {share(likely)}", f"says {names[best]}"] + ["blank map"] * moment.blank
    if moment.gap and moment.gap.shortfall and not moment.blank:
        lines.append(f"sum {moment.gap.off} off")
    return Leaf(place, title, likely, tuple(lines))


def _follow(told: Sequence[Told], at: float, target: int) -> None:
    """Offer to look at this epoch everywhere, and say which epochs are left out."""
    epochs = [moment.epoch for moment in told[0].moments if told[0].at(moment) <= at]
    epoch = epochs[-1] if epochs else told[0].moments[0].epoch

    def follow() -> None:
        st.query_params["target"] = str(target)  # another epoch may answer otherwise: the class stays the same
        if epoch is None:
            st.query_params.pop("epoch", None)
        else:
            st.query_params["epoch"] = str(epoch)

    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Look at this epoch on every page", icon=":material/push_pin:", key="course_follow", on_click=follow
        ):
            st.rerun()
        words = ["The picture stays the same while you choose another network above."]
        left = next((each for each in told if each.kept > len(each.moments)), None)
        if left:
            words.append(f"Of {left.kept:,} epochs that are kept, {len(left.moments)} are shown, evenly spread.")
        if any(each.network.in_training for each in told):
            words.append("Still in training: new epochs appear with Refresh.")
        st.caption(" ".join(words), width="content")
