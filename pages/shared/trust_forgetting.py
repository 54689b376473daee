"""What becomes of a map while the network forgets its layers, and what an untrained copy shows."""

import re
from base64 import b64encode
from dataclasses import dataclass
from html import escape, unescape
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.figures.cascades import cascade_tiles
from core.figures.grids import sprite
from pages.shared.jobs import Progress
from pages.shared.maps import color_bar
from pages.shared.trust_asked import Asked
from pages.shared.trust_cards import head, say

if TYPE_CHECKING:
    import numpy as np

    from core.explain.randomization import Cascade, Likeness
    from core.explain.repeats import Explain
    from core.explain.trust import Verdict

ABOUT = (
    "The network forgets its layers one after the other, from the last to the first: each gets fresh random weights, "
    "in a copy. A map that stays the same does not depend on what those layers have learned. Rank correlation (the "
    "order of the pixels) and structural similarity (the pattern) compare each map with the first: **lower is "
    "better**."
)
PAPER = "Adebayo et al. 2018, “Sanity Checks for Saliency Maps”, arXiv:1810.03292"
_STRIP = """<style>
.forgetting { display: flex; flex-wrap: wrap; gap: 0.75rem; }
.forgetting figure { width: 100px; margin: 0; }
.forgetting img, .forgetting .blank { width: 100px; aspect-ratio: 1; border-radius: 4px; image-rendering: pixelated; }
.forgetting .blank { border: 1px dashed currentColor; opacity: 0.6; display: grid; place-items: center; }
.forgetting figcaption { font-size: 0.8rem; line-height: 1.35; overflow-wrap: anywhere; }
@media (min-width: 640px) { .forgetting .apart { margin-left: 0.75rem; } }
</style>"""


@dataclass(frozen=True, eq=False)
class Forgotten:
    """A cascade, and the map of an untrained network.

    Attributes:
        cascade: What becomes of the map.
        untrained: The map of the untrained network, (H, W).
        likeness: To the map of the trained one.
        kept: Whether the untrained network is this very one before its first step, or else one of fresh weights.
    """

    cascade: "Cascade"
    untrained: "np.ndarray"
    likeness: "Likeness"
    kept: bool

    @classmethod
    def of(
        cls, model: Any, before: Any, image: Any, target: int, explain: "Explain", progress: Progress
    ) -> "Forgotten":
        """Let a network forget, and ask what it was before it learned, or a fresh one where `before` is None."""
        import numpy as np

        from core.explain.attribution import heatmap
        from core.explain.randomization import cascade, likeness, untrained

        found = cascade(model, image, target, explain, progress=progress)
        fresh = untrained(model, seed=1) if before is None else before
        other = np.asarray(heatmap(explain(fresh, image, target, progress=None)), dtype=np.float64)
        return cls(found, other, likeness(found.original, other), before is not None)


def forgetting(asked: Asked, found: Forgotten) -> "list[Verdict]":
    """Draw the maps of a cascade in one scale, and say what they mean."""
    from core.explain.trust import cascade_verdict, untrained_verdict

    head("Forgetting, layer by layer", ABOUT, PAPER, "forgetting")
    steps = found.cascade.steps
    maps = [found.cascade.original, *(step.map for step in steps), found.untrained]
    tiles, scale = cascade_tiles(maps, signed=asked.method.signed)
    captions = ["<b>As trained</b>", *_captions([step.layers for step in steps])]
    captions.append(f"<b>{'Before training' if found.kept else 'Untrained copy'}</b>")
    alike = [None, *(step.likeness for step in steps), found.likeness]
    figures = [_figure(*each, last=each[1] is captions[-1]) for each in zip(tiles, captions, alike, strict=True)]
    st.html(f'{_STRIP}<div class="forgetting">{"".join(figures)}</div>')
    signs = "Red: positive values. Blue: negative values. " if asked.method.signed else "Light: large values. "
    color_bar(scale, f"{signs}Every map is divided by its own size, so patterns compare and amounts do not.")
    chance = _numbers(found.cascade.chance)
    st.caption(f"Lower is better, whatever the sign. The same values at random places: {chance}.")
    verdicts = [cascade_verdict(found.cascade), untrained_verdict(found.likeness)]
    for verdict in verdicts:
        say(verdict)
    return verdicts


def _captions(steps: list[tuple[str, ...]]) -> list[str]:
    """Name what is forgotten after each step, as HTML: a layer, or how many of the last ones."""
    if all(len(layers) == 1 for layers in steps):
        return [f"without {escape(layers[0])}" for layers in steps]
    gone = [sum(map(len, steps[: place + 1])) for place in range(len(steps))]
    names = [f"{layers[0]} to {layers[-1]}" for layers in steps]
    return [
        f'<span title="{escape(name, quote=True)}">without the last {count} layers</span>'
        for name, count in zip(names, gone, strict=True)
    ]


def _numbers(alike: "Likeness") -> str:
    """Write both numbers, with a real minus sign."""
    if alike.rank is None:
        return "not to be compared"
    ssim = "" if alike.ssim is None else f", similarity {alike.ssim:.2f}"
    return f"rank {alike.rank:.2f}{ssim}".replace("-", "−")


def _plain(caption: str) -> str:
    """Return the text of a caption without its marks."""
    return unescape(re.sub(r"<[^>]*>", "", caption))


def _figure(tile: "np.ndarray", caption: str, alike: "Likeness | None", *, last: bool) -> str:
    """Return one map with its caption, as HTML; `caption` is HTML."""
    data = b64encode(sprite(tile[None], 1)).decode("ascii")
    blank = alike is not None and alike.rank is None
    picture = (
        '<div class="blank">blank map</div>'
        if blank
        else f'<img src="data:image/png;base64,{data}" alt="The map: {escape(_plain(caption), quote=True)}">'
    )
    numbers = "" if alike is None else f"<br>{_numbers(alike).replace(', ', '<br>')}"
    return f"<figure{' class=apart' if last else ''}>{picture}<figcaption>{caption}{numbers}</figcaption></figure>"
