"""What a network says of many files at once: predictions, and the table of them on the screen and as CSV."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax

from core.data.images import decode_upload
from core.errors import ImageError
from core.inference.network import Network
from core.progress import Progress
from core.reliability.calibrated_model import CalibratedModel
from core.reliability.features import LogitsAndFeatures, extract_features

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAIL_PX = 56  # pixels of a thumbnail's longer side
ANSWERS = ("picture", "file", "answer", "probability", "calibrated", "alarm")  # first columns, where there are any
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would compute


@dataclass(frozen=True, eq=False)
class BatchPrediction:
    """What a network says of some files.

    Attributes:
        errors: Why each file cannot be used, one sentence; empty where it can.
        notes: What was noticed when each was opened, sentences; empty where there was nothing.
        thumbnails: Of those that can be used, JPEG as `data:` addresses, in order.
        outputs: Logits and features of those, in order; None if there are none.
    """

    errors: tuple[str, ...]
    notes: tuple[str, ...]
    thumbnails: tuple[str, ...]
    outputs: LogitsAndFeatures | None


def predict_batch(network: Network, files: Sequence[bytes], *, paper: bool, progress: Progress) -> BatchPrediction:
    """Decode files and ask a network about each that is a picture; the others have a sentence in `errors`.

    Args:
        network: Whose logits and features are computed.
        files: Their contents.
        paper: Whether a digit on paper is looked for in each.
        progress: Called with the steps done and those to do, two for each file; it may raise to cancel.

    Raises:
        ConvScopeError: The network cannot be used, or a score is not a finite number.
    """
    total, thumbnails, pixels = 2 * len(files), list[str](), list[torch.Tensor]()
    errors, notes = [""] * len(files), [""] * len(files)
    for place, content in enumerate(files):
        progress(place, total)
        try:
            decoded = decode_upload(content)
        except ImageError as error:
            errors[place] = str(error)
            continue
        image, notes[place] = decoded.image, " ".join(decoded.notes())
        pixels.append(network.fit(image, paper=network.read_paper(image) if paper else None)[0])
        thumbnails.append(_thumbnail(image))
    outputs = None
    if pixels:
        outputs = extract_features(
            network.model,
            torch.stack(pixels),
            network.normalize,
            progress=lambda done, _: progress(len(files) + done, total),
        )
    return BatchPrediction(tuple(errors), tuple(notes), tuple(thumbnails), outputs)


def _thumbnail(image: "Image") -> str:
    small, file = image.copy(), BytesIO()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    small.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + b64encode(file.getvalue()).decode("ascii")


def batch_table(
    class_names: Sequence[str], names: Sequence[str], batch: BatchPrediction, calibrated: CalibratedModel | None
) -> pd.DataFrame:
    """Return one row for each file, `names` are theirs; a cell whose value is not known is empty.

    Columns: those of `ANSWERS`, each score of the alarm and its limit, "note" and "error". What comes of calibration
    is left out while `calibrated` is None, and all answers where no file can be used.
    """
    usable = np.array([not error for error in batch.errors])
    rows = pd.DataFrame({"file": list(names), "note": list(batch.notes), "error": list(batch.errors)})
    rows["picture"] = pd.Series(list(batch.thumbnails), index=np.flatnonzero(usable), dtype=object)
    if batch.outputs is None:
        return rows
    for name, values in _answers(class_names, batch.outputs, calibrated).items():
        rows[name] = pd.Series(values, index=np.flatnonzero(usable))
    others = [name for name in rows if name not in (*ANSWERS, "note", "error")]
    return rows[[*(name for name in ANSWERS if name in rows), *others, "note", "error"]]


def _answers(
    class_names: Sequence[str], outputs: LogitsAndFeatures, calibrated: CalibratedModel | None
) -> dict[str, Any]:
    """Return the columns of the files that can be used."""
    logits = outputs.logits.astype(float)
    columns: dict[str, Any] = {
        "answer": np.array([class_names[index] for index in logits.argmax(axis=1)], dtype=object),
        "probability": softmax(logits, axis=1).max(axis=1),
    }
    if calibrated is None:
        return columns
    columns["calibrated"] = calibrated.temperature.calibrated(logits).max(axis=1)
    columns["alarm"] = np.where(calibrated.alarm.raised(outputs), "yes", "no").astype(object)
    for limit in calibrated.alarm.limits:
        columns[limit.score.title.lower()] = limit.score(outputs)
        columns[f"limit of {limit.score.title.lower()}"] = limit.value
    return columns


def batch_csv(table: pd.DataFrame) -> bytes:
    """Return what `batch_table` made as a file for spreadsheets, without pictures; no cell is taken for a formula."""
    table = table.drop(columns="picture")
    for name in table.select_dtypes(exclude="number"):
        table[name] = [f"'{cell}" if str(cell).startswith(_FORMULA_STARTS) else cell for cell in table[name]]
    return table.to_csv(index=False).encode()
