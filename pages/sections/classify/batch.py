"""Many pictures at once: a table of what the network answers, to look at and to take away."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError
from core.inference.network import Network
from core.progress import Progress
from pages.sections.classify.reliability import known_reader
from pages.shared.picture.upload import uploaded, uploads
from pages.shared.shell import session
from pages.shared.shell.background_jobs import background
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from core.reliability.batch import BatchPrediction

MOST = 200  # files


def batch_section(weights: Network) -> None:
    """Show a table of all uploaded files; a click on a row chooses that picture."""
    files = uploads()
    if len(files) > MOST:
        st.warning(f"Only the first {MOST} are looked at.", icon=":material/warning:")
        files = files[:MOST]
    choice = session.choice()
    paper = choice is None or choice.paper  # read as the picture above is
    contents = [file.getvalue() for file in files]
    _ = weights.model, weights.statistics  # what is wrong with these is said here

    def predict(progress: Progress) -> "BatchPrediction":
        from core.reliability.batch import predict_batch

        return predict_batch(weights, contents, paper=paper, progress=progress)

    prediction = background(
        ("batch", *weights.cache_key, _digest(files), paper),
        predict,
        words="Looking at your pictures",
        place="batch",
    )
    if prediction is not None:
        _table(weights, files, prediction)


def _digest(files: "Sequence[UploadedFile]") -> str:
    return hashlib.blake2b("\n".join(file.file_id for file in files).encode(), digest_size=12).hexdigest()


def _table(weights: Network, files: "Sequence[UploadedFile]", prediction: "BatchPrediction") -> None:
    from core.reliability.batch import ANSWERS, THUMBNAIL_PX, batch_csv, batch_table

    calibrated = known_reader(weights)
    rows = batch_table(weights.class_names, [file.name for file in files], prediction, calibrated)
    bad = sum(map(bool, prediction.errors))
    if bad:
        st.warning(
            f"{bad} of {len(files)} cannot be used; the table says why. The others are not touched by it.",
            icon=":material/broken_image:",
        )
    hidden = {name: None for name in rows if name not in (*ANSWERS, "note", "error")}
    event = st.dataframe(
        rows.fillna({name: "" for name in ("picture", "answer", "alarm") if name in rows}),
        hide_index=True,
        key="batch_table",
        on_select="rerun",
        selection_mode="single-row",
        placeholder="–",
        row_height=THUMBNAIL_PX if len(rows) <= 50 else 36,
        column_config={
            **hidden,
            "picture": st.column_config.ImageColumn("", width="small"),
            "file": st.column_config.TextColumn("File"),
            "answer": st.column_config.TextColumn("Answer"),
            "probability": st.column_config.NumberColumn("As it says", format="percent"),
            "calibrated": st.column_config.NumberColumn("Calibrated", format="percent"),
            "alarm": st.column_config.TextColumn("None of my classes?"),
            "note": st.column_config.TextColumn("Noticed", width="large") if any(prediction.notes) else None,
            "error": st.column_config.TextColumn("Cannot be used", width="large") if bad else None,
        },
    )
    st.download_button(
        "Download the answers (CSV)",
        batch_csv(rows),
        "answers.csv",
        "text/csv",
        icon=":material/download:",
        key="batch_csv",
        on_click="ignore",
    )
    st.caption(
        "Click a row to look at that picture above."
        + ("" if calibrated is not None else " Calibration is still to come.")
    )
    _choose(files, event)


def _choose(files: "Sequence[UploadedFile]", event: Any) -> None:
    """Choose the picture of the row that has just been clicked."""
    chosen = tuple(event.selection.rows)
    if chosen == st.session_state.get("batch_chosen", ()):
        return
    st.session_state["batch_chosen"] = chosen
    if len(chosen) != 1 or not 0 <= chosen[0] < len(files):
        return
    try:
        before = session.choice()
        chosen_one = uploaded(files[chosen[0]])
        session.choose(replace(chosen_one, paper=before is None or before.paper))
    except ConvScopeError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return
    st.rerun()


SECTION = Section(
    "batch",
    "All pictures",
    batch_section,
    heading=lambda _: f"All {len(uploads()):,} pictures",
    why_not=lambda _: "" if len(uploads()) > 1 else "It takes two pictures to compare them.",
)
