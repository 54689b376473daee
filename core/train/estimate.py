"""How long a training will take, measured before it starts.

`python -m core.train.estimate` measures in a process of its own: one JSON object on stdin with "spec", "dataset" and
"config", one on stdout with "seconds" or with "error", a sentence. Threads are those of a training process, which no
thread of a server can set for itself alone.
"""

import json
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import torch
from torch import nn

from core.data.datasets import Dataset, Split, load_dataset
from core.errors import ConvScopeError, TrainingError
from core.model.build import build_model
from core.model.spec import ModelSpec
from core.settings import absolute_environment, settings
from core.train.config import TrainConfig
from core.train.features import FrozenFeatures
from core.train.loop import Training
from core.train.pixel_values import with_pixel_values

STEPS = 12
FEATURE_IMAGES = 8  # that pass through frozen layers to time them
TIMEOUT_SECONDS = 120.0
_ROOT = Path(__file__).resolve().parents[2]
_FAILED = "How long it takes could not be measured: {cause}."


def time_epoch(spec: ModelSpec, dataset: Dataset, config: TrainConfig) -> float:
    """Return how many seconds one epoch will take, from the median of a few updates of a copy that is thrown away.

    Two more updates come first and are not counted; validation is measured on one batch. Of a network that is frozen in
    front, an epoch also has its share of what is computed once, the features of the images. It is measured with the
    threads of this process; the global random state is left as it was.

    Raises:
        SpecError, ConfigError: The network or the settings cannot work.
    """
    if config.optimizer == "gd":  # its one update an epoch goes through the same batches
        config = replace(config, optimizer="sgd")
    config = with_pixel_values(spec, config)
    training = Training(build_model(spec, seed=config.seed), dataset, config)
    if training.frozen is not None:
        return _time_frozen(training, training.frozen, build_model(spec, seed=config.seed))
    marks = [time.perf_counter() for _ in islice(training, STEPS + 2)]
    images = dataset.normalize(dataset.valid.images[:64].to(training.device))
    began = time.perf_counter()
    with torch.no_grad():
        training.model.eval()(images)
    valid = (time.perf_counter() - began) / len(images) * len(dataset.valid)
    spans = [later - earlier for earlier, later in pairwise(marks)][1:]
    return statistics.median(spans or [0.0]) * training.steps_per_epoch + valid


def _time_frozen(training: Training, frozen: FrozenFeatures, copy: nn.Module) -> float:
    """Do as `time_epoch` for a network that is frozen in front, on a few of the images."""
    dataset, config = training.dataset, training.config
    images = dataset.train.images[:FEATURE_IMAGES]
    frozen.of(images)
    began = time.perf_counter()
    frozen.of(images)
    each = (time.perf_counter() - began) / len(images)
    once = each * sum(frozen.missing(split) for split in training.same_images().values())
    few = [Split(split.images[:count], split.labels[:count]) for split, count in _few(dataset, config)]
    small = Training(copy, replace(dataset, train=few[0], valid=few[1]), replace(config, epochs=STEPS + 2))
    marks = [time.perf_counter() for _ in islice(small, STEPS + 2)]
    step = statistics.median([later - earlier for earlier, later in pairwise(marks)][1:] or [0.0])
    return step * training.steps_per_epoch + once / config.epochs


def _few(dataset: Dataset, config: TrainConfig) -> tuple[tuple[Split, int], ...]:
    return (dataset.train, 2 * config.batch_size), (dataset.valid, FEATURE_IMAGES)


def time_epoch_apart(spec: ModelSpec, dataset: str, config: TrainConfig) -> float:
    """Return what `time_epoch` measures in a process of its own, with the threads of a training process.

    Raises:
        TrainingError: What went wrong there, in one sentence.
    """
    order = json.dumps({"spec": spec.to_json(), "dataset": dataset, "config": config.to_json()})
    surroundings = absolute_environment() | {"OMP_NUM_THREADS": str(settings().threads), "PYTHONPATH": str(_ROOT)}
    command = [sys.executable, "-m", "core.train.estimate"]
    try:
        done = subprocess.run(
            command, cwd=_ROOT, env=surroundings, input=order, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
        answer = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise TrainingError(_FAILED.format(cause=f"it took more than {TIMEOUT_SECONDS:.0f} s")) from error
    except (OSError, ValueError, IndexError) as error:
        raise TrainingError(_FAILED.format(cause="its process ended early")) from error
    if "error" in answer:
        raise TrainingError(str(answer["error"]))
    return float(answer["seconds"])


def main() -> None:
    """Read one order from stdin, measure, and write the answer to stdout."""
    order = json.loads(sys.stdin.read())
    torch.set_num_threads(settings().threads)
    try:
        spec, config = ModelSpec.from_json(order["spec"]), TrainConfig.from_json(order["config"])
        answer: dict[str, float | str] = {"seconds": time_epoch(spec, load_dataset(order["dataset"]), config)}
    except ConvScopeError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
