"""The measurements of a compressed network, in the background, and the compressed network itself, both cached."""

from typing import TYPE_CHECKING

import streamlit as st

from core.formatting import duration
from core.progress import Progress
from pages.sections.compress.controls import CompressionRequest
from pages.shared.network import current_network
from pages.shared.shell.background_jobs import background, lane_of

if TYPE_CHECKING:
    from torch import Tensor

    from core.compression.measurement import CompressionResult
    from core.compression.plan import CompressedNetwork
    from core.data.datasets import Dataset, Split


def split_of(request: CompressionRequest) -> "tuple[Dataset, Split]":
    """Return the data set and the images that judge; raises `ConvScopeError` where they do not fit the network."""
    data = request.network.dataset()
    return data, data.split(request.split)


def measured(request: CompressionRequest) -> "CompressionResult | None":
    """Return what was measured; None before that was asked for and is done.

    Raises:
        ConvScopeError: The network or its images cannot be had, or cannot be made smaller so.
    """
    data, split = split_of(request)
    model = request.network.model

    def work(tell: Progress) -> "CompressionResult":
        from core.compression.measurement import measure

        spec, images = request.network.require_run().spec, data.normalize(split.images)
        return measure(spec, model, request.plan, _calibration(data), images, split.labels, progress=tell)

    seconds = 3 + 2 * len(split) * current_network.pass_seconds(request.network)
    return background(
        ("compress", *request.key),
        work,
        words="Compressing and measuring",
        place="compress",
        ask=f"Compress and measure, about {duration(seconds)}",
        lane=lane_of(seconds),
    )


def _calibration(data: "Dataset") -> "Tensor":
    """Return the normalised validation images that set the ranges of int8 activations."""
    from core.compression.quantization import MAX_CALIBRATION_IMAGES

    return data.normalize(data.valid.images[:MAX_CALIBRATION_IMAGES])


@st.cache_resource(show_spinner="Compressing …", max_entries=2)
def _smaller(key: tuple[object, ...], _request: CompressionRequest) -> "CompressedNetwork":
    from core.compression.plan import compress

    network, data = _request.network, split_of(_request)[0]
    return compress(network.require_run().spec, network.model, _request.plan, _calibration(data))


def smaller(request: CompressionRequest) -> "CompressedNetwork":
    """Return the compressed network, made anew unless it was among the last ones; raises `ConvScopeError`."""
    return _smaller(request.key, request)
