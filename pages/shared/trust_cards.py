"""How a check is shown: its number, which way it is good, what a random map scores, and the verdict."""

import streamlit as st

from core.explain.trust import Verdict
from pages.shared.layout import plain

_SIGNS = {
    "for": ":green[:material/check_circle:]",
    "against": ":red[:material/cancel:]",
    "open": ":orange[:material/help:]",
}
STYLE = """<style>
[class*="st-key-trust_"] img { image-rendering: pixelated; }
[class*="st-key-trust_"] [data-testid="stElementToolbar"] { display: none; }
[class*="st-key-abouttrust_"] button > div > [aria-hidden] { display: none; }
[class*="st-key-trust_"] [data-testid="stMetricValue"] { font-size: 1.6rem; }
</style>"""


def head(title: str, about: str, source: str, key: str) -> None:
    """Write the title of a check, with what it is behind a question mark."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{title}**", width="content")
        with st.popover("", icon=":material/help:", type="tertiary", key=f"abouttrust_{key}"):
            st.markdown(about)
            st.caption(source)


def number(label: str, value: str, better: str, chance: str) -> None:
    """Write a number, which way it is good and what a random map scores.

    Args:
        label: What it is.
        value: The number in words.
        better: "lower", "higher" or "nearer to zero".
        chance: What a random map scores, a few words.
    """
    st.metric(label, value)
    st.caption(f"{better[0].upper()}{better[1:]} is better. {chance}")


def say(verdict: Verdict, before: str = "") -> None:
    """Write a verdict behind its sign; `before` is evidence of ours or plain text that goes in front of it."""
    st.markdown(f"{_SIGNS[verdict.speaks]} {before}{plain(verdict.text)}")


def tally(verdicts: list[Verdict]) -> str:
    """Say in a sentence what several checks say together, as Markdown."""
    counts = {speaks: sum(each.speaks == speaks for each in verdicts) for speaks in _SIGNS}
    for speaks, words in (("for", "speak for this map"), ("against", "speak against this map")):
        if counts[speaks] == len(verdicts):
            return f"{_SIGNS[speaks]} **All {len(verdicts)} of the checks below {words}.**"
    parts = {"for": "for this map", "against": "against it", "open": "undecided"}
    counted = ", ".join(f"{counts[speaks]} {words}" for speaks, words in parts.items() if counts[speaks])
    return f"**The {len(verdicts)} checks below: {counted}.**"
