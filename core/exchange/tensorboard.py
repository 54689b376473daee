"""Export of a run as a TensorBoard event file."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core.extras import extra
from core.runs.records import Evidence, Metric, Run
from core.runs.store import RunStore

# What the number of each kind of evidence is called; histograms are called like the kind itself.
_VALUES = {
    "gradient": "gradient_norm",
    "weights": "weights_rms",
    "activations": "activations_deviation",
    "dead": "dead_share",
}


def write_tensorboard(store: RunStore, run: Run, folder: Path) -> Path:
    """Write the whole record of a run into one event file and return its path.

    Scalars: loss/train, loss/valid, accuracy/train, accuracy/valid and lr; of each layer gradient_norm/…,
    weights_rms/…, activations_deviation/… and dead_share/…. Histograms: weights/… and activations/…. TensorBoard
    keeps scalars as float32. Times are those of the training, pauses left out.

    Args:
        store: Where the run is.
        run: The run.
        folder: Where to write, made if missing; one folder for each run lets TensorBoard compare them.

    Raises:
        MissingPackageError: tensorboard is not installed.
    """
    with extra("tensorboard"):
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

    measured: dict[int, list[Evidence]] = defaultdict(list)
    for item in store.series.evidence(run.id):
        measured[item.step].append(item)
    metrics = {metric.step: metric for metric in store.metrics(run.id)}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events.out.tfevents.{int(run.created)}.convscope"
    seconds = 0.0
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=run.created, file_version="brain.Event:2").SerializeToString())
        for step in sorted(metrics.keys() | measured):
            metric = metrics.get(step)
            seconds = metric.seconds if metric else seconds
            values = [Summary.Value(**fields) for fields in _values(metric, measured.get(step, []))]
            event = Event(wall_time=run.created + seconds, step=step, summary=Summary(value=values))
            writer.write(event.SerializeToString())
    return path


def _values(metric: Metric | None, measured: list[Evidence]) -> Iterator[dict[str, Any]]:
    """Yield the fields of each value of one step."""
    if metric:
        yield {"tag": "loss/train", "simple_value": metric.train_loss}
        yield {"tag": "accuracy/train", "simple_value": metric.train_accuracy}
        yield {"tag": "lr", "simple_value": metric.lr}
        if metric.valid_loss is not None and metric.valid_accuracy is not None:
            yield {"tag": "loss/valid", "simple_value": metric.valid_loss}
            yield {"tag": "accuracy/valid", "simple_value": metric.valid_accuracy}
    for item in measured:
        yield {"tag": f"{_VALUES.get(item.kind, item.kind)}/{item.layer}", "simple_value": item.value}
        if len(item.bins) > 2:
            yield {"tag": f"{item.kind}/{item.layer}", "histo": _histogram(item.bins)}


def _histogram(bins: tuple[float, ...]) -> dict[str, Any]:
    """Return TensorBoard's histogram of (lowest, highest, counts …); its sums are those of the bins' middles."""
    low, high, *counts = bins
    edges = np.linspace(low, high, len(counts) + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    return {
        "min": low,
        "max": high,
        "num": sum(counts),
        "sum": float(middles @ counts),
        "sum_squares": float(middles**2 @ counts),
        "bucket_limit": edges.tolist(),  # the first bin is empty: it ends where the others begin
        "bucket": [0.0, *counts],
    }
