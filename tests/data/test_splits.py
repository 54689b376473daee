"""Splits are disjoint, complete and hold every class in proportion, as scikit-learn's do."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from core.data.splits import split_indices, stratified_order

LABELS = np.random.default_rng(5).choice(4, p=[0.5, 0.3, 0.15, 0.05], size=1000)
SIZES = (700, 120, 180)


@pytest.mark.parametrize("official_test", [False, True])
def test_splits_are_disjoint_and_complete(official_test: bool) -> None:
    parts = split_indices(LABELS, SIZES, official_test=official_test, seed=3)
    assert tuple(map(len, parts)) == SIZES
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(1000))


def test_class_counts_agree_with_scikit_learn() -> None:
    train, valid, test = split_indices(LABELS, SIZES, official_test=False, seed=3)
    rest, sk_test = train_test_split(np.arange(1000), test_size=180, stratify=LABELS, random_state=0)
    sk_train, sk_valid = train_test_split(rest, test_size=120, stratify=LABELS[rest], random_state=0)
    for ours, theirs in ((train, sk_train), (valid, sk_valid), (test, sk_test)):
        counts = [np.bincount(LABELS[part], minlength=4) for part in (ours, theirs)]
        assert np.abs(counts[0] - counts[1]).max() <= 2


def test_every_slice_is_stratified() -> None:
    ordered = LABELS[stratified_order(LABELS, 0)]
    shares = np.bincount(LABELS) / len(LABELS)
    for start, stop in ((0, 40), (0, 333), (100, 180), (517, 1000)):
        counts = np.bincount(ordered[start:stop], minlength=4)
        assert np.abs(counts - shares * (stop - start)).max() <= 2


def test_first_images_of_equal_classes_are_one_of_each() -> None:
    labels = np.repeat(np.arange(10), 50)
    assert set(labels[stratified_order(labels, 0)[:10]]) == set(range(10))


def test_seed_decides() -> None:
    again, same, other = (split_indices(LABELS, SIZES, official_test=False, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(again, same, strict=True))
    assert not np.array_equal(np.sort(again[2]), np.sort(other[2]))


def test_official_test_split_is_the_last_images_whatever_the_seed() -> None:
    first, second = (split_indices(LABELS, SIZES, official_test=True, seed=seed) for seed in (1, 2))
    assert np.array_equal(np.sort(first[2]), np.arange(820, 1000))
    assert np.array_equal(first[2], second[2])
    assert not np.array_equal(first[1], second[1])
