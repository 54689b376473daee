"""Layout of an archive of a run: file names, size limits, format version and the errors of an import."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from safetensors import SafetensorError, safe_open

from core.data.importing.safezip import MB, Limits
from core.errors import ConvScopeError
from core.runs.records import Metric

FORMAT = 1  # raised whenever an archive of the same run would be read differently
SPEC, CONFIG, RUN = "spec.json", "config.json", "run.json"
METRICS, EVENTS, EVIDENCE = "metrics.csv", "events.json", "evidence.json"
RECORDS = (SPEC, CONFIG, RUN, METRICS, EVENTS, EVIDENCE)  # what has to be there
WEIGHTS, TENSORBOARD = "weights/", "tensorboard/"
SCRIPT, DATA, ONNX, README = "train.py", "data.safetensors", "model.onnx", "README.txt"
BACKBONE_WEIGHTS = "backbone.safetensors"  # of the pretrained network that a run's network begins with
PREDICTOR, CARD, DATASET = "predict.py", "model-card.md", "dataset.json"
ARCHIVE = ".zip"  # the ending of an archive's name; other files are networks of other programs
OWN = "convscope"  # the note in safetensors files that says the stack; `core.compression.saving` writes it too
COLUMNS = tuple(column.name for column in fields(Metric))


class ArchiveError(ConvScopeError):
    """An archive of a run cannot be imported."""


@dataclass(frozen=True)
class RunLimits(Limits):
    """Size limits of an archive of a run: far above any real run, far below what would harm the server.

    Attributes:
        table: Bytes of the steps, unpacked.
        text: Bytes of any other record, unpacked.
    """

    archive: int = 1024 * MB
    directory: int = MB // 2
    entries: int = 2_000
    total: int = 2048 * MB
    portable_names: bool = True
    table: int = 64 * MB
    text: int = 16 * MB


def refusal(cause: str) -> ArchiveError:
    """Return the sentence that says why an archive is not imported."""
    return ArchiveError(f"{cause}: export the run again, and import that file as it is.")


def weights_names(epochs: Iterable[int | None]) -> dict[int | None, str]:
    """Return the names of the checkpoints in an archive; None stands for the latest weights."""
    return {epoch: f"{WEIGHTS}{'latest' if epoch is None else f'epoch-{epoch:04d}'}.safetensors" for epoch in epochs}


def missing_weights(path: Path) -> str:
    """Return one sentence on why a checkpoint cannot be used, or ""; only its header is read."""
    try:
        with safe_open(path, framework="np"):
            return ""
    except FileNotFoundError:
        return "This run has no weights yet: let it train a moment."
    except (OSError, SafetensorError):
        return "The latest weights of this run are damaged: export the whole run, which leaves them out."


def single_line(text: str) -> str:
    """Return text as one line of printable characters, safe inside a comment of generated code."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def stem(name: str) -> str:
    """Return the name of a run as the beginning of a file name: lower-case words joined by "-"."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in name.lower())
    return "-".join(letters.split())[:60] or "run"
