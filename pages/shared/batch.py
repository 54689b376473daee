"""Many pictures at once: a table of what the network answers, to look at and to take away."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError, ImageError
from core.inference.network import Network
from pages.shared import state
from pages.shared.batch_rows import LATER, SHOWN, Batch, batch_rows, csv
from pages.shared.jobs import Progress, background
from pages.shared.layout import plain, show_errors
from pages.shared.readers import known_reader
from pages.shared.uploads import uploaded, uploads

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


MOST = 200  # files
SIDE = 56  # pixels of a thumbnail


@st.fragment
@show_errors()
def batch_section(weights: Network) -> None:
    """Show a table of all uploaded files, if there are several; a click on a row chooses that picture."""
    files = uploads()
    if len(files) < 2:
        return
    st.subheader(f"All {len(files):,} pictures", anchor=False)
    if len(files) > MOST:
        st.warning(f"Only the first {MOST} are looked at.", icon=":material/warning:")
        files = files[:MOST]
    found = background(
        ("batch", *weights.mark, _mark(files)),
        _work(weights, [file.getvalue() for file in files]),
        words="Looking at your pictures",
        place="batch",
    )
    if found is not None:
        _table(weights, files, found)


def _mark(files: "Sequence[UploadedFile]") -> str:
    return hashlib.blake2b("\n".join(file.file_id for file in files).encode(), digest_size=12).hexdigest()


def _work(weights: Network, contents: Sequence[bytes]) -> Callable[[Progress], Batch]:
    model, _ = weights.model, weights.statistics  # what is wrong with these is said here

    def work(tell: Progress) -> Batch:
        import torch

        from core.data.images import decode_upload
        from core.reading.inside import look_inside

        total, small, pixels = 2 * len(contents), list[str](), list[Any]()
        errors, notes = [""] * len(contents), [""] * len(contents)
        for place, content in enumerate(contents):
            tell(place, total)
            try:
                decoded = decode_upload(content)
            except ImageError as error:
                errors[place] = str(error)
                continue
            image, notes[place] = decoded.image, " ".join(decoded.notes())
            pixels.append(weights.fit(image)[0])
            small.append(_thumbnail(image))
        if not pixels:
            return Batch(tuple(errors), tuple(notes), (), None)
        inside = look_inside(
            model,
            torch.stack(pixels),
            weights.normalize,
            progress=lambda done, _: tell(len(contents) + done, total),
        )
        return Batch(tuple(errors), tuple(notes), tuple(small), inside)

    return work


def _thumbnail(image: Any) -> str:
    from base64 import b64encode
    from io import BytesIO

    small, file = image.copy(), BytesIO()
    small.thumbnail((SIDE, SIDE))
    small.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + b64encode(file.getvalue()).decode("ascii")


def _table(weights: Network, files: "Sequence[UploadedFile]", found: Batch) -> None:
    rows = batch_rows(weights, [file.name for file in files], found)
    calibrated = known_reader(weights) is not None
    bad = sum(map(bool, found.errors))
    if bad:
        st.warning(
            f"{bad} of {len(files)} cannot be used; the table says why. The others are not touched by it.",
            icon=":material/broken_image:",
        )
    hidden = {name: None for name in rows if name not in SHOWN or (name in LATER and not calibrated)}
    event = st.dataframe(
        rows.fillna({name: "" for name in ("picture", "answer", "alarm") if name in rows}),
        hide_index=True,
        key="batch_table",
        on_select="rerun",
        selection_mode="single-row",
        placeholder="–",
        row_height=SIDE if len(rows) <= 50 else 36,
        column_config={
            **hidden,
            "picture": st.column_config.ImageColumn("", width="small"),
            "file": st.column_config.TextColumn("File"),
            "answer": st.column_config.TextColumn("Answer"),
            "probability": st.column_config.NumberColumn("As it says", format="percent"),
            "calibrated": st.column_config.NumberColumn("Calibrated", format="percent"),
            "alarm": st.column_config.TextColumn("None of my classes?"),
            "note": st.column_config.TextColumn("Noticed", width="large") if any(found.notes) else None,
            "error": st.column_config.TextColumn("Cannot be used", width="large") if bad else None,
        },
    )
    st.download_button(
        "Download the answers (CSV)",
        csv(rows),
        "answers.csv",
        "text/csv",
        icon=":material/download:",
        key="batch_csv",
        on_click="ignore",
    )
    st.caption("Click a row to look at that picture above." + ("" if calibrated else " Calibration is still to come."))
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
        state.choose(uploaded(files[chosen[0]]))
    except ConvScopeError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.rerun()
