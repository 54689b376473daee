"""Splits that hold the same share of every class, from a seed."""

import numpy as np
from numpy.typing import NDArray


def stratified_order(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return a random order of the images in which every stretch holds each class in proportion.

    Each class is shuffled and spread evenly over the whole, so that any slice is a stratified sample: the
    number of images of a class in it is off by at most two. (scikit-learn's `train_test_split` counts alike,
    but importing it takes longer than the rest of loading a data set.)
    """
    rng = np.random.default_rng(seed)
    places = np.empty(len(labels))
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        places[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.lexsort((rng.random(len(labels)), places))


def split_indices(
    labels: NDArray[np.int64],
    split_sizes: tuple[int, int, int],
    *,
    official_test: bool,
    seed: int,
    official_valid: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of train, valid and test: disjoint, together everything, each in stratified order.

    Args:
        labels: (N,) classes.
        split_sizes: Number of images in train, valid and test, N together.
        official_test: Whether the test split is the last images as they came, whatever the seed.
        seed: What the order is drawn from.
        official_valid: Whether, besides, the valid split is the images just before those.
    """
    num_train, num_valid, num_test = split_sizes
    if official_test:
        rest = len(labels) - num_test
        if official_valid:
            valid = num_train + stratified_order(labels[num_train:rest], 0)
            return stratified_order(labels[:num_train], seed), valid, rest + stratified_order(labels[rest:], 0)
        order = stratified_order(labels[:rest], seed)
        test = rest + stratified_order(labels[rest:], 0)
    else:
        test, order = np.split(stratified_order(labels, seed), [num_test])
    valid, train = np.split(order, [num_valid])
    return train, valid, test
