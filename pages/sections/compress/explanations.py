"""Which explanations changed: the same class of the same images explained to both networks."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.explain.methods.registry import METHODS
from core.figures.overlays import faded, overlay
from core.formatting import duration, number
from core.progress import Progress
from pages.sections.compress.controls import CompressionRequest
from pages.sections.compress.measure import measured, smaller, split_of
from pages.shared.display.map_grid import color_bar
from pages.shared.network import current_network
from pages.shared.picture.pixels import shown
from pages.shared.shell.background_jobs import background, lane_of
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from core.compression.changes import ExplanationPair

FLIPPED, KEPT = 3, 3  # images explained: some whose answer changed, and some whose answer did not
WAYS = ("integrated_gradients", "grad_cam", "occlusion")
SIDE = 128  # screen pixels


def maps_panel(asked: CompressionRequest) -> None:
    """Offer to explain some images to both networks, and show how far the maps agree."""
    names = [name for name in WAYS if METHODS[name].family == "Covering" or not asked.plan.int8]
    if len(names) > 1:
        method = ask_one("Explained by", {name: METHODS[name].title for name in names}, "compress_method")
    else:
        method = names[0]
        st.caption(f"By {METHODS[method].title.lower()}: gradients do not pass through whole numbers.")
    found = _moved(asked, method)
    if found is not None:
        _show(asked, method, found)


def _chosen(asked: CompressionRequest) -> list[int]:
    """Return the numbers of the images: the first of those whose answer changed, then the first of the others."""
    found = measured(asked)
    assert found is not None  # this panel is drawn below the report
    flipped = found.change.flipped.tolist()
    kept = np.flatnonzero(found.change.before == found.change.after)[: KEPT + FLIPPED - min(FLIPPED, len(flipped))]
    return [*flipped[:FLIPPED], *kept.tolist()]


def _moved(asked: CompressionRequest, method: str) -> "tuple[ExplanationPair, ...] | None":
    from core.explain.compatibility import incompatibility

    model, (data, split) = asked.weights.model, split_of(asked)
    reason = incompatibility(model, method)
    if reason:
        st.info(escape_markdown(reason), icon=":material/block:")
        return None
    chosen, made, found = _chosen(asked), smaller(asked), measured(asked)
    assert found is not None
    targets = [int(found.change.before[index]) for index in chosen]
    about = METHODS[method]
    passes = 2 * len(chosen) * about.passes(about.resolve({}), data.input_shape)

    def work(tell: Progress) -> Any:
        from core.compression.changes import explanations
        from core.explain.attribution import attribute

        images = data.normalize(split.images[chosen])
        return explanations(
            model, made.model, images, chosen, targets, partial(attribute, method=method), progress=tell
        )

    seconds = max(1.0, passes * current_network.pass_seconds(asked.weights))
    return background(
        ("compress_maps", *asked.key, method),
        work,
        words=f"Explaining {len(chosen)} images twice",
        place="compress_maps",
        ask=f"Explain {len(chosen)} images before and after, about {duration(seconds)}",
        lane=lane_of(seconds),
    )


def _show(asked: CompressionRequest, method: str, moved: "tuple[ExplanationPair, ...]") -> None:
    about, (_, split) = METHODS[method], split_of(asked)
    ranks = [each.likeness.rank for each in moved if each.likeness.rank is not None]
    if ranks:
        st.markdown(
            f"Rank correlation of the maps before and after: median **{number(float(np.median(ranks)), 2)}**, from "
            f"{number(min(ranks), 2)} to {number(max(ranks), 2)} over {len(ranks)} images. "
            ":small[1: the pixels have the same order; 0: the maps have nothing in common.]"
        )
    drawn = overlay(
        np.concatenate(
            [faded(shown(split.images[each.index].numpy()), about.signed) for each in moved for _ in "ab"], 1
        ),
        np.concatenate([part for each in moved for part in (each.before, each.after)], axis=1),
        signed=about.signed,
        positive=about.positive,
        negative=about.negative,
        zoom=max(1, -(-2 * SIDE // max(moved[0].before.shape))),
        scope="all_these",
    )
    with st.grid(2, min_column_width=2 * SIDE + 40, gap="small"):
        for each, pixels in zip(moved, np.split(drawn.pixels, len(moved), axis=1), strict=True):
            _pair(asked, each, pixels, drawn.text)
    color_bar(drawn.scale, drawn.text)


def _pair(asked: CompressionRequest, each: "ExplanationPair", pixels: np.ndarray, words: str) -> None:
    found = measured(asked)
    assert found is not None
    names = asked.weights.class_names
    after = names[int(found.change.after[each.index])]
    rank = each.likeness.rank
    with st.container(border=True, gap="xxsmall", key=f"moved_{each.index}"):
        flipped = f", now answered “{escape_markdown(after)}”" if found.change.after[each.index] != each.target else ""
        st.markdown(f"Image {each.index}: why “{escape_markdown(names[each.target])}”?{flipped}")
        with st.container(horizontal=True, gap="small"):
            for title, part in zip(("Before", "After"), np.split(pixels, 2, axis=1), strict=True):
                with st.container(width=SIDE, gap="xxsmall"):
                    st.image(part, width=SIDE, alt=f"{title}, image {each.index}: {words}")
                    st.caption(title)
        sizes = " → ".join(number(float(np.abs(values).max()), 2) for values in (each.before, each.after))
        alike = "no order to compare, as a map is blank" if rank is None else f"rank correlation {number(rank, 2)}"
        st.caption(f"Largest value {sizes}; {alike}.")


SECTION = Section("explanations", "Which explanations changed?", maps_panel)
