"""The lab report of a run: what it explains, its writing in the background, and the button that saves it."""

import re
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import DataError
from core.exchange.layout import stem
from core.explain.methods.registry import METHODS
from core.inference.stamped import stamp_of
from core.progress import Progress
from core.runs.records import Run
from pages.shared.shell import services, session
from pages.shared.shell.background_jobs import Lane, background
from pages.shared.shell.layout import show_errors

if TYPE_CHECKING:
    from core.report.explanations import ExplanationChoice


@show_errors()
def report_panel(run: Run) -> None:
    """Offer the lab report: it is written in the background, and then saved with another press."""
    store = services.store()
    stamp = stamp_of(store.checkpoint(run.id))

    def write(progress: Progress) -> bytes:
        from core.report.document import lab_report

        return lab_report(store, run.id, choice=choice, progress=progress).encode()

    st.markdown("**Lab report**")
    with show_errors(), st.container(key="lab_report"):
        choice = _ask_choice(run)
        key = ("report", run.id, run.step, run.status, run.name, run.note, stamp, choice)
        report = background(
            key,
            write,
            words="Writing the lab report",
            place=f"report_{run.id}",
            ask="Write a lab report",
            lane=Lane.LONG,
        )
        if report is None:
            st.caption("One HTML file that stands alone: curves, test, filters, explanations, notes and code.")
            return
        st.download_button(
            "Save lab report",
            report,
            file_name=f"{stem(run.name)}.html",
            mime="text/html",
            key=f"save_report_{run.id}",
            icon=":material/lab_profile:",
            type="primary",
            help=f"{len(report) / 1024:,.0f} kB; opens in any browser, and prints.",
            on_click="ignore",
        )


def _ask_choice(run: Run) -> "ExplanationChoice":
    """Ask which test images are explained beside those that are chosen anyway, and by which methods."""
    from core.report.explanations import DEFAULT_METHODS, MAX_IMAGES, MAX_METHODS, ExplanationChoice

    choice = session.choice()
    looked_at = choice.number_in(run.dataset) if choice else None
    with st.popover("What it explains", icon=":material/tune:"):
        numbers = st.text_input(
            "Test images",
            value="" if looked_at is None else str(looked_at),
            placeholder="3, 17, 240",
            key=f"report_images_{run.id}",
            help=f"Their numbers, up to {MAX_IMAGES}. The surest right and the surest wrong answers follow anyway.",
        )
        methods = st.multiselect(
            "Methods",
            list(METHODS),
            default=list(DEFAULT_METHODS),
            format_func=lambda name: METHODS[name].title,
            max_selections=MAX_METHODS,
            key=f"report_methods_{run.id}",
        )
    count = run.dataset_info.split_sizes[2] if run.dataset_info else 0
    return ExplanationChoice(_numbers(numbers, count), tuple(methods) or DEFAULT_METHODS)


def _numbers(text: str, images: int) -> tuple[int, ...]:
    """Read numbers of test images; raises `DataError`."""
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    if not all(re.fullmatch("[0-9]{1,9}", part, re.ASCII) and int(part) < images for part in parts):
        raise DataError(f"Type numbers of test images from 0 to {images - 1:,}, with commas between them.")
    return tuple(dict.fromkeys(map(int, parts)))
