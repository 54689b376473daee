"""HOG and a linear SVM read digits well, on the very split that networks are judged by."""

from dataclasses import replace

import numpy as np
import pytest
import skimage as ski
import torch

from core.data.datasets import Dataset, Split, load_dataset
from core.data.synthetic.shapes import draw_shapes
from core.errors import ConvScopeError
from core.probe.hog import hog_features, hog_svm


@pytest.fixture
def digits() -> Dataset:
    return load_dataset("digits")


def test_digits_are_read_far_better_than_by_chance(digits: Dataset) -> None:
    seen: list[tuple[int, int]] = []
    result = hog_svm(digits, max_train=600, progress=lambda done, total: seen.append((done, total)))
    assert result.accuracy > 0.85
    assert (result.num_train, result.num_test, result.num_features) == (600, 300, 3 * 3 * 4 * 9)
    assert result.fit_seconds > 0 and 0 < result.predict_seconds < 0.1
    assert seen == sorted(seen) and seen[-1][0] <= 900 == seen[0][1]


def test_the_accuracy_is_that_of_the_test_split(digits: Dataset) -> None:
    train = Split(digits.train.images[:200], digits.train.labels[:200])
    own = hog_svm(replace(digits, train=train, test=train))
    wrong = hog_svm(replace(digits, train=train, test=Split(train.images, (train.labels + 1) % 10)))
    assert own.accuracy > 0.97 and wrong.accuracy < 0.03
    assert hog_svm(digits, max_train=200, max_test=50).num_test == 50


def test_the_same_seed_gives_the_same_accuracy(digits: Dataset) -> None:
    first, second = (hog_svm(digits, max_train=100, max_test=100, seed=4).accuracy for _ in range(2))
    assert first == second


def test_features_are_those_of_scikit_image_for_every_shape_of_the_catalogue() -> None:
    colour = torch.from_numpy(draw_shapes(3).images)
    found = hog_features(colour)
    direct = [
        ski.feature.hog(image / 255, 9, (4, 4), (2, 2), channel_axis=-1) for image in colour.permute(0, 2, 3, 1).numpy()
    ]
    assert found == pytest.approx(np.stack(direct))
    grey = torch.randint(0, 256, (2, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    direct = [ski.feature.hog(image[0].numpy() / 255, 9, (4, 4), (2, 2)) for image in grey]
    assert hog_features(grey) == pytest.approx(np.stack(direct))


def test_constant_and_tiny_images_have_features_too() -> None:
    assert np.isfinite(hog_features(torch.full((1, 3, 9, 5), 200, dtype=torch.uint8))).all()
    with pytest.raises(ConvScopeError, match="at least 4 × 4 pixels, and these have 3 × 8"):
        hog_features(torch.zeros(1, 1, 3, 8, dtype=torch.uint8))


def test_too_few_images_get_a_sentence(digits: Dataset) -> None:
    with pytest.raises(ConvScopeError, match="images of two classes"):
        hog_svm(digits, max_train=1)
    with pytest.raises(ConvScopeError, match="and a test image"):
        hog_svm(digits, max_test=0)


def test_images_without_an_edge_give_a_sentence(digits: Dataset) -> None:
    blank = Split(torch.full_like(digits.train.images[:40], 90), digits.train.labels[:40])
    with pytest.raises(ConvScopeError, match="same numbers"):
        hog_svm(replace(digits, train=blank), max_test=10)
