"""The settings to begin with: few images come often enough to be learned from, many as the defaults say."""

from dataclasses import replace

import pytest
import torch

from core.data.catalog import DATASETS
from core.data.datasets import Dataset, load_dataset
from core.model.build import build_model
from core.model.layers import Activation, Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.train.config import TrainConfig
from core.train.loop import train
from core.train.suggestion import EPOCHS, FEW_IMAGES, suggested


@pytest.mark.parametrize(("images", "batch_size"), [(2, 4), (8, 4), (80, 10), (499, 62)])
def test_few_images_come_in_small_batches_and_often(images: int, batch_size: int) -> None:
    config = suggested(images)
    assert (config.epochs, config.batch_size) == (EPOCHS, batch_size)
    assert config.shift and config.rotation and not config.flip  # a mirrored letter is another one


def test_many_images_are_trained_by_the_defaults() -> None:
    assert suggested(FEW_IMAGES) == suggested(50_000) == TrainConfig()


def test_eight_images_are_learned_from_where_the_defaults_hardly_begin() -> None:
    digits = load_dataset("digits")
    few = torch.cat([(digits.train.labels == label).nonzero().flatten()[:4] for label in (0, 1)])
    split = replace(digits.train, images=digits.train.images[few], labels=digits.train.labels[few])
    info = replace(DATASETS["digits"], class_names=("0", "1"), split_sizes=(8, 8, 8))
    data = Dataset(info, split, split, split, digits.mean, digits.std)
    spec = ModelSpec("Small", (1, 8, 8), 2, (Conv(4), Activation(), Flatten(), Dense(2)))

    def loss(config: TrainConfig) -> float:
        *_, last = train(build_model(spec, seed=0), data, replace(config, precision="fp32", device="cpu"))
        assert last.valid is not None  # of the images that it learned from
        return float(last.valid.loss)

    assert loss(suggested(8)) < 0.8 * loss(TrainConfig())
