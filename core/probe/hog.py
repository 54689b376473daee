"""Baseline: histograms of oriented gradients (HOG) with a linear support vector machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import skimage as ski
from numpy.typing import NDArray
from torch import Tensor

from core.data.datasets import Dataset, Split
from core.errors import ConvScopeError
from core.progress import Progress

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HogResult:
    """Accuracy and time of HOG with a linear SVM.

    Attributes:
        accuracy: Share of the test images that are named rightly, 0 to 1.
        fit_seconds: For the features of all training images and for fitting the SVM to them.
        predict_seconds: For one test image, features and decision together.
        num_features: How many numbers describe an image.
        num_train, num_test: How many images it was fitted to and judged by.
    """

    accuracy: float
    fit_seconds: float
    predict_seconds: float
    num_features: int
    num_train: int
    num_test: int


def hog_features(images: Tensor, progress: Callable[[int], None] | None = None) -> Floats:
    """Return the HOG features of images (Dalal and Triggs 2005).

    Nine directions in about 8 × 8 cells of at least 2 pixels, blocks of 2 × 2 cells; of colours the channel with
    the steepest gradient counts at each pixel, as in the paper.

    Args:
        images: uint8 (N, C, H, W), H and W at least 4.
        progress: Called with how many are done, now and then.

    Returns:
        Float64 (N, F), 0 to 1.

    Raises:
        ConvScopeError: The images are too small for a block.
    """
    height, width = images.shape[2:]
    side = max(2, round(min(height, width) / 8))
    if min(height, width) < 2 * side:
        raise ConvScopeError(f"HOG needs images of at least 4 × 4 pixels, and these have {height} × {width}.")
    rows: list[Floats] = []
    for number, pixels in enumerate(images.permute(0, 2, 3, 1).numpy()):
        rows.append(
            ski.feature.hog(pixels / 255, pixels_per_cell=(side, side), cells_per_block=(2, 2), channel_axis=-1)
        )
        if progress is not None and number % 64 == 63:
            progress(number + 1)
    return np.stack(rows)


def hog_svm(
    dataset: Dataset,
    *,
    max_train: int = 2000,
    max_test: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> HogResult:
    """Fit a linear SVM to the HOG features of the training split and judge it by the test split.

    Args:
        dataset: The data, with the split on which the network was trained.
        max_train: How many training images to use, the first ones: each class in its proportion.
        max_test: How many test images, the same way; all of them by default, as the network is judged.
        seed: What the SVM's solver draws from.
        progress: Called with the images described so far and those to describe.

    Raises:
        ConvScopeError: There are no images of two classes to learn from, none to test, or they are too small.
    """
    from sklearn.svm import LinearSVC

    train, test = _first(dataset.train, max_train), _first(dataset.test, max_test)
    if len(test) < 1 or len(np.unique(train.labels.numpy())) < 2:
        raise ConvScopeError("HOG and SVM need training images of two classes and a test image: take more images.")
    total = len(train) + len(test)

    def report(before: int) -> Callable[[int], None] | None:
        return None if progress is None else lambda done: progress(before + done, total)

    start = time.perf_counter()
    features = hog_features(train.images, report(0))
    if not (features != features[0]).any():
        raise ConvScopeError(
            "HOG describes every training image by the same numbers, as it does where no image has an edge: a support "
            "vector machine has nothing to learn from."
        )
    machine = LinearSVC(random_state=seed).fit(features, train.labels.numpy())
    fitted = time.perf_counter()
    named = machine.predict(hog_features(test.images, report(len(train))))
    done = time.perf_counter()
    return HogResult(
        accuracy=float((named == test.labels.numpy()).mean()),
        fit_seconds=fitted - start,
        predict_seconds=(done - fitted) / len(test),
        num_features=features.shape[1],
        num_train=len(train),
        num_test=len(test),
    )


def _first(split: Split, count: int | None) -> Split:
    return Split(split.images[:count], split.labels[:count])
