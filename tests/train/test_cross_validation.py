"""Every image is kept back once, and asked of a network that has not learned from it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.data.datasets import Dataset, Split, load_dataset
from core.model.layers import Dense, Flatten
from core.model.spec import ModelSpec
from core.train import cross_validation
from core.train.config import TrainConfig
from core.train.cross_validation import CrossValidation, cross_validate, folds_of

CONFIG = TrainConfig(epochs=4, batch_size=4, lr=0.05, precision="fp32", device="cpu", target_accuracy=0.1)


@pytest.fixture(scope="module")
def zeros_and_ones() -> Dataset:
    torch.set_num_threads(1)
    digits = load_dataset("digits").train
    first = [torch.nonzero(digits.labels == label)[:8, 0] for label in (0, 1)]
    splits = [torch.cat([places[begin:end] for places in first]) for begin, end in ((0, 4), (4, 6), (6, 8))]
    parts = [Split(digits.images[places], digits.labels[places]) for places in splits]
    return replace(load_dataset("digits", limit=10), train=parts[0], valid=parts[1], test=parts[2])


SPEC = ModelSpec("small", (1, 8, 8), 10, (Flatten(), Dense(10)))


@pytest.mark.parametrize(("images", "folds"), [(12, 12), (30, 30), (31, 10), (95, 10)])
def test_each_image_is_kept_back_once_and_every_class_is_spread_over_the_folds(images: int, folds: int) -> None:
    labels = np.arange(images) % 2
    parts = folds_of(labels, seed=1)
    assert len(parts) == folds
    assert sorted(np.concatenate(parts).tolist()) == list(range(images))
    if folds < images:
        assert all(abs(2 * labels[part].sum() - len(part)) <= 3 for part in parts)


def test_what_is_told_apart_is_right_when_it_is_kept_back_and_chance_is_not(zeros_and_ones: Dataset) -> None:
    told: list[tuple[int, int]] = []
    result = cross_validate(SPEC, zeros_and_ones, CONFIG, lambda done, total: told.append((done, total)))
    assert result == CrossValidation(16, 16, 16)
    assert told[0] == (1, 64) and told[-1] == (64, 64)  # no training was ended by what it kept back


def test_no_training_sees_what_it_keeps_back(zeros_and_ones: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[set[bytes], set[bytes]]] = []

    class Looking(cross_validation.Training):
        def __init__(self, model: torch.nn.Module, dataset: Dataset, config: TrainConfig) -> None:
            seen.append((_digests(dataset.train), _digests(dataset.valid)))
            super().__init__(model, dataset, config)

    monkeypatch.setattr(cross_validation, "Training", Looking)
    cross_validate(SPEC, zeros_and_ones, replace(CONFIG, epochs=1))
    everything = set.union(*(_digests(zeros_and_ones.split(name)) for name in ("train", "valid", "test")))
    assert set.union(*(held for _, held in seen)) == everything
    assert all(not learned & held and learned | held == everything for learned, held in seen)


def _digests(split: Split) -> set[bytes]:
    return {image.numpy().tobytes() for image in split.images}
