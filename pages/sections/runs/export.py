"""Runs on their way out of the app and in again: a row of downloads, and a place to drop an archive."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import ConvScopeError, DataError
from core.exchange.layout import MB, RunLimits, missing_weights, stem
from core.explain.methods.registry import METHODS
from core.extras import why_missing
from core.inference.stamped import stamp_of
from core.leftovers import EXPORT, unfinished
from core.progress import Progress
from core.runs.records import Run
from core.runs.store import RunStore
from core.runs.training_data import why_no_scale
from pages.shared.shell import services, session
from pages.shared.shell.background_jobs import Lane, background
from pages.shared.shell.layout import escape_markdown, show_errors

if TYPE_CHECKING:
    from core.report.explanations import ExplanationChoice


@dataclass(frozen=True)
class Download:
    """One file that a run can be saved as.

    Attributes:
        label: What the button says.
        icon: A Material symbol.
        help: What is in it and what it is good for, one sentence.
        file: Its name; {stem} stands for the run's.
        mime: Its type.
        make: What makes its content, when it is asked for.
        weights: Whether it needs the latest weights; without any step there is nothing to save at all.
        pixels: Whether it needs to know how pixels are normalised.
        extra: The package of `core.extras` that it needs, or "".
    """

    label: str
    icon: str
    help: str
    file: str
    mime: str
    make: Callable[[RunStore, Run], str | bytes]
    weights: bool = False
    pixels: bool = False
    extra: str = ""


def _csv(store: RunStore, run: Run) -> str:
    from core.exchange.csv_tables import curves_csv

    return curves_csv(store.metrics(run.id))


def _png(store: RunStore, run: Run) -> bytes:
    from core.figures.render import curves_png
    from core.runs.history import History

    history = History(store, run.id)
    history.update()
    return curves_png(run, history.points(run.steps_per_epoch), history.best, store.series.events(run.id))


def _zip(store: RunStore, run: Run) -> bytes:
    from io import BytesIO

    from core.exchange.export_archive import export_run

    content = BytesIO()
    export_run(store, run.id, content)
    return content.getvalue()


def _events(store: RunStore, run: Run) -> bytes:
    from core.exchange.tensorboard import write_tensorboard

    with unfinished(EXPORT) as folder:
        return write_tensorboard(store, run, folder).read_bytes()


def _onnx(store: RunStore, run: Run) -> bytes:
    from core.exchange.onnx import to_onnx

    return to_onnx(store, run.id)


def _weights(store: RunStore, run: Run) -> bytes:
    from core.exchange.weights import to_weights

    return to_weights(store, run.id)


def _program(store: RunStore, run: Run) -> bytes:
    from core.exchange.weights import to_program

    return to_program(store, run.id)


def _predictor(store: RunStore, run: Run) -> str:
    from core.exchange.predictor import to_predictor

    return to_predictor(run)


def _card(store: RunStore, run: Run) -> str:
    from core.exchange.card import model_card

    return model_card(store, run)


DOWNLOADS = (
    Download(
        "Whole run",
        ":material/folder_zip:",
        "A zip with settings, curves, weights, a PyTorch script that trains it again, ONNX and TensorBoard files; "
        "ConvScope on another machine can import it.",
        "{stem}.zip",
        "application/zip",
        _zip,
    ),
    Download(
        "Curves as CSV",
        ":material/table:",
        "Every recorded step with loss, accuracy, learning rate and seconds, for a spreadsheet or pandas.",
        "{stem}.csv",
        "text/csv",
        _csv,
    ),
    Download(
        "Curves as PNG",
        ":material/image:",
        "Loss and accuracy as a picture, sharp enough for paper.",
        "{stem}.png",
        "image/png",
        _png,
        extra="vl_convert",
    ),
    Download(
        "Model card",
        ":material/description:",
        "What the network is, what it learned from, how good it is and what it was not tested on, as Markdown.",
        "{stem}-card.md",
        "text/markdown",
        _card,
    ),
    Download(
        "PyTorch script",
        ":material/code:",
        "Classifies pictures with this network and nothing of ConvScope; it takes the weights beside it.",
        "predict.py",
        "text/x-python",
        _predictor,
        pixels=True,
    ),
    Download(
        "Weights",
        ":material/weight:",
        "The latest weights as a safetensors file, to the last bit, for the script or for code of your own.",
        "{stem}.safetensors",
        "application/octet-stream",
        _weights,
        weights=True,
    ),
    Download(
        "torch.export",
        ":material/deployed_code:",
        "Network and weights as one .pt2 program that PyTorch runs without any code of the network.",
        "{stem}.pt2",
        "application/octet-stream",
        _program,
        weights=True,
    ),
    Download(
        "ONNX",
        ":material/hub:",
        "The network with its latest weights, for other programs to compute with.",
        "{stem}.onnx",
        "application/octet-stream",
        _onnx,
        weights=True,
        extra="onnx",
    ),
    Download(
        "TensorBoard",
        ":material/monitoring:",
        "Curves, gradients and histograms as an event file: put it into a folder and start tensorboard --logdir "
        "with that folder.",
        "events.out.tfevents.{created}.{stem}",
        "application/octet-stream",
        _events,
        extra="tensorboard",
    ),
)


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


_OUTCOME, _UPLOADS = "import_outcome", "import_uploads"


def export_panel(run: Run) -> None:
    """Draw a row of buttons that save a run; a file is made only when it is asked for."""
    store = services.store()  # here: the files are made in another thread, without a session
    nothing = "" if run.step else "Nothing of this run is recorded yet: let it train a moment."
    with st.container(horizontal=True, key="exports"):
        for download in DOWNLOADS:
            reason = nothing or (missing_weights(store.checkpoint(run.id)) if download.weights else "")
            reason = reason or (why_no_scale(run) if download.pixels else "")
            reason = reason or (why_missing(download.extra) if download.extra else "")
            st.download_button(
                download.label,
                partial(download.make, store, run),
                file_name=download.file.format(stem=stem(run.name), created=int(run.created)),
                mime=download.mime,
                key=f"export_{download.label}_{run.id}",
                help=reason or download.help,
                disabled=bool(reason),
                icon=download.icon,
                on_click="ignore",
            )
    if not nothing:
        report_panel(run)


def import_panel() -> None:
    """Draw the place for an archive; the address then names the run that came out of it."""
    uploads = st.session_state.get(_UPLOADS, 0)
    key = f"import_{uploads}"
    st.file_uploader(
        "Import a run",
        type="zip",
        key=key,
        on_change=_take_in,
        args=(key,),
        max_upload_size=min(st.get_option("server.maxUploadSize"), RunLimits().archive // MB),
        help='What "Whole run" saved, here or on another machine: curves, weights, settings and notes come back. '
        "For a file above the limit: python -m core.exchange import FILE.",
    )
    if outcome := st.session_state.get(_OUTCOME):  # stays until the next upload: the page may tick meanwhile
        fine, words = outcome
        (st.success if fine else st.error)(
            escape_markdown(words), icon=":material/check:" if fine else ":material/error:"
        )


def _take_in(key: str) -> None:
    """Import what was uploaded, before the page is drawn again, and make room for another upload."""
    from core.exchange.import_archive import import_run

    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1  # a new key: the file is given back
    try:
        run = services.store().get(import_run(services.store(), file.getvalue()))
        st.query_params["run"] = run.id
        st.session_state[_OUTCOME] = (True, f"{run.name} is here now, and chosen.")
    except ConvScopeError as error:
        st.session_state[_OUTCOME] = (False, str(error))
