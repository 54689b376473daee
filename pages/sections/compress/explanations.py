"""Which explanations changed: the same class of the same images explained to both networks."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.explain.methods.registry import METHODS
from core.explain.strength import Strength, faint_sentence, giving_way, in_place_of, shared_full_colour
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

NUM_FLIPPED, NUM_UNCHANGED = 3, 3  # images explained: some whose answer changed, and some whose answer did not
METHOD_NAMES = ("integrated_gradients", "grad_cam", "occlusion")
THUMBNAIL_PX = 128


def maps_panel(request: CompressionRequest) -> None:
    """Offer to explain some images to both networks, and show how far the maps agree."""
    names = [name for name in METHOD_NAMES if METHODS[name].family == "Covering" or not request.plan.int8]
    if len(names) > 1:
        method = ask_one("Explained by", {name: METHODS[name].title for name in names}, "compress_method")
    else:
        method = names[0]
        st.caption(f"By {METHODS[method].title.lower()}: gradients do not pass through whole numbers.")
    explained = _explained(request, method)
    if explained is None:
        return
    name, pairs, reason = explained
    if reason:
        st.caption(escape_markdown(in_place_of(name, reason)))
    _show(request, name, pairs)


def _image_indices(request: CompressionRequest) -> list[int]:
    """Return the numbers of the images: the first of those whose answer changed, then the first of the others."""
    result = measured(request)
    assert result is not None  # this panel is drawn below the report
    flipped = result.change.flipped.tolist()
    unchanged = np.flatnonzero(result.change.before == result.change.after)[
        : NUM_UNCHANGED + NUM_FLIPPED - min(NUM_FLIPPED, len(flipped))
    ]
    return [*flipped[:NUM_FLIPPED], *unchanged.tolist()]


def _strengths(pairs: "Sequence[ExplanationPair]") -> list[Strength]:
    return [strength for each in pairs for strength in each.strengths]


def _explained(request: CompressionRequest, method: str) -> "tuple[str, tuple[ExplanationPair, ...], str] | None":
    """Return the method, its pairs of maps, and why it stands in the place of `method` where it is another one."""
    from core.explain.compatibility import incompatibility

    model, (data, split) = request.network.model, split_of(request)
    reason = incompatibility(model, method)
    if reason:
        st.info(escape_markdown(reason), icon=":material/block:")
        return None
    indices, compressed, result = _image_indices(request), smaller(request), measured(request)
    assert result is not None
    targets = [int(result.change.before[index]) for index in indices]
    method_info = METHODS[method]
    passes = 2 * len(indices) * method_info.passes(method_info.resolve({}), data.input_shape)

    def work(tell: Progress) -> Any:
        from core.compression.changes import explanations
        from core.explain.attribution import attribute

        images = data.normalize(split.images[indices])

        def explain(name: str) -> "tuple[ExplanationPair, ...]":
            ways = partial(attribute, method=name)
            return explanations(model, compressed.model, images, indices, targets, ways, progress=tell)

        return giving_way(method, explain(method), explain, _strengths)

    seconds = max(1.0, passes * current_network.pass_seconds(request.network))
    return background(
        ("compress_maps", *request.key, method),
        work,
        words=f"Explaining {len(indices)} images twice",
        place="compress_maps",
        ask=f"Explain {len(indices)} images before and after, about {duration(seconds)}",
        lane=lane_of(seconds),
    )


def _show(request: CompressionRequest, method: str, pairs: "tuple[ExplanationPair, ...]") -> None:
    method_info, (_, split) = METHODS[method], split_of(request)
    ranks = [each.likeness.rank for each in pairs if each.likeness.rank is not None]
    if ranks:
        st.markdown(
            f"Rank correlation of the maps before and after: median **{number(float(np.median(ranks)), 2)}**, from "
            f"{number(min(ranks), 2)} to {number(max(ranks), 2)} over {len(ranks)} images. "
            ":small[1: the pixels have the same order; 0: the maps have nothing in common.]"
        )
    overlays = overlay(
        np.concatenate(
            [faded(shown(split.images[each.index].numpy()), method_info.signed) for each in pairs for _ in "ab"], 1
        ),
        np.concatenate([part for each in pairs for part in (each.before, each.after)], axis=1),
        signed=method_info.signed,
        positive=method_info.positive,
        negative=method_info.negative,
        zoom=max(1, -(-2 * THUMBNAIL_PX // max(pairs[0].before.shape))),
        scope="all_these",
        full_colour=shared_full_colour(_strengths(pairs)),
    )
    with st.grid(2, min_column_width=2 * THUMBNAIL_PX + 40, gap="small"):
        for each, pixels in zip(pairs, np.split(overlays.pixels, len(pairs), axis=1), strict=True):
            _pair(request, each, pixels, overlays.text)
    color_bar(overlays.scale, " ".join(filter(None, (overlays.text, faint_sentence(_strengths(pairs))))))


def _pair(request: CompressionRequest, pair: "ExplanationPair", pixels: np.ndarray, words: str) -> None:
    result = measured(request)
    assert result is not None
    names = request.network.class_names
    after = names[int(result.change.after[pair.index])]
    rank = pair.likeness.rank
    with st.container(border=True, gap="xxsmall", key=f"moved_{pair.index}"):
        flipped = f", now answered “{escape_markdown(after)}”" if result.change.after[pair.index] != pair.target else ""
        st.markdown(f"Image {pair.index}: why “{escape_markdown(names[pair.target])}”?{flipped}")
        with st.container(horizontal=True, gap="small"):
            for title, part in zip(("Before", "After"), np.split(pixels, 2, axis=1), strict=True):
                with st.container(width=THUMBNAIL_PX, gap="xxsmall"):
                    st.image(part, width=THUMBNAIL_PX, alt=f"{title}, image {pair.index}: {words}")
                    st.caption(title)
        sizes = " → ".join(number(float(np.abs(values).max()), 2) for values in (pair.before, pair.after))
        alike = "no order to compare, as a map is blank" if rank is None else f"rank correlation {number(rank, 2)}"
        st.caption(f"Largest value {sizes}; {alike}.")


SECTION = Section("explanations", "Which explanations changed?", maps_panel)
