"""Many pictures at once: a table of what the network answers, to look at and to take away."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import ConvScopeError, ImageError
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

    from core.reliability.features import LogitsAndFeatures

SHOWN = ("picture", "file", "answer", "probability", "calibrated", "alarm", "note", "error")
LATER = ("calibrated", "alarm")  # what has to be measured first
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would compute


@dataclass(frozen=True, eq=False)
class Batch:
    """What came of some files.

    Attributes:
        errors: Why each cannot be used, one sentence; empty where it can.
        notes: What was noticed when each was opened, sentences; empty where there was nothing.
        thumbnails: Of those that can be used, JPEG as `data:` addresses, in order.
        inside: What the network says of those, in order; None if there are none.
    """

    errors: tuple[str, ...]
    notes: tuple[str, ...]
    thumbnails: tuple[str, ...]
    inside: "LogitsAndFeatures | None"


def batch_rows(weights: Network, names: Sequence[str], found: Batch) -> pd.DataFrame:
    """Return one row for each file; what is not known is empty."""
    from scipy.special import softmax

    usable = np.array([not error for error in found.errors])
    rows = pd.DataFrame({"file": list(names), "note": list(found.notes), "error": list(found.errors)})
    rows["picture"] = pd.Series(list(found.thumbnails), index=np.flatnonzero(usable), dtype=object)
    if found.inside is None:
        return rows
    at, read = np.flatnonzero(usable), known_reader(weights)
    classes = weights.class_names
    logits = found.inside.logits.astype(float)
    best = logits.argmax(axis=1)
    rows["answer"] = pd.Series([classes[index] for index in best], index=at, dtype=object)
    rows["probability"] = pd.Series(softmax(logits, axis=1).max(axis=1), index=at)
    if read is not None:
        rows["calibrated"] = pd.Series(read.temperature.calibrated(logits).max(axis=1), index=at)
        alarms = ["yes" if raised else "no" for raised in read.alarm.raised(found.inside)]
        rows["alarm"] = pd.Series(alarms, index=at, dtype=object)
        for limit in read.alarm.limits:
            rows[limit.score.title.lower()] = pd.Series(limit.score(found.inside), index=at)
            rows[f"limit of {limit.score.title.lower()}"] = limit.value
    return rows[
        [name for name in ("picture", "file", "answer", "probability", "calibrated", "alarm") if name in rows]
        + [name for name in rows if name not in SHOWN]
        + ["note", "error"]
    ]


def csv(rows: pd.DataFrame) -> bytes:
    """Return a table as a file for spreadsheets, without pictures; no cell of it is taken for a formula."""
    kept = rows.drop(columns="picture")
    for name in kept.select_dtypes(exclude="number"):
        kept[name] = [f"'{value}" if str(value).startswith(_FORMULA) else value for value in kept[name]]
    return kept.to_csv(index=False).encode()


MOST = 200  # files
SIDE = 56  # pixels of a thumbnail


def batch_section(weights: Network) -> None:
    """Show a table of all uploaded files; a click on a row chooses that picture."""
    files = uploads()
    if len(files) > MOST:
        st.warning(f"Only the first {MOST} are looked at.", icon=":material/warning:")
        files = files[:MOST]
    choice = session.choice()
    paper = choice is None or choice.paper  # read as the picture above is
    found = background(
        ("batch", *weights.mark, _mark(files), paper),
        _work(weights, [file.getvalue() for file in files], paper=paper),
        words="Looking at your pictures",
        place="batch",
    )
    if found is not None:
        _table(weights, files, found)


def _mark(files: "Sequence[UploadedFile]") -> str:
    return hashlib.blake2b("\n".join(file.file_id for file in files).encode(), digest_size=12).hexdigest()


def _work(weights: Network, contents: Sequence[bytes], *, paper: bool) -> Callable[[Progress], Batch]:
    model, _ = weights.model, weights.statistics  # what is wrong with these is said here

    def work(tell: Progress) -> Batch:
        import torch

        from core.data.images import decode_upload
        from core.reliability.features import extract_features

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
            pixels.append(weights.fit(image, paper=weights.read_paper(image) if paper else None)[0])
            small.append(_thumbnail(image))
        if not pixels:
            return Batch(tuple(errors), tuple(notes), (), None)
        inside = extract_features(
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
