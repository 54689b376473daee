"""How long a training would take, measured in the background so that the page stays usable."""

from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st

from core.train.config import AUGMENTATIONS, TrainConfig
from pages.shared.state import Draft

SLOWING = (  # the settings that change how long an epoch takes
    *("batch_size", "train_images", "optimizer", "loss", "clip_norm", "l1", "precision", "device"),
    *AUGMENTATIONS,
)


@st.cache_resource(show_spinner=False)
def _stopwatch() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "stopwatch")  # two measurements at once would measure each other


@st.cache_resource(show_spinner=False, max_entries=64)
def _timing(spec: str, dataset_name: str, settings: str, _draft: Draft, _config: TrainConfig) -> "Future[float]":
    def measure() -> float:
        from core.train.speed import time_epoch_apart

        return time_epoch_apart(_draft.spec, dataset_name, _config)

    return _stopwatch().submit(measure)


def epoch_time(draft: Draft, config: TrainConfig) -> "Future[float]":
    """Return how many seconds an epoch of a draft takes on this machine: measured in the background."""
    alike = TrainConfig(**{name: getattr(config, name) for name in SLOWING} | {"epochs": 1})
    key = draft.spec.to_json(), draft.dataset, alike.to_json()
    measured = _timing(*key, draft, alike)
    if measured.done() and measured.exception() is not None:  # said once, by those who waited; now it is tried again
        _timing.clear(*key, draft, alike)
        measured = _timing(*key, draft, alike)
    return measured
