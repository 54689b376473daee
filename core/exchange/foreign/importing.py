"""A network of another program as a run of this machine: with its weights, without curves."""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from core.data.catalog import DATASETS
from core.data.dataset_info import DatasetInfo
from core.exchange.foreign.network import ForeignError, ForeignNetwork, PixelScale
from core.exchange.import_archive import insert_run
from core.exchange.layout import WEIGHTS, weights_names
from core.exchange.run_record import RunRecord
from core.model.build import build_model
from core.runs.checkpoint import Checkpoint, CheckpointError, save_checkpoint
from core.runs.names import fitting_name
from core.runs.records import FOREIGN, Status
from core.runs.store import RunStore
from core.train.config import TrainConfig

VALUES = {  # what a network receives for a pixel of 0 to 1, before a scaling of its own: factor and offset
    "unit": ("0 to 1", 1.0, 0.0),
    "raw": ("0 to 255", 255.0, 0.0),
    "symmetric": ("−1 to 1", 2.0, -1.0),
}
GIVEN = "given"  # by a mean and a deviation of each channel
ELSEWHERE = "elsewhere"  # begins the key of a data set that is not here
_UNKNOWN_BRIGHTNESS = 0.5
_ALIKE = 1e-6


@dataclass(frozen=True)
class Answers:
    """What is asked of whoever brings a network in.

    Attributes:
        name: What the run is called; by default after the network.
        dataset: Key of the data set here that it learned from; "" if that is not here.
        class_names: The names of its classes, in the order of its outputs, where `dataset` is "".
        values: What a pixel is where it goes in: a key of `VALUES`, or `GIVEN`.
        mean, std: Of each channel, for pixels of 0 to 1, where `values` is `GIVEN`.
    """

    name: str = ""
    dataset: str = ""
    class_names: tuple[str, ...] = ()
    values: str = "unit"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


def likely_values(network: ForeignNetwork) -> str:
    """Return the key of `VALUES` that a network most likely expects: 0 to 255 where it makes them small itself."""
    return "raw" if network.scale and max(map(abs, network.scale.factor)) < 0.1 else "unit"


def fitting_datasets(network: ForeignNetwork) -> tuple[DatasetInfo, ...]:
    """Return the data sets here whose pictures and number of classes are those of a network."""
    wanted = network.spec.input_shape, network.spec.num_classes
    return tuple(info for info in DATASETS.values() if (info.input_shape, len(info.class_names)) == wanted)


def import_foreign(store: RunStore, network: ForeignNetwork, answers: Answers) -> str:
    """Add a network of another program to a store as a finished run, and return its id.

    Raises:
        ForeignError: An answer does not fit the network, or its weights do not.
        StorageError: The database or the disk fails.
    """
    info, inputs = _about(network, answers)
    weights = {name: torch.from_numpy(np.array(array, order="C")) for name, array in network.weights.items()}
    checkpoint = Checkpoint(weights, meta={"beginning": f"weights of another program ({network.program})"})
    try:
        checkpoint.apply(build_model(network.spec))
    except CheckpointError as error:
        raise ForeignError("The weights in the file do not fit its layers, or are not finite.") from error
    latest = weights_names([None])[None].removeprefix(WEIGHTS)
    record = _record(network, answers, info, inputs)
    return insert_run(store, record, info, lambda folder: save_checkpoint(folder / latest, checkpoint))


def _about(network: ForeignNetwork, answers: Answers) -> tuple[DatasetInfo, str]:
    """Return what is known of the data set, with its own scale of pixels where it needs one, and the kind of inputs."""
    channels = network.spec.input_shape[0]
    mean, std = _mean_and_std(network.scale, answers, channels)
    inputs = "standard"
    for name, largest in (("unit", 1.0), ("raw", 255.0)):
        if np.allclose(mean, 0, atol=_ALIKE) and np.allclose(np.multiply(std, largest), 1, rtol=_ALIKE, atol=0):
            inputs = name
    info = DATASETS.get(answers.dataset)
    if answers.dataset and info is None:
        raise ForeignError("There is no such data set here: choose another one.")
    if info is not None:
        if info not in fitting_datasets(network):
            raise ForeignError(
                f"{info.title} has other pictures or classes than this network: choose another data set."
            )
        return (info if inputs != "standard" else replace(info, mean=mean, std=std)), inputs
    names = tuple(name.strip() for name in answers.class_names)
    if len(names) != network.spec.num_classes or not all(names):
        raise ForeignError(
            f"The network tells {network.spec.num_classes:,} classes apart, and {len(names):,} names were given: "
            "give each class one, in the order of the outputs."
        )
    if any(len(name) > 500 for name in names):
        raise ForeignError("The name of a class has at most 500 characters.")
    if inputs != "standard":
        mean, std = (_UNKNOWN_BRIGHTNESS,) * channels, (_UNKNOWN_BRIGHTNESS,) * channels
    title = f"images from {network.program}"
    return (
        DatasetInfo(
            name=f"{ELSEWHERE}-{time.time_ns():x}",
            title=title,
            summary="Images in another program, which are not here.",
            source="Another program",
            licence="Not known",
            input_shape=network.spec.input_shape,
            class_names=names,
            split_sizes=(0, 0, 0),
            mean=mean,
            std=std,
        ),
        inputs,
    )


def _mean_and_std(
    scale: PixelScale | None, answers: Answers, channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation with which pixels of 0 to 1 become what the first layer receives."""
    if answers.values == GIVEN:
        if len(answers.mean) != channels or len(answers.std) != channels:
            raise ForeignError(f"Mean and deviation need a number for each of the {channels} channels.")
        if not all(map(math.isfinite, (*answers.mean, *answers.std))) or min(answers.std) <= 0:
            raise ForeignError("Mean and deviation must be numbers, and each deviation larger than 0.")
        factor = 1 / np.asarray(answers.std, np.float64)
        offset = -np.asarray(answers.mean, np.float64) * factor
    elif answers.values in VALUES:
        _, times, plus = VALUES[answers.values]
        factor, offset = np.full(channels, times), np.full(channels, plus)
    else:
        raise ForeignError(f"Pixel values can be {', '.join((*VALUES, GIVEN))}.")
    if scale is not None:
        factor, offset = factor * scale.factor, offset * scale.factor + scale.offset
    if (factor <= 0).any():
        raise ForeignError("The network turns dark and light around before its first layer, which is not done here.")
    return tuple((-offset / factor).tolist()), tuple((1 / factor).tolist())


def _record(network: ForeignNetwork, answers: Answers, info: DatasetInfo, inputs: str) -> RunRecord:
    now = time.time()
    notes = "\n".join(network.notes)
    values: Mapping[str, object] = {
        "name": fitting_name(answers.name.strip() or f"{network.spec.name} ({network.program})"),
        "dataset": info.name,
        "note": notes[:2_000],
        "status": Status.FINISHED.value,
        "wanted": "run",
        "message": f"Its training took place in another program ({network.program}), so there are no curves of it.",
        "origin": f"{FOREIGN}{network.program.lower()}",
        "failure": "",
        "created": now,
        "heartbeat": 0.0,
        **dict.fromkeys(("seconds", "images_per_second", "pace"), 0.0),
        **dict.fromkeys(("epoch", "step", "total_steps", "steps_per_epoch"), 0),
        **{f"{split}_{what}": None for split in ("train", "valid", "test") for what in ("loss", "accuracy")},
    }
    config = asdict(TrainConfig(inputs=inputs))
    return RunRecord(network.spec, config, {}, values, (), (), ())
