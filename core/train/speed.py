"""How long a training will take, measured before it starts."""

import statistics
import time
from dataclasses import replace
from itertools import islice, pairwise

import torch

from core.data.datasets import Dataset
from core.model.build import build_model
from core.model.spec import ModelSpec
from core.settings import settings
from core.train.config import TrainConfig
from core.train.loop import Training

STEPS = 12


def time_epoch(spec: ModelSpec, dataset: Dataset, config: TrainConfig) -> float:
    """Return how many seconds one epoch will take, from the median of a few updates of a copy that is thrown away.

    Two more updates come first and are not counted; validation is measured on one batch. Threads are set to
    those of a training process; they and the global random state are left as they were.

    Raises:
        SpecError, ConfigError: The network or the settings cannot work.
    """
    if config.optimizer == "gd":  # its one update an epoch goes through the same batches
        config = replace(config, optimizer="sgd")
    threads = torch.get_num_threads()
    torch.set_num_threads(settings().threads)
    try:
        with torch.random.fork_rng(devices=[]):
            training = Training(build_model(spec, seed=config.seed), dataset, config)
            marks = [time.perf_counter() for _ in islice(training, STEPS + 2)]
            images = dataset.normalize(dataset.valid.images[:64].to(training.device))
            began = time.perf_counter()
            with torch.no_grad():
                training.model.eval()(images)
            valid = (time.perf_counter() - began) / len(images) * len(dataset.valid)
    finally:
        torch.set_num_threads(threads)
    spans = [later - earlier for earlier, later in pairwise(marks)][1:]
    return statistics.median(spans or [0.0]) * training.steps_per_epoch + valid
