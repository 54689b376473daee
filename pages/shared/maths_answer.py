"""From logits through softmax to the loss, number by number."""

from dataclasses import replace

import numpy as np

from core import maths
from pages.shared.maths_scene import Scene
from pages.shared.widgets.cell_view import Cells, Mode, Number, cell_view

MOST_CLASSES = 24


def softmax_and_loss(now: Scene, loss: str, class_names: tuple[str, ...]) -> None:
    """Follow logits to probabilities, to the loss of each class and back; `now` is the scene of the last layer."""
    logits = now.found.outputs[:1].reshape(1, -1)
    p, count = maths.softmax(logits)[0], logits.shape[1]
    target = np.eye(count)[now.label]
    raised = np.exp(logits[0] - logits.max())
    shown = _likeliest(logits[0], now.label)
    if len(shown) < count:
        now.panel.caption(f"The {len(shown)} likeliest of {count:,} classes are shown; the sums are over all of them.")
    grids = {
        "z": Cells("Logits", "z", logits[0]),
        "e": Cells("Raised", "e", raised, "kernel"),
        "p": Cells("Probabilities", "p", p, "output"),
        "t": Cells("True class", "t", target, "kernel"),
        "g": Cells("Gradient at the logits", "∂L/∂z", maths.loss_gradient(loss, logits, [now.label])[0], "output"),
    }
    numbers = {
        "top": Number("max z", float(logits.max())),
        "sum": Number("∑ e", float(raised.sum())),
        "n": Number("K", float(count)),
        "mix": Number("∑ (p − t) · p", float(((p - target) * p).sum())),
    }
    if loss == "mse":
        cells, term = (p - target) ** 2 / count, "{l} = ({p} − {t})² / {n}"
        back = "{g} = 2 / {n} · {p} · ({p} − {t} − {mix})"
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            cells, term = -target * maths.log_softmax(logits)[0], "{l} = −{t} · ln({p})"
        back = "{g} = {p} − {t}"
    grids["l"] = Cells("Parts of the loss", "l", cells, "upstream")
    modes = [
        Mode("Raise", "less the largest, so that nothing overflows", "{e} = exp({z} − {top})", ("z", "e"), "e"),
        Mode("Share out", "each by the sum of all", "{p} = {e} / {sum}", ("e", "p"), "p"),
        Mode("Loss", f"the parts add up to {now.found.loss:.4g}", term, ("p", "t", "l"), "l"),
        Mode("Backward", "where training starts to push", back, ("p", "t", "g"), "g"),
    ]
    cell_view(
        {name: replace(cells, values=np.asarray(cells.values)[shown]) for name, cells in grids.items()},
        modes,
        numbers=numbers,
        autograd={"g": now.found.upstream[0].ravel()[shown]},
        row_names=[""],
        col_names=[class_names[index] for index in shown],
        start=(0, shown.index(now.label)),
        key=f"maths_loss_{now.key}_{loss}",
        label=f"Softmax and loss of {now.words}",
    )


def _likeliest(logits: np.ndarray, label: int) -> list[int]:
    """Return the classes there is room for, in their order: the likeliest, and always the true one."""
    first = [label, *(index for index in np.argsort(-logits, kind="stable").tolist() if index != label)]
    return sorted(first[:MOST_CLASSES])
