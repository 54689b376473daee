"""The maps of an explanation's course: as a strip, large, and played."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.explain.epoch_series import EpochSeries, between, likeness_sentence, promise_kept, since
from core.explain.epochs import ALIKE, EpochExplanation, MissingEpoch, share_inside, similarity_to_last
from core.explain.strength import faint_sentence, in_place_of
from core.figures.epochs import course_chart, course_rows, course_tiles
from core.figures.grids import sprite
from core.figures.overlay_curves import swatch
from core.figures.overlays import Overlay, faded
from core.formatting import share
from core.inference.network import Network
from pages.shared.display.class_bars import class_name
from pages.shared.display.map_grid import color_bar
from pages.shared.display.vega_charts import chart
from pages.shared.explanation.controls import chosen_look
from pages.shared.network.comparison import LETTERS
from pages.shared.picture import input_image
from pages.shared.shell import session
from pages.shared.shell.layout import escape_markdown
from pages.shared.widgets.epoch_player import Frame, FrameRow, flip_book

if TYPE_CHECKING:
    import numpy as np

    from core.explain.methods.base import Method


def reading(series: EpochSeries, target: int, picture: input_image.InputImage) -> list[str]:
    """Say in sentences, Markdown, since when a run answers as it does, and since when for the same reason."""
    return [
        sentence
        for sentence in (_answer(series, target), likeness_sentence(series), _inside(series, picture))
        if sentence
    ]


def _answer(series: EpochSeries, target: int) -> str:
    name, last = class_name(series.network, target), series.moments[-1]
    if isinstance(last, MissingEpoch):
        return "Its last epoch cannot be asked."
    best = int(last.probabilities.argmax())
    if best != target:
        return f"In the end it says “{class_name(series.network, best)}”, not “{name}”."
    explained = [each for each in series.moments if isinstance(each, EpochExplanation)]
    place = len(explained)
    while place and int(explained[place - 1].probabilities.argmax()) == target:
        place -= 1
    if place:
        return f"It says “{name}” {since(explained[place])}."
    return f"It has said “{name}” all along" + (", even untrained: by chance." if explained[0].epoch == 0 else ".")


def _inside(series: EpochSeries, picture: input_image.InputImage) -> str:
    mask = _mask(series.network, picture)
    if mask is None:
        return ""
    shares = [share_inside(each.heatmap, mask) for each in series.moments if isinstance(each, EpochExplanation)]
    if len(shares) < 2 or shares[0] is None or shares[-1] is None:
        return ""
    return (
        f"Of its positive values, {shares[0]:.0%} lay on the object at first and {shares[-1]:.0%} in the end; the "
        f"object covers {mask.mean():.0%} of the picture."
    )


def _mask(network: Network, picture: input_image.InputImage) -> "np.ndarray[Any, Any] | None":
    """Return where the object is, if this is an image of which the data set knows it."""
    choice = session.choice()
    if choice is None or choice.kind != "test" or network.why_no_images:
        return None
    images = network.dataset().split(choice.split)
    index = choice.index % len(images)
    if images.masks is None or images.images[index].numpy().tobytes() != picture.pixels:
        return None
    return images.masks[index].numpy()


def charts(all_series: Sequence[EpochSeries], target: int, picture: input_image.InputImage, now: float) -> None:
    """Draw what is measured of each epoch: how likely the class is, how alike the map is, how much is on the object."""
    if len(all_series) > 1:
        _key(all_series)
    mask, epochs = _mask(all_series[0].network, picture), max(each.at(each.moments[-1]) for each in all_series)
    alike = [similarity_to_last(each.moments) for each in all_series]
    least = min((value for values in alike for value in values if value is not None), default=0.0)
    low = 0.0 if least >= 0 else -0.5 if least >= -0.5 else -1.0
    likely = [
        [float(m.probabilities[target]) if isinstance(m, EpochExplanation) else None for m in each.moments]
        for each in all_series
    ]
    with st.grid(3 if mask is not None else 2, min_column_width=220, gap="medium"):
        name = class_name(all_series[0].network, target)
        _chart(all_series, likely, "likely", f"Probability of “{name}”", epochs, now)
        _chart(all_series, alike, "alike", "Rank correlation with the last map", epochs, now, low=low, level=ALIKE)
        if mask is not None:
            inside = [
                [share_inside(m.heatmap, mask) if isinstance(m, EpochExplanation) else None for m in each.moments]
                for each in all_series
            ]
            covered = float(mask.mean())
            _chart(all_series, inside, "inside", "Share of the map on the object", epochs, now, level=covered)
    st.caption(
        f"Alike is not right: that a map stays as it is says only that training no longer changes it. Dashed: {ALIKE}, "
        "from which maps count as alike"
        + (
            "; and the share of the picture that the object covers, which a random map has."
            if mask is not None
            else "."
        )
    )


def _chart(
    all_series: Sequence[EpochSeries],
    values: Sequence[Sequence[float | None]],
    key: str,
    title: str,
    epochs: float,
    now: float,
    *,
    low: float = 0.0,
    level: float | None = None,
) -> None:
    names = list(LETTERS[: len(all_series)])
    lines = {
        name: [(each.at(moment), value) for moment, value in zip(each.moments, measured, strict=True)]
        for name, each, measured in zip(names, all_series, values, strict=True)
    }
    with st.container(gap="xsmall"):
        st.markdown(f"**{title}**")
        chart(
            course_chart(names, epochs=epochs, low=low, share=key != "alike", theme=session.theme()),
            course_rows(lines),
            key=f"course_{key}",
            alt=f"{title} by epoch",
            now=[{"epoch": now}],
            level=[] if level is None else [{"value": level}],
        )


def _key(all_series: Sequence[EpochSeries]) -> None:
    """Say which line is which run."""
    entries = "".join(
        f'<span><img src="{swatch(place, session.theme())}" alt="" style="vertical-align: middle"> '
        f"{LETTERS[place]} · {html.escape(each.network.name)}</span>"
        for place, each in enumerate(all_series)
    )
    st.html(f'<div style="display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 0.875rem">{entries}</div>')


COLUMNS = 12  # of the sheet
_FAINT = {"nothing": "says next to nothing", "weak": "weak map"}  # what is written below such a map


def tell(
    all_series: Sequence[EpochSeries],
    picture: input_image.InputImage,
    target: int,
    method: "Method",
    *,
    one_scale: bool,
    epoch: int | None,
    reason: str = "",
) -> None:
    """Draw the course of one explanation, or of two of the same class.

    Args:
        all_series: Of one run, or of two.
        picture: What is explained.
        target: Index of the class.
        method: By which method.
        one_scale: Whether all maps have one scale.
        epoch: Which epoch is shown large at first; the last one if None.
        reason: Why this method stands in the place of the one that was chosen, if it does.
    """
    if reason:
        st.caption(escape_markdown(in_place_of(method.name, reason)))
    explained = [moment for each in all_series for moment in each.moments if isinstance(moment, EpochExplanation)]
    if not explained:
        for reason in dict.fromkeys(
            m.reason for each in all_series for m in each.moments if isinstance(m, MissingEpoch)
        ):
            st.info(escape_markdown(reason), icon=":material/block:")
        return
    for number, each in enumerate(all_series):
        letter = f"**{LETTERS[number]}:** " if len(all_series) > 1 else ""
        st.markdown(letter + " ".join(reading(each, target, picture)))
    if len(all_series) > 1 and (words := between(*all_series)):
        st.markdown(words)
    tiles = _tiles(explained, picture, method, one_scale)
    places = sorted({each.at(moment) for each in all_series for moment in each.moments})
    at = _book(all_series, picture, target, tiles, places, epoch)
    faint = faint_sentence([moment.strength for moment in explained])
    words = " ".join(filter(None, (f"{method.title}. {tiles.text}", faint, promise_kept(explained))))
    if tiles.scale.high:
        color_bar(tiles.scale, words)
    else:
        st.caption(escape_markdown(words))
    _follow(all_series, places[at], target)
    charts(all_series, target, picture, places[at])


def _tiles(
    moments: Sequence[EpochExplanation], picture: input_image.InputImage, method: "Method", one_scale: bool
) -> Overlay:
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
        says=[moment.strength for moment in moments],
    )


def _book(
    all_series: Sequence[EpochSeries],
    picture: input_image.InputImage,
    target: int,
    overlays: Overlay,
    places: Sequence[float],
    epoch: int | None,
) -> int:
    """Show the maps and return which of the places is looked at."""
    names = all_series[0].network.class_names
    blank = np.zeros_like(overlays.pixels[0])
    tiles, strips, used = [picture.array()], [], 0
    for number, each in enumerate(all_series):
        leaves = []
        for moment in each.moments:
            leaves.append(_leaf(moment, places.index(each.at(moment)), target, names))
            tiles.append(blank if isinstance(moment, MissingEpoch) else overlays.pixels[used])
            used += isinstance(moment, EpochExplanation)
        title = f"{LETTERS[number]} · {each.network.name}" if len(all_series) > 1 else ""
        strips.append(FrameRow(title, tuple(leaves)))
    named = {place: leaf.title for strip in strips for leaf in strip.leaves for place in [leaf.moment]}
    _, height, width = picture.shape
    key = "course_" + "_".join(each.network.id for each in all_series)
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


def _leaf(moment: EpochExplanation | MissingEpoch, place: int, target: int, names: Sequence[str]) -> Frame:
    title = "latest" if moment.epoch is None else f"epoch {moment.epoch}" if moment.epoch else "untrained"
    if isinstance(moment, MissingEpoch):
        return Frame(place, title, lines=("no map",), missing=moment.reason)
    best = int(moment.probabilities.argmax())
    likely = float(moment.probabilities[target])
    lines = [f"{names[target]} {share(likely)}", f"says {names[best]}"]
    if said := "blank map" if moment.blank else _FAINT.get(moment.strength.kind):
        lines.append(said)
    if moment.gap and moment.gap.shortfall and not moment.blank:
        lines.append(f"sum {moment.gap.off} off")
    return Frame(place, title, likely, tuple(lines))


def _follow(all_series: Sequence[EpochSeries], at: float, target: int) -> None:
    """Offer to look at this epoch everywhere, and say which epochs are left out."""
    epochs = [moment.epoch for moment in all_series[0].moments if all_series[0].at(moment) <= at]
    epoch = epochs[-1] if epochs else all_series[0].moments[0].epoch

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
        left = next((each for each in all_series if each.kept > len(each.moments)), None)
        if left:
            words.append(f"Of {left.kept:,} epochs that are kept, {len(left.moments)} are shown, evenly spread.")
        if any(each.network.in_training for each in all_series):
            words.append("Still in training: new epochs appear with Refresh.")
        st.caption(" ".join(words), width="content")
