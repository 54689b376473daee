"""Networks ready to be asked: modules, classes and scales, kept for all sessions as long as the weights stay."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import RunError
from core.runs.records import Run
from pages.shared.pretrained import Pretrained, as_run, is_pretrained
from pages.shared.state import scale, store
from pages.shared.subjects import Picture, Weights
from pages.shared.training_images import training_set, why_no_images

if TYPE_CHECKING:
    from torch import nn


@st.cache_resource(show_spinner=False, max_entries=3)
def _pretrained(name: str) -> "nn.Module":
    from core.model.zoo_weights import load_pretrained

    return load_pretrained(name)


def model(weights: Weights) -> Any:
    """Return a network with these weights, in evaluation mode: to be read, never changed.

    That of a run is an `nn.Sequential`; a pretrained one is some other module.

    Raises:
        ConvScopeError: Its weights are damaged, or not here: nothing is downloaded unasked.
    """
    if not isinstance(weights.run, Pretrained):
        return weights.network.model
    if not weights.run.info.is_here:
        raise RunError(f"The weights of {weights.run.name} are not on this computer yet: download them first.")
    return _pretrained(weights.run.info.name)


def epochs(run: Run) -> tuple[int, ...]:
    """Return the epochs whose weights are kept, in order; none of a pretrained network."""
    return () if isinstance(run, Pretrained) else store().epochs(run.id)


def class_names(run: Run) -> tuple[str, ...]:
    """Return the names of the classes that a network knows; they may hold what a user wrote."""
    return run.info.class_names if isinstance(run, Pretrained) else run.class_names


def tensor(run: Run, picture: Picture) -> Any:
    """Return a picture as a network receives it: normalised as in its training, (1, C, H, W).

    Raises:
        RunError: The network looks at pictures of another shape.
    """
    import torch

    if picture.shape != run.spec.input_shape:
        sizes = [" × ".join(map(str, shape)) for shape in (run.spec.input_shape, picture.shape)]
        raise RunError(f"This network looks at pictures of {sizes[0]}, not of {sizes[1]}: choose another one.")

    images = torch.frombuffer(bytearray(picture.pixels), dtype=torch.uint8).reshape(1, *picture.shape)
    if isinstance(run, Pretrained):
        mean, std = (torch.tensor(values)[:, None, None] for values in (run.info.mean, run.info.std))
        return (images / 255 - mean) / std
    return scale(run).normalize(images)


def background(run: Run) -> Any:
    """Return normalised pictures that a network has not learned from, (32, C, H, W), for what starts from others.

    None where its data set is not here.
    """
    return None if why_no_images(run) else _background(run)


@st.cache_resource(show_spinner=False, max_entries=8)
def _background(run: Run) -> Any:
    data = training_set(run)
    return data.normalize(data.valid.images[:32])


@st.cache_resource(show_spinner=False, max_entries=16)
def _pass_seconds(mark: tuple[Any, ...], _weights: Weights) -> float:
    from time import perf_counter

    import torch

    from core.model.twin import twin_of

    twin, image, found = twin_of(model(_weights)), torch.zeros(1, *_weights.run.spec.input_shape), list[float]()
    with torch.no_grad():
        for _ in range(4):  # the first one warms up
            start = perf_counter()
            twin(image)
            found.append(perf_counter() - start)
    return min(found[1:])


def pass_seconds(weights: Weights) -> float:
    """Return how long one pass of one picture through a network takes here: measured once."""
    return _pass_seconds((weights.run.id,), weights)


def asked_run() -> Run | None:
    """Return the run that the address names, or None if it names none; raises `RunError` if that one is unknown."""
    run_id = st.query_params.get("run")
    return store().get(run_id) if run_id and not is_pretrained(run_id) else None


def network(run_id: str) -> Run:
    """Return a run or a pretrained network, which has the place of one; raises `RunError` if there is none."""
    return as_run(run_id) if is_pretrained(run_id) else store().get(run_id)


def run_to_inspect() -> Run:
    """Return the run or pretrained network of the address, else the latest run with weights, which it then names.

    Raises:
        RunError: There is none yet, or the address names an unknown one.
    """
    run_id = st.query_params.get("run")
    run = network(run_id) if run_id else None
    if run is None:
        run = next(iter(store().list(1, trained=True)), None)
        if run is None:
            raise RunError("No network has been trained yet: train one first.")
        st.query_params["run"] = run.id
    return run
