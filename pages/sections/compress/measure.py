"""What making a network smaller gives, kept for all sessions: measured in the background, the network made anew."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.formatting import duration
from core.progress import Progress
from pages.sections.compress.controls import CompressionRequest
from pages.shared.network import current_network
from pages.shared.shell.background_jobs import background, lane_of

if TYPE_CHECKING:
    from core.compression.changes import PredictionChanges
    from core.compression.cost import FileSize, InferenceTime, TimeRatio
    from core.compression.plan import CompressedNetwork, LayerCompression
    from core.data.datasets import Dataset, Split

STAGES = (10, 70, 20)  # parts of the work: making it, asking both networks, taking the time


@dataclass(frozen=True, eq=False)
class CompressionResult:
    """What was measured, without the networks.

    Attributes:
        change: The answers of both to the images of the split.
        sizes, paces: Of the original, and of the smaller one.
        ratio: How long the smaller one takes as a share of the original's time.
        layers: What each layer lost.
        sparsity: Share of the weights left that are zero.
    """

    change: "PredictionChanges"
    sizes: "tuple[FileSize, FileSize]"
    paces: "tuple[InferenceTime, InferenceTime]"
    ratio: "TimeRatio"
    layers: "tuple[LayerCompression, ...]"
    sparsity: float


def split_of(asked: CompressionRequest) -> "tuple[Dataset, Split]":
    """Return the data set and the images that judge; raises `ConvScopeError` where they do not fit the network."""
    data = asked.weights.dataset()
    return data, data.split(asked.split)


def measured(asked: CompressionRequest) -> CompressionResult | None:
    """Return what was measured; None before that was asked for and is done.

    Raises:
        ConvScopeError: The network or its images cannot be had, or cannot be made smaller so.
    """
    data, split = split_of(asked)
    model = asked.weights.model
    seconds = 3 + 2 * len(split) * current_network.pass_seconds(asked.weights)
    return background(
        ("compress", *asked.key),
        lambda tell: _measure(asked, model, data, split, tell),
        words="Compressing and measuring",
        place="compress",
        ask=f"Compress and measure, about {duration(seconds)}",
        lane=lane_of(seconds),
    )


def _measure(
    asked: CompressionRequest, model: Any, data: "Dataset", split: "Split", tell: Progress
) -> CompressionResult:
    from core.compression.changes import compare
    from core.compression.cost import race, size_of

    made = _made(asked, model, data, _part(tell, 0))
    images = data.normalize(split.images)
    change = compare(model, made.model, images, split.labels, progress=_part(tell, 1))
    paces, ratio = race(model, made.model, images[0], progress=_part(tell, 2))
    sizes = size_of(asked.weights.require_run().spec, model), size_of(made.spec, made.model)
    return CompressionResult(change, sizes, paces, ratio, made.layers, made.sparsity)


def _part(tell: Progress, stage: int) -> Progress:
    """Return what tells how far one of the `STAGES` is."""

    def told(done: int, total: int) -> None:
        tell(round(100 * (sum(STAGES[:stage]) + STAGES[stage] * done / max(1, total))), 100 * sum(STAGES))

    return told


def _made(asked: CompressionRequest, model: Any, data: "Dataset", tell: Progress | None = None) -> "CompressedNetwork":
    from core.compression.plan import compress
    from core.compression.quantization import MAX_CALIBRATION_IMAGES

    calibration = data.normalize(data.valid.images[:MAX_CALIBRATION_IMAGES])
    return compress(asked.weights.require_run().spec, model, asked.plan, calibration, progress=tell)


@st.cache_resource(show_spinner="Compressing …", max_entries=2)
def _smaller(key: tuple[object, ...], _asked: CompressionRequest) -> "CompressedNetwork":
    return _made(_asked, _asked.weights.model, split_of(_asked)[0])


def smaller(asked: CompressionRequest) -> "CompressedNetwork":
    """Return the smaller network itself, made anew unless it was among the last ones; raises `ConvScopeError`."""
    return _smaller(asked.key, asked)
