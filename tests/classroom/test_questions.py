"""The tour's questions: the right answer is the network's own, and options never read alike."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.classroom.questions import Question, filter_weights, how_good, mixed_up, numbers_made, pixels_gone
from core.explain.metrics.deletion_insertion import RemovalCurve
from core.model.layers import Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig


@pytest.fixture
def store(home: Path) -> Iterator[RunStore]:
    store = RunStore()
    yield store
    store.close()


def right(question: Question | None) -> str:
    assert question is not None and question.right is not None
    assert len(set(question.options)) == len(question.options) > 1
    return question.options[question.right]


@pytest.mark.parametrize(
    ("accuracy", "band"),
    [(0.1, "Below 50%"), (0.5, "50% to 80%"), (0.93, "80% to 95%"), (0.95, "95% or more")],
)
def test_how_good_it_is_falls_into_one_of_the_ranges(accuracy: float, band: str, store: RunStore):
    spec = ModelSpec("Small", (1, 8, 8), 10, (Flatten(), Dense(10)))
    run = store.get(store.create(spec, TrainConfig(), "digits", "Mine"))
    done = replace(run, status=Status.FINISHED, valid_accuracy=accuracy)
    assert right(how_good(done)) == band
    assert how_good(done).because.endswith("about 10.0%.")
    assert how_good(replace(done, status=Status.RUNNING)).right is None
    assert how_good(replace(run, status=Status.FAILED)).right is None


@pytest.mark.parametrize(
    ("kernels", "weights"),
    [
        ({"conv1": (32, 1, 3, 3), "conv2": (64, 32, 3, 3), "late": (8, 16, 5, 5)}, "288"),
        ({"conv1": (1, 1, 1, 1)}, "1"),
        ({"conv1": (2, 1, 3, 3)}, "9"),
        ({"conv1": (1, 2, 3, 5)}, "30"),
    ],
)
def test_a_filter_has_a_slice_for_each_map(kernels: dict[str, tuple[int, ...]], weights: str):
    assert right(filter_weights(kernels)) == weights
    assert filter_weights({}) is None


@pytest.mark.parametrize(
    ("before", "after", "numbers"),
    [((1, 28, 28), (32, 28, 28), "25,088"), ((3, 4, 4), (48,), "48"), ((1, 1, 1), (1,), "1")],
)
def test_numbers_are_those_of_the_shape(before: tuple[int, ...], after: tuple[int, ...], numbers: str):
    assert right(numbers_made("conv1", before, after)) == numbers


def test_the_pair_that_is_mixed_up_most_is_the_largest_off_the_diagonal():
    counts = np.array([[9, 1, 0], [3, 6, 0], [0, 2, 7]])
    question = mixed_up(counts, ("cat", "dog", "hen"))
    assert right(question) == "“dog” taken for “cat”"
    assert question is not None and question.because.startswith("3 of 9 images")
    assert mixed_up(np.diag([4, 5, 6]), ("cat", "dog", "hen")) is None
    assert mixed_up(np.array([[1, 2], [2, 1]]), ("cat", "dog")) is None  # no one of them is the most frequent
    assert mixed_up(np.array([[1, 2, 1], [0, 1, 0], [0, 0, 1]]), ("same", "same", "same")) is None


@pytest.mark.parametrize(
    ("after", "words"),
    [(0.3, "It falls by more than half"), (0.6, "It falls, but by less than half"), (0.9, "It stays, or rises")],
)
def test_what_becomes_of_the_probability_is_read_off_the_curve(after: float, words: str):
    curve = RemovalCurve("deletion", np.array([0, 0.1, 1]), np.array([0.8, after, 0.1]))
    assert right(pixels_gone(curve, "cat")) == words
