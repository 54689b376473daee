"""What was done differently in two trainings, and whether their results compare."""

from core.model.difference import spec_changes
from core.runs.records import Run
from core.runs.training_data import dataset_title
from core.train.config import TrainConfig
from core.train.describe import config_changes


def run_changes(a: Run, b: Run) -> tuple[str, ...]:
    """Return what has to be done to the first of two runs to get the second, a few words each, with users' titles."""
    data = () if a.dataset == b.dataset else (f"data set {dataset_title(a)} → {dataset_title(b)}",)
    return *data, *spec_changes(a.spec, b.spec), *config_changes(a.config, b.config)


def differ_by_seed_alone(a: Run, b: Run) -> bool:
    """Say whether two runs would be alike if they had the same seed, so that any difference in results is chance."""
    seeded = {**a.config, "seed": b.config.get("seed", TrainConfig().seed)}
    return a.dataset == b.dataset and not spec_changes(a.spec, b.spec) and not config_changes(seeded, b.config)


def shared_validation_images(a: Run, b: Run) -> int:
    """Return how many validation images both were measured on; 0 if not the same ones."""
    return a.dataset_info.split_sizes[1] if a.dataset == b.dataset and a.dataset_info else 0
