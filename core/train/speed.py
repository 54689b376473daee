"""How long a training will take, measured before it starts."""

import statistics
from itertools import islice, pairwise

import torch

from core.data.datasets import Dataset
from core.model.build import build_model
from core.model.spec import ModelSpec
from core.train.config import TrainConfig
from core.train.loop import Training


def time_step(spec: ModelSpec, dataset: Dataset, config: TrainConfig, *, steps: int = 6) -> float:
    """Return the median seconds of one optimiser update, measured on a copy that is thrown away.

    Two further steps come first and are not counted. The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        training = Training(build_model(spec, seed=config.seed), dataset, config)
        marks = [step.seconds for step in islice(training, steps + 2) if step.valid is None]
    spans = [later - earlier for earlier, later in pairwise(marks)]
    return statistics.median(spans[1:] or spans or marks or [0.0])
