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
def _measurements(spec: str, dataset_name: str, settings: str) -> "list[Future[float]]":
    return []  # the latest one, once it was asked for


def epoch_time(draft: Draft, config: TrainConfig) -> "Future[float]":
    """Return how many seconds an epoch of a draft takes on this machine: measured in the background.

    Measured once; one that failed is measured again for whoever asks next.
    """
    alike = TrainConfig(**{name: getattr(config, name) for name in SLOWING} | {"epochs": 1})
    latest = _measurements(draft.spec.to_json(), draft.dataset, alike.to_json())
    if latest and not (latest[0].done() and latest[0].exception() is not None):
        return latest[0]

    def measure() -> float:
        from core.train.speed import time_epoch_apart

        return time_epoch_apart(draft.spec, draft.dataset, alike)

    latest[:] = [_stopwatch().submit(measure)]
    return latest[0]
