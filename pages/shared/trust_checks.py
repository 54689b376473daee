"""Is a map foresight, does it hold still, does it add up, and does it depend on what was learned?"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError
from core.figures.scales import number
from pages.shared.compare import taken
from pages.shared.jobs import Progress, background, lane_of
from pages.shared.layout import show_errors
from pages.shared.trust_asked import Asked, attempt
from pages.shared.trust_cards import head, say, tally
from pages.shared.trust_cards import number as number_card
from pages.shared.trust_forgetting import Forgotten, forgetting

if TYPE_CHECKING:
    from core.explain.attribution import Attribution
    from core.explain.faithfulness import Infidelity
    from core.explain.repeats import Explain
    from core.explain.steadiness import Sensitivity
    from core.explain.trust import Verdict

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
def checks_panel(asked: Asked, found: "Attribution") -> None:
    """Show the checks that take a map many times, as soon as they are made."""
    checks = _checks(asked, found)
    if checks is None:
        return
    above, verdicts = st.empty(), []
    with st.grid(3, min_column_width=240):
        for key, draw in (
            ("infidelity", partial(_infidelity, checks)),
            ("sensitivity", partial(_sensitivity, checks)),
            ("completeness", partial(_completeness, asked, found)),
        ):
            with st.container(border=True, height="stretch", key=f"trust_{key}"), show_errors():
                verdicts += draw()
    with st.container(border=True, key="trust_forgotten"), show_errors():
        verdicts += forgetting(asked, taken(checks.forgotten))
    if verdicts:
        above.markdown(tally(verdicts))


def _infidelity(checks: Checks) -> "list[Verdict]":
    from core.explain.trust import infidelity_verdict

    head("Infidelity", ABOUT_INFIDELITY, YEH, "infidelity")
    found = taken(checks.infidelity)
    low, high = f"{min(found.random):.0%}", f"{max(found.random):.0%}"
    number_card(
        "Not foreseen",
        f"{found.share:.0%}",
        found.better,
        f"{found.squares} squares of {found.side} × {found.side} pixels. The same values at random places: "
        f"{low if low == high else f'{low} to {high}'}.",
    )
    verdict = infidelity_verdict(found)
    say(verdict)
    return [verdict]


def _sensitivity(checks: Checks) -> "list[Verdict]":
    from core.explain.trust import sensitivity_verdict

    head("Maximum sensitivity", ABOUT_SENSITIVITY, YEH, "sensitivity")
    found = taken(checks.sensitivity)
    number_card(
        "Moves at most",
        f"{found.value:.0%}",
        found.better,
        f"{found.samples} pictures with noise up to ±{found.radius:g} after normalising. "
        f"A random map: {found.random:.0%}.",
    )
    verdict = sensitivity_verdict(found)
    say(verdict)
    return [verdict]


def _completeness(asked: Asked, attribution: "Attribution") -> "list[Verdict]":
    from core.explain.trust import completeness_verdict

    head("Completeness gap", ABOUT_COMPLETENESS, "Sundararajan, Taly and Yan 2017, arXiv:1703.01365", "completeness")
    found = attribution.gap
    if found is None:
        st.markdown(f"{asked.method.title} does not promise what its values sum to, so there is no gap to measure.")
        return []
    number_card(
        "Missing, in logits",
        number(-found.gap),
        found.better,
        f"{found.promise.words} The sum is {number(found.total)}, promised are {number(found.promised)}. "
        "The same values at random places: the same.",
    )
    verdict = completeness_verdict(found)
    say(verdict)
    return [verdict]


def _checks(asked: Asked, found: "Attribution") -> Checks | None:
    """Return what came out, or draw how far it is, or the button that starts it, and return None."""
    from core.explain.faithfulness import SQUARES
    from core.explain.randomization import STEPS, forgettable
    from core.explain.steadiness import NEARBY

    model = asked.weights.model
    repeats = (NEARBY + 1) + min(STEPS, len(forgettable(model))) + 2
    passes = SQUARES + 1 + repeats * asked.passes
    return background(
        ("checks", *asked.key),
        partial(_work, asked.explain(), model, _untrained(asked), asked.image(), found),
        words="Explaining the picture again and again",
        place="trust_checks",
        ask=asked.ask("Make the other checks", passes),
        lane=lane_of(asked.seconds(passes)),
    )


def _untrained(asked: Asked) -> Any:
    """Return the network before its first step, if that was kept."""
    return asked.weights.at(0).model if 0 in asked.weights.epochs else None


def _work(explain: "Explain", model: Any, before: Any, image: Any, found: "Attribution", progress: Progress) -> Checks:
    """Make all checks; one that cannot be made does not keep the others away."""
    from core.explain.attribution import heatmap
    from core.explain.faithfulness import infidelity
    from core.explain.steadiness import sensitivity

    def share_of(first: float, last: float) -> Progress:
        return lambda done, total: progress(round(1000 * (first + (last - first) * done / max(1, total))), 1000)

    values, target = heatmap(found).numpy(), found.target
    foreseen = attempt(lambda: infidelity(model, image, values, target, versus=found.versus, progress=share_of(0, 0.1)))
    steady = attempt(lambda: sensitivity(model, image, target, explain, progress=share_of(0.1, 0.6)))
    forgotten = attempt(lambda: Forgotten.of(model, before, image, target, explain, share_of(0.6, 1)))
    return Checks(foreseen, steady, forgotten)
