"""Which hand-made kernel each learned filter of the first convolution is most like."""

import base64
from collections.abc import Sequence
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.formatting import dimensions
from core.inference.network import Network
from core.model.handmade import KERNELS, kernel
from core.probe.kernel_matching import ALIKE, Match, Matched, matched
from pages.shared.network.comparison import collect_results, side_by_side, unwrap
from pages.shared.shell.controls import ask_one
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    pass

NUM_FIRST_PAIRS, MAX_PAIRS = 12, 256  # pairs on the page, at first and at most
COLOURFUL = 0.5  # part of a filter that grey pictures meet, below which it is one for colours
BY = {"whole": "Whole kernels", "pattern": "Pattern only"}


def matches(networks: Sequence[Network], _: object) -> None:
    """Show each learned filter beside the hand-made kernel that it is most like, and say how many are."""
    st.markdown(
        f"Each filter of the first convolution (left) beside the most similar of {len(KERNELS)} hand-made kernels "
        "(right), the most similar pair first. The number is their **cosine similarity**: 1 is the same kernel up "
        "to its strength, 0 is nothing in common."
    )
    by = ask_one("Compare", BY, "match_by")
    st.caption(
        "Blue is negative, white is zero, red is positive; each kernel is scaled by its own largest weight. "
        + ("Its mean is taken from every kernel first, so that brightness counts no longer." * (by == "pattern"))
    )
    results = collect_results(networks, partial(matched, centred=by == "pattern"))

    longest = max((len(each.found) for each in results if isinstance(each, Matched)), default=0)
    count = NUM_FIRST_PAIRS
    label = f"All {longest} pairs" if longest <= MAX_PAIRS else f"{MAX_PAIRS} pairs"
    if longest > NUM_FIRST_PAIRS and st.toggle(label, key="match_all", persist_state="session"):
        count = MAX_PAIRS

    def draw(side: int) -> None:
        _show(networks[side], unwrap(results[side]), count, centred=by == "pattern", alone=len(networks) == 1)

    side_by_side(networks, draw)


def _show(network: Network, filters: Matched | None, count: int, *, centred: bool, alone: bool) -> None:
    if filters is None:
        st.info("This network has no convolution to compare: add one on the build page and train again.")
        return
    st.markdown(_summary(filters))
    st.caption(" ".join([*_before(network, filters, centred=centred, alone=alone), *_colours(filters)]))
    if len(filters.found) > count:
        st.caption(f"The {count} most similar pairs:")
    pairs = "".join(_pair(filters, match, centred=centred) for match in filters.found[:count])
    st.html(f'<div style="display: flex; flex-wrap: wrap; gap: 14px 12px; line-height: 1.25">{pairs}</div>')


def _summary(filters: Matched) -> str:
    count, best = len(filters.found), filters.found[0]
    verb = "is" if filters.alike == 1 else "are"
    are = f"{filters.alike} of {count} filters {verb} {ALIKE} or more like a hand-made one"
    if not filters.alike:
        are = f"None of the {count} filters is {ALIKE} or more like a hand-made one"
    if best.name is None:
        return f"**{are}**: all of them are even or zero."
    middle = float(np.median([match.cosine for match in filters.found]))
    return f"**{are}.** The best pair reaches {best.cosine:.2f}, the one in the middle {middle:.2f}."


def _before(network: Network, filters: Matched, *, centred: bool, alone: bool) -> list[str]:
    """Say how much of that is luck: what the filters were like before training."""
    size = dimensions(filters.kernels.shape[1:])
    if network.epoch == 0:
        return [f"These are random numbers: so alike are {size} kernels by luck."]
    if 0 not in network.epochs:
        return [f"Some likeness is luck: random kernels of {size} numbers have it too."]
    try:
        start = matched(network.at(0), centred=centred)
    except ConvScopeError:  # damaged
        return []
    if start is None:
        return []
    middle = float(np.median([match.cosine for match in start.found]))
    luck = f"{start.alike} of them were, and the pair in the middle reached {middle:.2f}."
    more = "Compare with epoch 0 at the top of the page to see those."
    return [f"Some of that is luck: before training, as random numbers, {luck}", *([more] if alone else [])]


def _colours(filters: Matched) -> list[str]:
    """Say what a mean over channels leaves out."""
    if filters.channels == 1:
        return []
    few = sum(match.grey < COLOURFUL for match in filters.found)
    mean = (
        f"A filter has {filters.channels} kernels, one for each colour; compared is their mean, what it does to grey."
    )
    return [mean, f"{few} filter{'s' * (few != 1)}, marked “colour”, mostly tell colours apart."] if few else [mean]


def _pair(filters: Matched, match: Match, *, centred: bool) -> str:
    from core.figures.classical import kernel_pair

    learned = filters.kernels[match.filter]
    handmade = np.zeros(learned.shape) if match.name is None else match.sign * kernel(match.name, len(learned))
    if centred:
        learned, handmade = learned - learned.mean(), handmade - handmade.mean()
    name = "like none" if match.name is None else ("−" * (match.sign < 0)) + KERNELS[match.name].title
    colour = " · colour" if filters.channels > 1 and match.grey < COLOURFUL else ""
    alt = escape(f"Filter {match.filter} beside {name}, similarity {match.cosine:.2f}", quote=True)
    source = base64.b64encode(kernel_pair(learned, handmade)).decode("ascii")
    return (
        '<figure style="margin: 0; width: 124px">'
        f'<img src="data:image/png;base64,{source}" alt="{alt}" style="width: 124px; image-rendering: pixelated">'
        f'<figcaption style="font-size: 0.8rem"><b>{match.cosine:.2f}</b> {escape(name)}<br>'
        f'<span style="opacity: 0.75">filter {match.filter}{colour}</span></figcaption></figure>'
    )


SECTION = Section("matches", "Did it learn what people thought of?", matches)
