"""The demo: one press fills the app with trainings, and what still trains can be cancelled."""

import streamlit as st

from core.demo.making import DemoStatus, cancel, queue, standing
from core.demo.plans import DEMOS
from core.formatting import duration
from pages.shared.display.doors import card_title
from pages.shared.run.live_view import LOOKS
from pages.shared.shell import navigation, services
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.widgets.auto_refresh import pulse

TICK_SECONDS = 1.0


def demo_panel(before: DemoStatus) -> None:
    """Offer what is missing of the demo, or show how far it is while it is made; `before` has one of these."""
    live, known = before.active, [before]

    @st.fragment
    def tick() -> None:
        with show_errors():
            now = known.pop() if known else standing(services.store())
            with st.container(gap="xsmall"):
                _draw(now)
            if now.active is not live:
                st.rerun()
        if live:
            pulse(TICK_SECONDS, key="pulse_demo")

    with st.container(border=True, height="stretch", gap="xsmall", key="demo"):
        tick()


def _draw(now: DemoStatus) -> None:
    card_title("school", "Fill every page at once")
    st.caption("The demo: four trainings, of digits, of shapes, one that overfits and one that diverges.")
    if now.active:
        left = "" if now.seconds_left is None else f" · about {duration(now.seconds_left)} left"
        st.progress(now.progress, text=f"Preparing the demo: {now.progress:.0%}{left}")
        st.button("Cancel", key="cancel_demo", icon=":material/close:", on_click=_cancel)
        _list(now)
    else:
        st.button("Prepare the demo", key="make_demo", icon=":material/play_arrow:", on_click=_queue)


def _list(now: DemoStatus) -> None:
    """Lead to the runs that there are."""
    with st.container(horizontal=True, key="demo_runs"):
        for key in DEMOS:
            if key in now.runs:
                run = now.runs[key]
                navigation.link("train", escape_markdown(run.name), icon=LOOKS[run.status][1], run=run.id)


def _queue() -> None:
    with show_errors():
        queue(services.store(), services.engine().submit)


def _cancel() -> None:
    with show_errors():
        cancel(services.store(), services.engine().stop)
