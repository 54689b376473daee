"""The pictures of an epoch: scikit-learn's confusion matrix of the first images, and Grad-CAM of the true classes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix
from torch import nn

from core.data.datasets import Split, load_dataset
from core.explain import attribute
from core.explain.attribution import heatmap
from core.figures.epoch_pictures import MOST_IMAGES, epoch_pictures
from core.figures.overlays import overlay
from core.figures.palette import Pixels
from core.inference.library import NetworkLibrary
from core.inference.network import Network
from core.model.layers import Activation, Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner

PLACES = (7, 0, 30, 12)
MapOf = Callable[[torch.Tensor, int], np.ndarray]


@pytest.fixture
def network() -> Network:
    """Return a run that has seen a few digits and is judged by more images than are counted."""
    store, data = RunStore(), load_dataset("digits")
    spec = ModelSpec("Small", (1, 8, 8), 10, (Conv(4), Activation(), Flatten(), Dense(10)))
    config = TrainConfig(epochs=1, batch_size=32, train_images=64, device="cpu", precision="fp32")
    run_id = store.create(spec, config, "digits", "Small network", owner="tests")
    Runner(store, run_id, "tests").run()
    many = replace(data, valid=Split(data.train.images[: MOST_IMAGES + 50], data.train.labels[: MOST_IMAGES + 50]))
    return NetworkLibrary(store, lambda _: many).get(run_id, 1)


def expected(network: Network, map_of: MapOf) -> Pixels:
    test = network.dataset().test
    drawn = []
    for place in PLACES:
        grey = test.images[place, 0].numpy()
        values = map_of(network.normalize(test.images[place]), int(test.labels[place]))
        drawn.append(overlay(np.stack([grey] * 3, axis=-1), values, signed=False, zoom=1).pixels)
    return np.stack(drawn)


def predicted(network: Network, images: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return network.model(network.normalize(images)).argmax(1).numpy()


def test_the_confusion_is_that_of_the_first_images(network: Network) -> None:
    images, labels = network.dataset().valid.images[:MOST_IMAGES], network.dataset().valid.labels[:MOST_IMAGES]
    counts = epoch_pictures(network, PLACES[:1], lambda *_: None).counts
    assert counts.sum() == MOST_IMAGES < len(network.dataset().valid)
    assert (counts != counts.T).any()  # rows and columns can be told apart
    assert np.array_equal(counts, confusion_matrix(labels, predicted(network, images), labels=range(10)))


def test_each_picture_has_the_map_of_its_true_class_over_it(network: Network) -> None:
    test, calls = network.dataset().test, list[tuple[int, int]]()
    tiles = epoch_pictures(network, PLACES, lambda done, total: calls.append((done, total))).tiles
    assert (predicted(network, test.images[list(PLACES)]) != test.labels[list(PLACES)].numpy()).any()
    found = expected(network, lambda image, label: heatmap(attribute(network.model, image, label, "grad_cam")).numpy())
    assert np.array_equal(tiles.pixels, found)
    assert tiles.total == len(PLACES) and calls == [(done, len(PLACES)) for done in range(len(PLACES))]


def test_without_a_convolution_the_pictures_stay_grey(network: Network) -> None:
    torch.manual_seed(0)
    dense = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    plain = network.edited("dense", lambda _: dense)
    tiles = epoch_pictures(plain, PLACES, lambda *_: None).tiles
    assert np.array_equal(tiles.pixels, expected(plain, lambda *_: np.zeros((8, 8))))
