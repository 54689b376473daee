"""The parts of the training page, of which one is shown at a time; the address names it, until a link leads on."""

from collections.abc import Sequence

import streamlit as st

from core.runs.records import Run
from pages.shared.shell.navigation import PART
from pages.shared.shell.section import Section

# With a run, all of the first screen is within 1280 × 800: the run's name stands for the page's title and its lead.
_ONE_SCREEN = """<style>
@media (min-width: 900px) {
  [data-testid="stMainBlockContainer"] { padding: 4.5rem 3rem 2rem; }
}
[data-testid="stMainBlockContainer"] [data-testid="stElementContainer"]:has(h1),
[data-testid="stMainBlockContainer"] [data-testid="stElementContainer"]:has(h1) + [data-testid="stElementContainer"] {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
}
.st-key-figures [data-testid="stMetricValue"] { font-size: 1.25rem; line-height: 1.3; }
.st-key-figures [data-testid="stMetric"] { padding: 0; }
.st-key-under_curves { margin-top: -1.25rem; }
.st-key-film_head { margin: -0.75rem 0; }
</style>"""


def one_screen() -> None:
    """Make room for a run: to be called on the pages that show one."""
    st.html(_ONE_SCREEN)


def choose_part(parts: Sequence[Section], run: Run | None) -> Section:
    """Ask for one of the parts, at first the first one; each run begins with it, and so does each visit."""
    by_key = {part.key: part for part in parts}
    requested, key = st.query_params.get(PART, ""), f"train_part_{run.id if run else ''}"
    st.session_state[key] = requested if requested in by_key else parts[0].key

    def follow() -> None:
        show_part(st.session_state[key] or parts[0].key)

    chosen = st.segmented_control(
        "Part of this page",
        list(by_key),
        format_func=lambda name: by_key[name].title,
        required=True,
        key=key,
        on_change=follow,
        wrap=True,
        label_visibility="collapsed",
    )
    return by_key[chosen or parts[0].key]


def show_part(key: str) -> None:
    """Let the address name a part, to be shown at the next drawing of the page."""
    st.query_params[PART] = key
