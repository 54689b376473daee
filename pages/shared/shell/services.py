"""What all sessions share: the run store, the engine, data sets and curves."""

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import ConvScopeError
from core.runs.history import History
from core.runs.store import RunStore
from core.train.engine import Engine
from core.train.engines import start_engine

if TYPE_CHECKING:
    from core.data.datasets import Dataset


WARM_AFTER_SECONDS = 4.0
_warmed = threading.Event()


@st.cache_resource(show_spinner=False)
def store() -> RunStore:
    """Return the run store of this server."""
    return RunStore()


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """Return the engine of this server, started at the first call."""
    return start_engine(store())


@st.cache_resource(show_spinner=False)
def warm() -> threading.Thread:
    """Once per server, after the first page is drawn: start the engine and load what most pages need."""

    def load() -> None:
        with suppress(ConvScopeError):  # each page says in a sentence what is wrong with the data directory
            engine()  # first of all its standby worker gets the cores
        time.sleep(WARM_AFTER_SECONDS)
        import core.figures.map_detail
        import core.inference.prediction
        import core.model.build
        import core.probe.activations  # noqa: F401

        _warmed.set()

    thread = threading.Thread(target=load, name="warm", daemon=True)
    thread.start()
    return thread


def is_warm() -> bool:
    """Say whether `warm` is done: until then, whatever can wait leaves the cores to the first pages."""
    return _warmed.is_set()


@st.cache_resource(show_spinner=False, max_entries=4)
def dataset(name: str) -> "Dataset":
    """Return a data set; downloads belong to the data page, which shows their progress.

    No spinner is drawn: work in the background, which has no page, reads data sets too.
    """
    from core.data.datasets import load_dataset

    return load_dataset(name)


@st.cache_resource(show_spinner=False, max_entries=32)
def history(run_id: str) -> History:
    """Return the curves of a run, shared by all who watch it."""
    return History(store(), run_id)
