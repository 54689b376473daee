"""The files that a run can be saved as, and what makes each."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from core.exchange.csv_tables import curves_csv
from core.leftovers import EXPORT, unfinished
from core.runs.history import History
from core.runs.records import Run
from core.runs.store import RunStore


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
    return curves_csv(store.metrics(run.id))


def _png(store: RunStore, run: Run) -> bytes:
    from core.figures.render import curves_png

    history = History(store, run.id)
    history.update()
    return curves_png(run, history.points(run.steps_per_epoch), history.best, store.series.events(run.id))


def _zip(store: RunStore, run: Run) -> bytes:
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
