"""What outlives one script run: the caches that all sessions share, and the few things each session remembers."""

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.data.catalog import DATASETS
from core.errors import RunError
from core.model.presets import PRESETS, preset
from core.model.spec import ModelSpec
from core.runs.history import History
from core.runs.records import Run
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.engine import Engine

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from core.data.datasets import Dataset
    from core.explain.attribution import Attribution

MAX_SIDE = 1024
FIRST_DATASET, FIRST_PRESET = "mnist5k", "tutorial"
WARM_AFTER_SECONDS = 1.0


@dataclass(frozen=True)
class Draft:
    """What would be trained next: a network and the data set it is for."""

    dataset: str
    spec: ModelSpec


@dataclass(frozen=True)
class Choice:
    """Which picture this session looks at, on every page.

    Attributes:
        kind: "test" (an image of the test split), "sample" (a photograph that comes with the app) or "upload".
        name: The data set, the sample's file name or the upload's file name.
        index: Which test image.
        data: The uploaded picture as PNG, at most `MAX_SIDE` pixels wide and high.
        file_id: Streamlit's name for the uploaded file.
        invert: Whether dark and light are swapped; None lets the app decide.
    """

    kind: str
    name: str
    index: int = 0
    data: bytes = b""
    file_id: str = ""
    invert: bool | None = None


@dataclass(frozen=True)
class Picture:
    """A picture as a network receives it.

    Attributes:
        title: Where it comes from, in words; may hold what a user wrote.
        shape: (C, H, W).
        pixels: The uint8 values in that order.
        label: Its true class, if known.
    """

    title: str
    shape: tuple[int, int, int]
    pixels: bytes
    label: int | None = None

    @property
    def digest(self) -> str:
        """A name for these very pixels, for caches."""
        return hashlib.blake2b(repr(self.shape).encode() + self.pixels, digest_size=12).hexdigest()

    def array(self) -> "np.ndarray[Any, Any]":
        """Return the pixels as (H, W, 3) uint8, to show."""
        import numpy as np

        pixels = np.frombuffer(self.pixels, dtype=np.uint8).reshape(self.shape).transpose(1, 2, 0)
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if self.shape[0] == 1 else pixels


@st.cache_resource(show_spinner=False)
def store() -> RunStore:
    """Return the run store of this server."""
    return RunStore()


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """Return the engine of this server, started at the first call."""
    return Engine(store())


@st.cache_resource(show_spinner=False)
def warm() -> threading.Thread:
    """Once per server, after the first page is drawn: start the engine and load what most pages need."""

    def load() -> None:
        time.sleep(WARM_AFTER_SECONDS)
        engine()
        import torch

        import core.explain.prediction
        import core.figures.enlarged
        import core.model.build
        import core.probe.activations  # noqa: F401

        torch.set_num_threads(1)  # more make small networks slower while workers want the cores

    thread = threading.Thread(target=load, name="warm", daemon=True)
    thread.start()
    return thread


@st.cache_resource(show_spinner="Loading the images …", max_entries=4)
def dataset(name: str) -> "Dataset":
    """Return a data set; downloads belong to the data page, which shows their progress."""
    from core.data.datasets import load_dataset

    return load_dataset(name)


@st.cache_resource(show_spinner=False, max_entries=16)
def history(run_id: str) -> History:
    """Return the curves of a run, shared by all who watch it."""
    return History(store(), run_id)


def stamp(run_id: str) -> int:
    """Return a number that changes whenever the latest weights of a run do; 0 while there are none."""
    path = store().checkpoint(run_id)
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_resource(show_spinner=False, max_entries=8)
def _model(run_id: str, epoch: int | None, stamp: int) -> "nn.Sequential":
    return store().load_model(run_id, epoch)


def model(run: Run) -> "nn.Sequential":
    """Return the network of a run with its latest weights, in evaluation mode: to be read, never changed."""
    mark = stamp(run.id)
    if not mark and run.status.active and store().checkpoint(run.id, 0).exists():
        return untrained(run)
    return _model(run.id, None, mark)


def untrained(run: Run) -> "nn.Sequential":
    """Return the network of a run as it was before the first step: to be read, never changed."""
    return _model(run.id, 0, 0)


def tensor(run: Run, picture: Picture) -> Any:
    """Return a picture as the network of a run receives it: normalised, (1, C, H, W)."""
    import torch

    images = torch.frombuffer(bytearray(picture.pixels), dtype=torch.uint8).reshape(1, *picture.shape)
    return dataset(run.dataset).normalize(images)


@st.cache_data(show_spinner=False, max_entries=256)
def _probabilities(run_id: str, stamp: int, digest: str, _run: Run, _picture: Picture) -> "np.ndarray[Any, Any]":
    from core.explain.prediction import predict

    return predict(model(_run), tensor(_run, _picture))[0].numpy()


def probabilities(run: Run, picture: Picture) -> "np.ndarray[Any, Any]":
    """Return the probability of each class, (K,)."""
    return _probabilities(run.id, stamp(run.id), picture.digest, run, picture)


@st.cache_data(show_spinner=False, max_entries=32)
def _activations(
    run_id: str, stamp: int, layers: tuple[str, ...], digest: str, _run: Run, _picture: Picture
) -> "dict[str, np.ndarray[Any, Any]]":
    from core.probe.activations import capture_activations

    captured = capture_activations(model(_run), tensor(_run, _picture), layers)
    return {layer: maps[0].numpy() for layer, maps in captured.items()}


def activations(run: Run, layers: Sequence[str], picture: Picture) -> "dict[str, np.ndarray[Any, Any]]":
    """Return what layers make of a picture, all of the same moment: each (C, H, W), or (K,) after flattening."""
    return _activations(run.id, stamp(run.id), tuple(layers), picture.digest, run, picture)


@st.cache_data(show_spinner=False, max_entries=128)
def _attribution(
    run_id: str,
    stamp: int,
    digest: str,
    target: int,
    method: str,
    options: tuple[Any, ...],
    _run: Run,
    _picture: Picture,
) -> "Attribution":
    from core.explain.attribution import attribute

    return attribute(model(_run), tensor(_run, _picture)[0], target, method, **dict(options))


def attribution(run: Run, picture: Picture, target: int, method: str, **options: Any) -> "Attribution":
    """Explain one class of a picture by one method of `core.explain.METHODS`; raises `ExplainError`."""
    chosen = tuple(sorted(options.items()))
    return _attribution(run.id, stamp(run.id), picture.digest, target, method, chosen, run, picture)


def draft() -> Draft:
    """Return what this session would train next."""
    if "draft" not in st.session_state:
        st.session_state["draft"] = new_draft(FIRST_DATASET, FIRST_PRESET)
    kept: Draft = st.session_state["draft"]
    return kept


def set_draft(value: Draft) -> None:
    """Remember what to train next."""
    st.session_state["draft"] = value


def new_draft(dataset_name: str, preset_name: str) -> Draft:
    """Return a preset made for a data set."""
    info = DATASETS[dataset_name]
    return Draft(dataset_name, preset(preset_name, info.input_shape, len(info.class_names)))


def draft_for(value: Draft, dataset_name: str) -> Draft:
    """Return the same network for another data set.

    A preset is made anew for its image size; of any other stack, the build page says what no longer fits.
    """
    info, layers = DATASETS[dataset_name], value.spec.layers
    for name in PRESETS:
        if layers == new_draft(value.dataset, name).spec.layers:
            layers = new_draft(dataset_name, name).spec.layers
            break
    spec = replace(value.spec, layers=layers, input_shape=info.input_shape, num_classes=len(info.class_names))
    return Draft(dataset_name, spec)


def config() -> TrainConfig:
    """Return the settings this session last chose."""
    kept: TrainConfig = st.session_state.get("config", TrainConfig())
    return kept


def set_config(value: TrainConfig) -> None:
    """Remember the settings of the next training."""
    st.session_state["config"] = value


@st.cache_data(show_spinner=False, max_entries=64)
def _epoch_seconds(spec: str, dataset_name: str, settings: str, _draft: Draft, _config: TrainConfig) -> float:
    from core.train.speed import time_epoch

    return time_epoch(_draft.spec, dataset(dataset_name), _config)


def epoch_seconds(draft: Draft, config: TrainConfig) -> float:
    """Return how long one epoch of a draft takes on this machine, measured on a few batches."""
    alike = replace(config, epochs=1, lr=TrainConfig.lr, seed=0)  # the others do not change the speed
    return _epoch_seconds(draft.spec.to_json(), draft.dataset, alike.to_json(), draft, alike)


def choice() -> Choice | None:
    """Return which picture this session last chose."""
    kept: Choice | None = st.session_state.get("picture")
    return kept


def choose(value: Choice) -> None:
    """Remember the picture to look at on every page."""
    st.session_state["picture"] = value


def asked_run() -> Run | None:
    """Return the run that the address names, or None if it names none; raises `RunError` if that one is unknown."""
    run_id = st.query_params.get("run")
    return store().get(run_id) if run_id else None


def run_to_inspect() -> Run:
    """Return the run of the address, else the latest one with weights, which the address then names.

    Raises:
        RunError: There is none yet, or the address names an unknown one.
    """
    run = asked_run()
    if run is None:
        run = next((candidate for candidate in store().list() if candidate.step), None)
        if run is None:
            raise RunError("No network has been trained yet: train one first.")
        st.query_params["run"] = run.id
    return run


def theme() -> str:
    """Return "light" or "dark", whichever this session's page is."""
    return st.context.theme.type or "light"
