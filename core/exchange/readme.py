"""README.txt of an archive: its files and what they are for."""

from collections.abc import Iterable, Sequence

from core.exchange.layout import (
    BACKBONE_WEIGHTS,
    CARD,
    CONFIG,
    DATA,
    DATASET,
    EVENTS,
    EVIDENCE,
    METRICS,
    ONNX,
    PREDICTOR,
    RUN,
    SCRIPT,
    SPEC,
    TENSORBOARD,
    WEIGHTS,
    single_line,
)
from core.runs.records import Run

_FILES = {
    SPEC: "the network, layer by layer",
    CONFIG: "the settings of the training",
    RUN: "name, note, data set, results, what was changed while it trained, versions",
    METRICS: "every step: loss, accuracy, learning rate, seconds; after an epoch the validation images too",
    EVENTS: "what was changed while it trained",
    EVIDENCE: "what was measured inside the network: gradients, weights, activations, dead units",
    WEIGHTS: "the weights: latest (with the state to go on from) and after each epoch; epoch 0 is untrained",
    BACKBONE_WEIGHTS: "the pretrained weights that the network begins with; what stays frozen is not in the others",
    SCRIPT: "a PyTorch script that trains the same network again; it needs nothing of ConvScope",
    DATASET: "the data set in words and numbers: classes, image size, and by what pixels are normalised",
    DATA: f"the images that {SCRIPT} learns from",
    PREDICTOR: f"a PyTorch script that classifies pictures with the weights in {WEIGHTS}",
    CARD: "what the network is, how good it is and what it was not tested on",
    ONNX: 'the network for other programs: "images" (N, C, H, W) float32, prepared as its notes say, to "logits"',
    TENSORBOARD: f"the curves for TensorBoard: tensorboard --logdir {TENSORBOARD.rstrip('/')}",
}


def readme(run: Run, names: Iterable[str], missing: Sequence[str]) -> str:
    """Return the text.

    Args:
        run: The run.
        names: The other files of the archive.
        missing: Sentences on what is not in it.
    """
    there = list(names)
    lines = [
        single_line(run.name),
        "=" * len(single_line(run.name)),
        "",
        f"A run of ConvScope on the data set {run.dataset}.",
        "",
    ]
    for name, text in _FILES.items():
        if any(other.startswith(name) for other in there):
            lines.append(f"  {name:<20} {text}")
    if missing:
        lines += ["", "Not in it:", *(f"  {single_line(sentence)}" for sentence in missing)]
    lines += [
        "",
        "To open it in ConvScope on another machine: page Runs, Import; or python -m core.exchange import FILE",
    ]
    return "\n".join([*lines, ""])
