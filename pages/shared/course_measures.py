"""What is measured of an explanation's course: in words, and as small charts over the epochs."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.explain.course import ALIKE, Missing, Moment, likeness_to_last, settled, share_inside
from core.figures.course import course_chart, course_rows
from core.figures.overlay_curves import swatch
from core.inference.network import Network
from pages.shared import state, subjects
from pages.shared.charts import chart
from pages.shared.compare import LETTERS
from pages.shared.predictions import class_name

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Told:
    """What a run says of a picture at its epochs.

    Attributes:
        network: Whose training it is.
        moments: One for each epoch, in order, at least one.
        kept: How many epochs there are, of which these may be a part.
    """

    network: Network
    moments: tuple[Moment | Missing, ...]
    kept: int

    def at(self, moment: Moment | Missing) -> float:
        """Return the place of a moment on an axis of epochs."""
        run = self.network.require_run()
        return run.step / max(1, run.steps_per_epoch) if moment.epoch is None else float(moment.epoch)


def reading(told: Told, target: int, picture: subjects.Picture) -> list[str]:
    """Say in sentences, Markdown, since when a run answers as it does, and since when for the same reason."""
    return [sentence for sentence in (_answer(told, target), _alike(told), _inside(told, picture)) if sentence]


def _answer(told: Told, target: int) -> str:
    name, last = class_name(told.network, target), told.moments[-1]
    if isinstance(last, Missing):
        return "Its last epoch cannot be asked."
    best = int(last.probabilities.argmax())
    if best != target:
        return f"In the end it says “{class_name(told.network, best)}”, not “{name}”."
    asked = [each for each in told.moments if isinstance(each, Moment)]
    place = len(asked)
    while place and int(asked[place - 1].probabilities.argmax()) == target:
        place -= 1
    if place:
        return f"It says “{name}” {_from(asked[place])}."
    return f"It has said “{name}” all along" + (", even untrained: by chance." if asked[0].epoch == 0 else ".")


def _alike(told: Told) -> str:
    values = likeness_to_last(told.moments)
    if values[-1] is None:
        return "Its last map is blank, so the others cannot be likened to it."
    if len(values) < 2:
        return "There is only one map yet: the course begins with the next epoch."
    place = settled(values)
    if place is None:
        before = "cannot be likened to it" if values[-2] is None else f"has a rank correlation of only {values[-2]:.2f}"
        return f"**Its map changes up to the end**: the one before the last {before}."
    if told.moments[place].epoch == 0:
        return (
            "**Already the untrained network's map is like the last one** (rank correlation "
            f"{values[0]:.2f}): it shows the picture more than what was learned."
        )
    since = _from(told.moments[place]).capitalize()
    return f"**{since} its map stays alike**: rank correlation {ALIKE} or more with the last."


def between(one: Told, other: Told) -> str:
    """Say in a sentence how alike the last maps of two runs are; empty where there is none to compare."""
    alike = likeness_to_last((one.moments[-1], other.moments[-1]))[0]
    return "" if alike is None else f"In the end the maps of A and B have a rank correlation of {alike:.2f}."


def promise_kept(moments: Sequence[Moment]) -> str:
    """Say what the method promises its values to sum to, and which maps fall short of it; empty if it does not."""
    gaps = [moment.gap for moment in moments if moment.gap]
    if not gaps:
        return ""
    short = [gap for gap in gaps if gap.shortfall]
    if not short:
        return f"{gaps[0].promise.words} All of these maps keep to it."
    worst = max(short, key=lambda gap: gap.share)
    count = f"{len(short)} of these {len(gaps)} maps fall short of it."
    return f"{worst.promise.words} {count} The farthest: {worst.shortfall}"


def _inside(told: Told, picture: subjects.Picture) -> str:
    mask = _mask(told.network, picture)
    if mask is None:
        return ""
    shares = [share_inside(each.heatmap, mask) for each in told.moments if isinstance(each, Moment)]
    if len(shares) < 2 or shares[0] is None or shares[-1] is None:
        return ""
    return (
        f"Of its positive values, {shares[0]:.0%} lay on the object at first and {shares[-1]:.0%} in the end; the "
        f"object covers {mask.mean():.0%} of the picture."
    )


def _from(moment: Moment | Missing) -> str:
    return "in its latest weights" if moment.epoch is None else f"from epoch {moment.epoch} on"


def _mask(network: Network, picture: subjects.Picture) -> "np.ndarray[Any, Any] | None":
    """Return where the object is, if this is an image of which the data set knows it."""
    choice = state.choice()
    if choice is None or choice.kind != "test" or network.why_no_images:
        return None
    images = getattr(network.dataset(), choice.split)
    index = choice.index % len(images)
    known = images.masks is not None and images.images[index].numpy().tobytes() == picture.pixels
    return images.masks[index].numpy() if known else None


def charts(told: Sequence[Told], target: int, picture: subjects.Picture, now: float) -> None:
    """Draw what is measured of each epoch: how likely the class is, how alike the map is, how much is on the object."""
    if len(told) > 1:
        _key(told)
    mask, epochs = _mask(told[0].network, picture), max(each.at(each.moments[-1]) for each in told)
    alike = [likeness_to_last(each.moments) for each in told]
    least = min((value for values in alike for value in values if value is not None), default=0.0)
    low = 0.0 if least >= 0 else -0.5 if least >= -0.5 else -1.0
    likely = [
        [float(m.probabilities[target]) if isinstance(m, Moment) else None for m in each.moments] for each in told
    ]
    with st.grid(3 if mask is not None else 2, min_column_width=220, gap="medium"):
        name = class_name(told[0].network, target)
        _chart(told, likely, "likely", f"Probability of “{name}”", epochs, now)
        _chart(told, alike, "alike", "Rank correlation with the last map", epochs, now, low=low, level=ALIKE)
        if mask is not None:
            inside = [
                [share_inside(m.heatmap, mask) if isinstance(m, Moment) else None for m in each.moments]
                for each in told
            ]
            covered = float(mask.mean())
            _chart(told, inside, "inside", "Share of the map on the object", epochs, now, level=covered)
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
    told: Sequence[Told],
    values: Sequence[Sequence[float | None]],
    key: str,
    title: str,
    epochs: float,
    now: float,
    *,
    low: float = 0.0,
    level: float | None = None,
) -> None:
    names = list(LETTERS[: len(told)])
    lines = {
        name: [(each.at(moment), value) for moment, value in zip(each.moments, measured, strict=True)]
        for name, each, measured in zip(names, told, values, strict=True)
    }
    with st.container(gap="xsmall"):
        st.markdown(f"**{title}**")
        chart(
            course_chart(names, epochs=epochs, low=low, share=key != "alike", theme=state.theme()),
            course_rows(lines),
            key=f"course_{key}",
            alt=f"{title} by epoch",
            now=[{"epoch": now}],
            level=[] if level is None else [{"value": level}],
        )


def _key(told: Sequence[Told]) -> None:
    """Say which line is which run."""
    entries = "".join(
        f'<span><img src="{swatch(place, state.theme())}" alt="" style="vertical-align: middle"> '
        f"{LETTERS[place]} · {html.escape(each.network.name)}</span>"
        for place, each in enumerate(told)
    )
    st.html(f'<div style="display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 0.875rem">{entries}</div>')
