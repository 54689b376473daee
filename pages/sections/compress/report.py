"""What a smaller network saves and what it does otherwise: numbers, layers, classes, images whose answer flipped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd
import streamlit as st

from core.formatting import byte_size, p_value
from pages.sections.compress import explanations, fine_tune
from pages.sections.compress.controls import SPLITS, CompressionRequest
from pages.sections.compress.measure import measured, split_of
from pages.shared.display.thumbnails import Thumbnail, thumbnails
from pages.shared.display.vega_charts import chart
from pages.shared.evaluation.image_gallery import follow_image, leave_for
from pages.shared.picture.split_images import png
from pages.shared.shell import session
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.shell.section import draw_sections

if TYPE_CHECKING:
    from core.compression.cost import InferenceTime, TimeRatio
    from core.compression.measurement import CompressionResult
    from core.explain.metrics.pointing_game import Rate

MAX_FLIPPED = 18  # images shown
THUMBNAIL_PX = 96


def flips(request: CompressionRequest, result: "CompressionResult") -> None:
    """Show the images whose answer flipped, those first of which the original was surest."""
    change = result.change
    if not len(change.flipped):
        st.caption("No answer changed.")
        return
    st.markdown("**Images whose answer flipped**")
    items = {str(index): _item(request, result, index) for index in change.flipped[:MAX_FLIPPED].tolist()}

    def leave(name: str) -> None:
        leave_for(request.split, int(name))

    thumbnails(items, key="flips", on_click=leave, side=THUMBNAIL_PX, pixelated=True)
    more = len(change.flipped) - len(items)
    st.caption(
        escape_markdown(
            "✗: it was right before. ✓: it is right only now. ✗✗: wrong before and after. Below each, how "
            "sure either network is of its own answer. Click an image to see why the original answers as it does."
            + (f" {more} more are not shown." if more else "")
        )
    )
    follow_image((request.network,))


def _item(request: CompressionRequest, result: "CompressionResult", index: int) -> Thumbnail:
    change, names = result.change, request.network.class_names
    before, after, true = (
        escape_markdown(names[int(part[index])]) for part in (change.before, change.after, change.labels)
    )
    sign = "✓" if after == true else "✗" if before == true else "✗✗"
    return Thumbnail(
        f"{before} → {after}  \n:small[{sign} {change.sure_before[index]:.0%} → {change.sure_after[index]:.0%}]",
        png(split_of(request)[1].images[index].numpy()),
        f"Image {index}, really {true}: the original says {before}, the smaller network {after}. Click to see why.",
    )


@st.fragment
@show_errors()
def compressed_section(request: CompressionRequest) -> None:
    """Offer to make a network smaller; once it is, show what that saves and changes, and how to go on with it."""
    result = measured(request)
    if result is None:
        return
    _numbers(result)
    _verdict(request, result)
    classes, layers = st.columns(2, gap="large")
    with classes:
        _classes(request, result)
    with layers:
        _layers(result)
    flips(request, result)
    draw_sections((explanations.SECTION, fine_tune.SECTION), request)


def _numbers(result: "CompressionResult") -> None:
    (before, after), (old, new), (slow, fast) = result.change.accuracies, result.sizes, result.paces
    with st.grid(4, min_column_width=190, gap="small"):
        _metric("Accuracy", f"{after.value:.1%}", _points(after.value - before.value), _rates(before, after))
        _metric("File", byte_size(new.file), _less(new.file, old.file), {"was": byte_size(old.file)}, inverse=True)
        zipped = {"was": byte_size(old.zipped)}
        _metric("File, zipped", byte_size(new.zipped), _less(new.zipped, old.zipped), zipped, inverse=True)
        paces = {"was": _pace(slow), "now": _pace(fast)}
        _metric("An image takes", f"{fast.median:.2f} ms", _ratio(result.ratio), paces, inverse=True)


@dataclass(frozen=True)
class Change:
    """A change in words, and whether there is one at all."""

    words: str
    clear: bool


def _metric(label: str, value: str, change: Change, more: Mapping[str, str], *, inverse: bool = False) -> None:
    with st.container(border=True, height="stretch", gap="xxsmall"):
        colour: Literal["off", "inverse", "normal"] = "inverse" if inverse else "normal"
        st.metric(label, value, change.words, delta_color=colour if change.clear else "off")
        st.caption("  \n".join(f"{name} {words}" for name, words in more.items()))


def _points(change: float) -> Change:
    return Change(f"{change * 100:+.1f} points", True) if abs(change) >= 5e-4 else Change("± 0 points", False)


def _less(new: float, old: float) -> Change:
    change = new / old - 1
    return Change(f"{change:+.0%}", True) if abs(change) >= 0.005 else Change("± 0%", False)


def _ratio(ratio: "TimeRatio") -> Change:
    return Change(f"{ratio.median - 1:+.0%}", True) if ratio.told_apart else Change("± no clear change", False)


def _rates(before: "Rate", after: "Rate") -> dict[str, str]:
    return {
        name: f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})"
        for name, rate in (("was", before), ("now", after))
    }


def _pace(pace: "InferenceTime") -> str:
    return f"{pace.median:.2f} ms ({pace.low:.2f} to {pace.high:.2f})"


def _verdict(request: CompressionRequest, result: "CompressionResult") -> None:
    change, count = result.change, len(result.change.labels)
    split = SPLITS[request.split].lower()
    words = (
        f"Of {count:,} {split} images **{change.lost}** are wrong now that were right, and **{change.won}** are right "
        f"that were wrong; {len(change.flipped)} answers changed in all. "
    )
    if change.lost == change.won:
        words += "Neither network is better."
    else:
        better = "the original" if change.lost > change.won else "the smaller one"
        chance = f"p {p}" if (p := p_value(change.test.p_value)).startswith("<") else f"p = {p}"
        test = f"McNemar's {'exact ' * change.test.exact}test: {chance}"
        if change.test.significant:
            words += f"So {better} is better, by more than luck explains ({test})."
        else:
            words += f"That is no difference: luck explains it ({test})."
    st.markdown(words)
    st.caption(
        "In brackets: the 95% interval of the accuracy (Wilson), and the middle half of the times. Times are those of "
        "one picture at a time on this computer, both networks by turns, median of "
        f"{result.paces[0].rounds} rounds. Zipped is the same file as a zip keeps it, where zeros need hardly any room."
    )


def _classes(request: CompressionRequest, result: "CompressionResult") -> None:
    from core.figures.compression import class_chart, class_rows

    st.markdown("**Which classes changed**")
    rows = class_rows(result.change, request.network.class_names)
    chart(
        class_chart(len(rows), theme=session.theme()),
        rows,
        key="compress_classes",
        alt="For each class the share of its images that are right, before and after; the one that lost most on top",
    )


def _layers(result: "CompressionResult") -> None:
    st.markdown("**What each layer lost**")
    table = {
        "Layer": [layer.name for layer in result.layers],
        "Weights": [f"{layer.before:,}" for layer in result.layers],
        "Left": [(layer.after - layer.zeros) / layer.before for layer in result.layers],
    }
    if any(layer.filters and layer.filters[0] != layer.filters[1] for layer in result.layers):
        table["Filters"] = [
            "–" if layer.filters is None else " → ".join(map(str, dict.fromkeys(layer.filters)))
            for layer in result.layers
        ]
    left = st.column_config.ProgressColumn("Left", format="percent", min_value=0, max_value=1)
    st.dataframe(pd.DataFrame(table), hide_index=True, column_config={"Left": left}, alt="What each layer lost")
    if result.sparsity:
        st.caption(f"Of the weights that are left in the file, {result.sparsity:.1%} are zero.")
    reasons = {
        layer.reason: [each.name for each in result.layers if each.reason == layer.reason] for layer in result.layers
    }
    for reason, names in reasons.items():
        if reason:
            st.caption(f"Filters of {', '.join(names)} are set to zero but not cut, so they save no time: {reason}.")
