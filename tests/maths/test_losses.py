"""Losses by hand are those of the training, and their gradients at the logits are autograd's."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import ConvScopeError
from core.maths.losses import LOSSES, log_softmax, loss_gradient, loss_slide, loss_value, softmax
from core.train import choices
from core.train.config import TrainConfig
from core.train.losses import make_loss


def test_names_and_titles_are_those_of_the_training():
    assert {name: loss.title for name, loss in LOSSES.items()} == choices.titles(choices.LOSSES)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(1, 2), (5, 10), (3, 4)])
def test_values_and_gradients_are_those_of_the_training(shape: tuple[int, int], name: str, smoothing: float):
    random = torch.Generator().manual_seed(1)
    logits = (torch.randn(*shape, dtype=torch.float64, generator=random) * 3).requires_grad_()
    labels = torch.randint(shape[1], shape[:1], generator=random)
    smoothed = smoothing if name == "cross_entropy" else 0.0
    value = make_loss(TrainConfig(loss=name, label_smoothing=smoothed))(logits, labels)
    value.backward()
    scores = logits.detach()
    assert loss_value(name, scores, labels, label_smoothing=smoothing) == pytest.approx(value.item(), rel=1e-9)
    ours = loss_gradient(name, scores, labels, label_smoothing=smoothing)
    np.testing.assert_allclose(ours, logits.grad, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(ours.sum(axis=1), 0, atol=1e-12)  # the same shift of all logits changes nothing


def test_softmax_is_that_of_torch_for_huge_numbers_too():
    logits = torch.tensor([[1.0, 2, 3], [1000, 0, -1000], [-800, -801, -802], [0, 0, 0]], dtype=torch.float64)
    np.testing.assert_allclose(softmax(logits), torch.softmax(logits, 1), rtol=1e-12)
    np.testing.assert_allclose(log_softmax(logits), functional.log_softmax(logits, 1), rtol=1e-12)


def test_a_toy_by_hand():
    logits = [[math.log(1), math.log(2), math.log(5)]]
    np.testing.assert_allclose(softmax(logits), [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-12)
    assert loss_value("cross_entropy", logits, [1]) == pytest.approx(math.log(4), rel=1e-12)
    assert loss_value("nll", logits, [1]) == pytest.approx(math.log(4), rel=1e-12)
    assert loss_value("mse", logits, [1]) == pytest.approx((1 + 36 + 25) / 64 / 3, rel=1e-12)
    for name in ("cross_entropy", "nll"):
        np.testing.assert_allclose(loss_gradient(name, logits, [1]), [[1 / 8, -6 / 8, 5 / 8]], rtol=1e-12)
    mean = (1 - 12 + 25) / 64
    expected = [2 / 3 * p * (d - mean) for p, d in ((1 / 8, 1 / 8), (2 / 8, -6 / 8), (5 / 8, 5 / 8))]
    np.testing.assert_allclose(loss_gradient("mse", logits, [1]), [expected], rtol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_a_slide_passes_through_the_point_where_it_began(name: str):
    logits = np.array([0.3, -1.2, 2.0, 0.1])
    slide = loss_slide(name, logits, 2, [softmax(logits)[2], 0.5])
    assert slide.values[0] == pytest.approx(loss_value(name, logits[None], [2]), rel=1e-9)
    assert slide.gradients[0] == pytest.approx(abs(loss_gradient(name, logits[None], [2])[0, 2]), rel=1e-9)
    moved = logits.copy()
    moved[2] = np.log(np.exp(np.delete(logits, 2)).sum())  # as much as all others together
    assert slide.values[1] == pytest.approx(loss_value(name, moved[None], [2]), rel=1e-9)


def test_squared_error_hardly_learns_where_the_network_is_surely_wrong():
    wrong = [1e-4, 1e-2, 0.5]
    entropy, squares = (loss_slide(name, np.zeros(10), 3, wrong).gradients for name in ("cross_entropy", "mse"))
    np.testing.assert_allclose(entropy, 1 - np.array(wrong), rtol=1e-9)
    assert squares[0] < 1e-4
    assert squares[0] < squares[1] < squares[2]


@pytest.mark.parametrize(
    ("name", "logits", "labels", "sentence"),
    [
        ("hinge", [[0, 1]], [0], "no loss 'hinge'"),
        ("mse", [[0, 1]], [2], "from 0 to 1"),
        ("mse", [[0, 1]], [-1], "from 0 to 1"),
        ("mse", [[0, 1]], [0.5], "whole numbers"),
        ("mse", [[0, 1]], [0, 1], "one label for each row"),
        ("nll", [0, 1], [0], "logits must have 2 dimensions"),
        ("nll", np.zeros((0, 3)), np.zeros(0, dtype=int), "one label for each row"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(name: str, logits, labels, sentence: str):
    with pytest.raises(ConvScopeError, match=sentence):
        loss_value(name, logits, labels)
    with pytest.raises(ConvScopeError, match=sentence):
        loss_gradient(name, logits, labels)


def test_a_slide_to_where_there_is_nothing_gets_a_sentence():
    with pytest.raises(ConvScopeError, match="both excluded"):
        loss_slide("mse", [0, 1], 0, [0.0, 0.5])
    with pytest.raises(ConvScopeError, match="two classes or more"):
        loss_slide("mse", [0], 0, [0.5])
    with pytest.raises(ConvScopeError, match="label_smoothing must be from 0 to 1"):
        loss_value("cross_entropy", [[0, 1]], [0], label_smoothing=2)
