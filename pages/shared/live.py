"""A run as it happens: where it stands, what can be asked of it, and its growing curves."""

import streamlit as st

from core.data.catalog import DATASETS
from core.figures.curves import curve_chart, curve_rows
from core.runs.records import Run, Status
from pages.shared import menu, state
from pages.shared.layout import plain, show_errors

TICK_SECONDS = {Status.QUEUED: 0.4, Status.RUNNING: 0.5, Status.PAUSED: 2.0}
LOOKS = {
    Status.QUEUED: ("Waiting", ":material/hourglass_empty:", "gray"),
    Status.RUNNING: ("Training", ":material/play_circle:", "blue"),
    Status.PAUSED: ("Paused", ":material/pause_circle:", "orange"),
    Status.FINISHED: ("Finished", ":material/check_circle:", "green"),
    Status.STOPPED: ("Stopped, weights kept", ":material/stop_circle:", "gray"),
    Status.FAILED: ("Failed", ":material/error:", "red"),
    Status.INTERRUPTED: ("Interrupted", ":material/warning:", "orange"),
}
ACTIONS = {  # what is asked of the run: label, icon, and in which states it makes sense
    "pause": ("Pause", ":material/pause:", (Status.RUNNING, Status.QUEUED)),
    "resume": ("Resume", ":material/play_arrow:", (Status.PAUSED, Status.STOPPED, Status.INTERRUPTED)),
    "step": ("One batch", ":material/skip_next:", (Status.PAUSED, Status.RUNNING)),
    "stop": ("Stop training", ":material/stop:", (Status.RUNNING, Status.PAUSED, Status.QUEUED)),
}


def watch(run: Run) -> None:
    """Show a run and keep it up to date for as long as a worker has it, or will."""
    shown = run.status

    @st.fragment(run_every=TICK_SECONDS.get(run.status))
    def tick() -> None:
        with show_errors():
            latest = state.store().get(run.id)
            _show(latest)
            if latest.status is not shown:
                st.rerun()  # another state ticks at another pace, or not at all

    tick()


def _show(run: Run) -> None:
    label, icon, colour = LOOKS[run.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(run.name), anchor=False, width="content")
        st.badge(label, icon=icon, color=colour)  # type: ignore[arg-type]
    if run.message:
        (st.error if run.status is Status.FAILED else st.warning)(plain(run.message))
    st.progress(run.progress, text=_progress(run))
    _buttons(run)
    _figures(run)
    _curves(run)


def _progress(run: Run) -> str:
    if run.status is Status.QUEUED:
        ahead = [other for other in state.store().list(status=Status.QUEUED) if other.created < run.created]
        busy = len(state.store().list(status=Status.RUNNING)) + len(ahead)
        return f"Waiting for {busy} other training{'s' * (busy > 1)}" if busy else "Starting …"
    if not run.total_steps:
        return "Loading the images …"
    epochs = run.total_steps // run.steps_per_epoch
    text = f"Epoch {max(run.epoch, 1)} of {epochs} · batch {run.step:,} of {run.total_steps:,}"
    if run.status is Status.RUNNING and run.seconds_left is not None:
        text += f" · about {duration(run.seconds_left)} left"
    return text


def duration(seconds: float) -> str:
    """Write a time span: "8 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _buttons(run: Run) -> None:
    with st.container(horizontal=True, key="transport"):
        for what, (label, icon, states) in ACTIONS.items():
            if run.status in states and st.button(label, icon=icon, key=f"{what}_{run.id}"):
                with show_errors():  # a refusal stays on the page, so nothing is run again after it
                    state.engine().request(run.id, what)
                    st.rerun()


def _figures(run: Run) -> None:
    values = [
        ("Validation accuracy", run.valid_accuracy, "{:.1%}", "Share of the validation images classified rightly."),
        (
            "Validation loss",
            run.valid_loss,
            "{:.3f}",
            "Mean cross-entropy on the validation images; smaller is better.",
        ),
        ("Training accuracy", run.train_accuracy, "{:.1%}", "Mean over the batches of this epoch."),
        ("Images per second", run.images_per_second or None, "{:,.0f}", "Training speed over the last seconds."),
    ]
    if run.test_accuracy is not None:
        about = "On images that were used for nothing else: the honest number."
        values[-1] = ("Test accuracy", run.test_accuracy, "{:.1%}", about)
    with st.grid(4, min_column_width=140):
        for label, value, style, help_text in values:
            st.metric(label, "–" if value is None else style.format(value), help=help_text, border=True)


def _curves(run: Run) -> None:
    import pandas as pd  # this late: the first page is up before it is needed

    history = state.history(run.id)
    history.update()
    points = history.points(run.steps_per_epoch)
    epochs = run.total_steps / run.steps_per_epoch if run.total_steps else float(run.config.get("epochs", 1))
    with st.grid(2, min_column_width=340):
        for measure in ("loss", "accuracy"):
            rows = curve_rows(points, measure)
            if not rows:
                continue
            st.vega_lite_chart(
                pd.DataFrame(rows).astype({"epoch": "float32", "value": "float32", "split": "category"}),
                curve_chart(measure, epochs=epochs, theme=state.theme()),
                key=f"{measure}_{run.id}",
                alt=f"{measure.capitalize()} of training and validation by epoch",
            )
    st.caption(
        "The line of the training batches is their mean, measured while the weights still change; "
        "each dot is the whole validation split after an epoch. Scroll or drag to zoom, double-click to go back."
    )


def what_next(run: Run) -> None:
    """Offer the ways into a network that has weights."""
    if not run.step:
        return
    st.subheader("Look inside what it learned", anchor=False)
    with st.grid(4, min_column_width=150):
        for name in ("filters", "feature_maps", "saliency", "classify"):
            with st.container(border=True, height="stretch"):
                menu.link(name, width="stretch", run=run.id)
                st.caption(menu.PAGES[name].lead)


def summary(run: Run) -> str:
    """Say in one line what a run trains on."""
    info = DATASETS.get(run.dataset)
    return f"{plain(run.spec.name)} on {info.title if info else plain(run.dataset)}"
