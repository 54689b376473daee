"""Is a map foresight, does it hold still, does it add up, and does it depend on what was learned?"""

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from html import escape, unescape
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError
from core.explain.attribution import heatmap
from core.explain.metrics.infidelity import NUM_SQUARES
from core.explain.metrics.randomization import STEPS, initializable_layers
from core.explain.metrics.sensitivity import NUM_SAMPLES
from core.explain.metrics.verdicts import (
    cascade_verdict,
    completeness_verdict,
    infidelity_verdict,
    sensitivity_verdict,
    untrained_verdict,
)
from core.figures.grids import cascade_tiles, sprite
from core.formatting import formatted, number
from core.progress import Progress
from pages.sections.explain.trust_request import TrustRequest, head, say, tally
from pages.sections.explain.trust_request import number as number_card
from pages.shared.display.map_grid import color_bar
from pages.shared.network.comparison import attempt, unwrap
from pages.shared.shell.background_jobs import background, lane_of
from pages.shared.shell.layout import show_errors

if TYPE_CHECKING:
    import numpy as np

    from core.explain.attribution import Attribution
    from core.explain.metrics.infidelity import Infidelity
    from core.explain.metrics.randomization import MapSimilarity, RandomizationCascade
    from core.explain.metrics.sensitivity import Explain, Sensitivity
    from core.explain.metrics.verdicts import Verdict

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

    cascade: "RandomizationCascade"
    untrained: "np.ndarray"
    likeness: "MapSimilarity"
    kept: bool

    @classmethod
    def of(
        cls, model: Any, before: Any, image: Any, target: int, explain: "Explain", progress: Progress
    ) -> "Forgotten":
        """Let a network forget, and ask what it was before it learned, or a fresh one where `before` is None."""
        import numpy as np

        from core.explain.metrics.randomization import cascade, map_similarity, untrained

        steps = cascade(model, image, target, explain, progress=progress)
        fresh = untrained(model, seed=1) if before is None else before
        other = np.asarray(heatmap(explain(fresh, image, target, progress=None)), dtype=np.float64)
        return cls(steps, other, map_similarity(steps.original, other), before is not None)


def forgetting(request: TrustRequest, randomization: Forgotten) -> "list[Verdict]":
    """Draw the maps of a cascade in one scale, and say what they mean."""
    head("Forgetting, layer by layer", ABOUT, PAPER, "forgetting")
    steps = randomization.cascade.steps
    maps = [randomization.cascade.original, *(step.map for step in steps), randomization.untrained]
    tiles, scale = cascade_tiles(maps, signed=request.method.signed)
    captions = ["<b>As trained</b>", *_captions([step.layers for step in steps])]
    captions.append(f"<b>{'Before training' if randomization.kept else 'Untrained copy'}</b>")
    alike = [None, *(step.likeness for step in steps), randomization.likeness]
    figures = [_figure(*each, last=each[1] is captions[-1]) for each in zip(tiles, captions, alike, strict=True)]
    st.html(f'{_STRIP}<div class="forgetting">{"".join(figures)}</div>')
    signs = "Red: positive values. Blue: negative values. " if request.method.signed else "Light: large values. "
    color_bar(scale, f"{signs}Every map is divided by its own size, so patterns compare and amounts do not.")
    chance = ", ".join(_numbers(randomization.cascade.chance))
    st.caption(f"Lower is better, whatever the sign. The same values at random places: {chance}.")
    verdicts = [cascade_verdict(randomization.cascade), untrained_verdict(randomization.likeness)]
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


def _numbers(alike: "MapSimilarity") -> list[str]:
    """Return the rank correlation and the structural similarity as words, where there are any."""
    if alike.rank is None:
        return ["not to be compared"]
    ssim = [] if alike.ssim is None else [f"similarity {formatted(alike.ssim, '.2f')}"]
    return [f"rank {formatted(alike.rank, '.2f')}", *ssim]


def _plain(caption: str) -> str:
    """Return the text of a caption without its marks."""
    return unescape(re.sub(r"<[^>]*>", "", caption))


def _figure(tile: "np.ndarray", caption: str, alike: "MapSimilarity | None", *, last: bool) -> str:
    """Return one map with its caption, as HTML; `caption` is HTML."""
    data = b64encode(sprite(tile[None], 1)).decode("ascii")
    blank = alike is not None and alike.rank is None
    picture = (
        '<div class="blank">blank map</div>'
        if blank
        else f'<img src="data:image/png;base64,{data}" alt="The map: {escape(_plain(caption), quote=True)}">'
    )
    numbers = "".join(f"<br>{words}" for words in _numbers(alike)) if alike else ""
    return f"<figure{' class=apart' if last else ''}>{picture}<figcaption>{caption}{numbers}</figcaption></figure>"


ABOUT_INFIDELITY = (
    "Squares of the picture are covered one after the other. The map foresees how far the score should fall: the sum "
    "of its values there. Infidelity is how far off that is, after one factor for its units, as a share of what "
    "happens: **0% foresees everything, 100% nothing**."
)
ABOUT_SENSITIVITY = (
    "The picture is changed by noise too weak to see, and explained again. Sensitivity is how far the map moves at "
    "most, as a share of its own size: **0% stands still**. A map that ignores the picture also scores 0%, so a low "
    "number alone proves nothing."
)
ABOUT_COMPLETENESS = (
    "Some methods take the score apart: their values are to sum to the score of the picture less that of the starting "
    "picture, or to the score itself. The gap is what is missing: **nearer to zero is better**. The same values at "
    "random places have the same sum, so this speaks for the arithmetic, not for the places."
)
YEH = "Yeh et al. 2019, arXiv:1901.09392, computed by captum.metrics"


@dataclass(frozen=True, eq=False)
class Checks:
    """What came out of each check, or why it could not be made."""

    infidelity: "Infidelity | ConvScopeError"
    sensitivity: "Sensitivity | ConvScopeError"
    forgotten: "Forgotten | ConvScopeError"


@st.fragment
def checks_panel(request: TrustRequest, attribution: "Attribution") -> None:
    """Show the checks that take a map many times, as soon as they are made."""
    checks = _checks(request, attribution)
    if checks is None:
        return
    above, verdicts = st.empty(), []
    with st.grid(3, min_column_width=240):
        for key, draw in (
            ("infidelity", partial(_infidelity, checks)),
            ("sensitivity", partial(_sensitivity, checks)),
            ("completeness", partial(_completeness, request, attribution)),
        ):
            with st.container(border=True, height="stretch", key=f"trust_{key}"), show_errors():
                verdicts += draw()
    with st.container(border=True, key="trust_forgotten"), show_errors():
        verdicts += forgetting(request, unwrap(checks.forgotten))
    if verdicts:
        above.markdown(tally(verdicts))


def _infidelity(checks: Checks) -> "list[Verdict]":
    head("Infidelity", ABOUT_INFIDELITY, YEH, "infidelity")
    infidelity = unwrap(checks.infidelity)
    low, high = f"{min(infidelity.random):.0%}", f"{max(infidelity.random):.0%}"
    number_card(
        "Not foreseen",
        f"{infidelity.share:.0%}",
        infidelity.better,
        f"{infidelity.squares} squares of {infidelity.side} × {infidelity.side} pixels. The same values at "
        "random places: "
        f"{low if low == high else f'{low} to {high}'}.",
    )
    verdict = infidelity_verdict(infidelity)
    say(verdict)
    return [verdict]


def _sensitivity(checks: Checks) -> "list[Verdict]":
    head("Maximum sensitivity", ABOUT_SENSITIVITY, YEH, "sensitivity")
    sensitivity = unwrap(checks.sensitivity)
    number_card(
        "Moves at most",
        f"{sensitivity.value:.0%}",
        sensitivity.better,
        f"{sensitivity.samples} pictures with noise up to ±{sensitivity.radius:g} after normalising. "
        f"A random map: {sensitivity.random:.0%}.",
    )
    verdict = sensitivity_verdict(sensitivity)
    say(verdict)
    return [verdict]


def _completeness(request: TrustRequest, attribution: "Attribution") -> "list[Verdict]":
    head("Completeness gap", ABOUT_COMPLETENESS, "Sundararajan, Taly and Yan 2017, arXiv:1703.01365", "completeness")
    gap = attribution.gap
    if gap is None:
        st.markdown(f"{request.method.title} does not promise what its values sum to, so there is no gap to measure.")
        return []
    number_card(
        "Missing, in logits",
        number(-gap.gap),
        gap.better,
        f"{gap.promise.words} The sum is {number(gap.total)}, promised are {number(gap.promised)}. "
        "The same values at random places: the same.",
    )
    verdict = completeness_verdict(gap)
    say(verdict)
    return [verdict]


def _checks(request: TrustRequest, attribution: "Attribution") -> Checks | None:
    """Return what came out, or draw how far it is, or the button that starts it, and return None."""
    model = request.network.model
    repeats = (NUM_SAMPLES + 1) + min(STEPS, len(initializable_layers(model))) + 2
    passes = NUM_SQUARES + 1 + repeats * request.passes
    return background(
        ("checks", *request.key),
        partial(_work, request.explain(), model, _untrained(request), request.image(), attribution),
        words="Explaining the picture again and again",
        place="trust_checks",
        ask=request.ask("Make the other checks", passes),
        lane=lane_of(request.seconds(passes)),
    )


def _untrained(request: TrustRequest) -> Any:
    """Return the network before its first step, if that was kept."""
    return request.network.at(0).model if 0 in request.network.epochs else None


def _work(
    explain: "Explain", model: Any, before: Any, image: Any, attribution: "Attribution", progress: Progress
) -> Checks:
    """Make all checks; one that cannot be made does not keep the others away."""
    from core.explain.metrics.infidelity import infidelity
    from core.explain.metrics.sensitivity import sensitivity

    def share_of(first: float, last: float) -> Progress:
        return lambda done, total: progress(round(1000 * (first + (last - first) * done / max(1, total))), 1000)

    values, target = heatmap(attribution).numpy(), attribution.target
    foreseen = attempt(
        lambda: infidelity(model, image, values, target, versus=attribution.versus, progress=share_of(0, 0.1))
    )
    steady = attempt(lambda: sensitivity(model, image, target, explain, progress=share_of(0.1, 0.6)))
    forgotten = attempt(lambda: Forgotten.of(model, before, image, target, explain, share_of(0.6, 1)))
    return Checks(foreseen, steady, forgotten)
