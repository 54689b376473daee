"""What a network answers before and after its filters were changed, class by class."""

import html

import numpy as np
import streamlit as st

from core.figures.palette import THEMES
from core.inference.network import Network
from pages.shared import state
from pages.shared.predictions import TOP, class_name, share
from pages.shared.subjects import Picture


def answers(network: Network, picture: Picture, before: np.ndarray, after: np.ndarray) -> None:
    """Show the likeliest classes before and after, and what became of the answer."""
    was, now = int(before.argmax()), int(after.argmax())
    first, last = share(float(before[was])), share(float(after[now]))
    if was == now:
        st.markdown(f"Still **“{class_name(network, was)}”**: {first} sure before, {last} after.")
    else:
        st.markdown(
            f"**“{class_name(network, was)}”** ({first} sure) becomes **“{class_name(network, now)}”** ({last} sure)."
        )
    tops = [set((-each).argsort(kind="stable")[:TOP].tolist()) for each in (before, after)]
    shown = sorted(tops[0] | tops[1], key=lambda index: (-before[index], index))
    names = network.class_names
    rows = "".join(
        f"<tr><th scope=row>{html.escape(names[index])}{' (true)' if index == picture.label else ''}</th>"
        f"{_bar(before[index])}{_bar(after[index])}<td class=points>{_points(after[index] - before[index])}</td></tr>"
        for index in shown
    )
    st.html(
        f"{_STYLE.replace('MARK', THEMES[state.theme()].mark)}<table class=cs-answers><thead><tr><td></td>"
        f"<th scope=col>Before</th><th scope=col>After</th><th scope=col>Points</th></tr></thead>{rows}</table>"
    )
    st.caption(f"The {TOP} likeliest classes before and after; points are percentage points gained or lost.")


_STYLE = """<style>
.cs-answers { width: 100%; table-layout: fixed; border-collapse: separate; border-spacing: 6px 3px;
  font-size: 0.875rem; }
.cs-answers th { font-weight: 400; text-align: left; overflow-wrap: anywhere; }
.cs-answers thead th { font-size: 0.8rem; opacity: 0.75; }
.cs-answers td { font-variant-numeric: tabular-nums; }
.cs-answers .share { padding: 2px 6px; border-radius: 3px; background:
  linear-gradient(color-mix(in srgb, MARK 45%, transparent) 0 0) no-repeat 0 0 / var(--share) 100%,
  color-mix(in srgb, currentColor 8%, transparent); }
.cs-answers .points, .cs-answers thead th:last-child { text-align: right; width: 4.5rem; }
</style>"""


def _bar(probability: float) -> str:
    words = html.escape(share(float(probability)))
    return f'<td class=share style="--share: {100 * float(probability):.1f}%">{words}</td>'


def _points(change: float) -> str:
    text = f"{100 * float(change):+.1f}".replace("-", "−")
    return "±0" if text[1:] == "0.0" else text
