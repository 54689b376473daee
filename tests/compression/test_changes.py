"""What changed is counted by hand as well."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, spearmanr
from torch import nn

from core.compression import cost
from core.compression.changes import PredictionChanges, compare, explanations
from core.compression.cost import TimeRatio, race
from core.compression.pruning import prune
from core.compression.quantization import quantize
from core.compression.ways import Pruning
from core.errors import ExplainError
from core.explain.attribution import attribute, heatmap
from core.model.layers import Activation, Dense
from tests.compression.test_pruning import IMAGES, PLAIN, spec_of, trained

pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated"),
    pytest.mark.filterwarnings("ignore:Please use quant_min and quant_max"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor, torch.quantize_per_channel"),
]
SPEC = spec_of(*PLAIN, Activation(), Dense(10))


def change(
    labels: list[int], before: list[int], after: list[int], sure: list[float] | None = None
) -> PredictionChanges:
    known = np.array(sure or [0.5] * len(labels), dtype=np.float32)
    return PredictionChanges(np.array(labels), np.array(before), np.array(after), known, known)


def test_answers_are_counted():
    found = change([0, 0, 1, 1, 2], [0, 0, 1, 0, 1], [0, 1, 0, 1, 0], [0.9, 0.5, 0.8, 0.4, 0.7])
    assert [round(rate.value, 9) for rate in found.accuracies] == [0.6, 0.4]
    wanted = binomtest(3, 5).proportion_ci(method="wilson")
    assert (found.accuracies[0].low, found.accuracies[0].high) == (wanted.low, wanted.high)
    assert (found.lost, found.won, found.test.p_value) == (2, 1, 1.0)
    assert found.flipped.tolist() == [2, 1, 4, 3]  # lost first, the surest before
    assert found.classes(4) == [(2, 1.0, 0.5), (2, 0.5, 0.5), (1, 0.0, 0.0), (0, 0.0, 0.0)]
    assert change([0] * 9, [0] * 9, [0, *[1] * 8]).test.p_value == pytest.approx(2 / 2**8)
    assert change([0], [0], [0]).test.p_value == 1.0


def test_two_networks_are_asked_in_batches():
    model = trained(SPEC)
    pruned = prune(model, Pruning("filters", 0.5)).model
    images = IMAGES.repeat(40, 1, 1, 1) + torch.arange(200)[:, None, None, None] / 100
    labels, told = torch.arange(200) % 10, []
    found = compare(model, pruned, images, labels, progress=lambda done, total: told.append((done, total)))
    with torch.no_grad():
        for network, answers, sure in (
            (model, found.before, found.sure_before),
            (pruned, found.after, found.sure_after),
        ):
            wanted = network(images).softmax(1).max(1)
            assert wanted.indices.tolist() == answers.tolist()
            assert np.allclose(wanted.values, sure, atol=1e-6)
    assert told[-1] == (200, 200) and len(told) > 2
    assert len(compare(model, model, images, labels).flipped) == 0


def test_scores_that_are_no_numbers_are_refused():
    broken = trained(SPEC)
    broken.dense2.bias.data.fill_(float("nan"))
    with pytest.raises(ExplainError):
        compare(trained(SPEC), broken, IMAGES, torch.zeros(5, dtype=torch.int64))


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_explanations_of_the_same_class_are_compared(method: str):
    model = trained(SPEC)
    pruned = prune(model, Pruning("weights", 0.7)).model
    ways = partial(attribute, method=method)
    for place, moved in enumerate(explanations(model, pruned, IMAGES[:2], (7, 9), (3, 1), ways)):
        assert (moved.index, moved.target) == ((7, 3), (9, 1))[place]
        for network, values in ((model, moved.before), (pruned, moved.after)):
            assert np.array_equal(values, heatmap(attribute(network, IMAGES[place], moved.target, method)).numpy())
        wanted = spearmanr(moved.before.ravel(), moved.after.ravel()).statistic
        assert moved.likeness.rank == pytest.approx(wanted) and wanted < 0.9999
    (same,) = explanations(model, model, IMAGES[:1], (0,), (2,), ways)
    assert same.likeness.rank == pytest.approx(1.0)


def test_whole_numbers_can_be_explained_by_covering():
    model = trained(SPEC)
    (moved,) = explanations(
        model, quantize(model, IMAGES), IMAGES[:1], (0,), (4,), partial(attribute, method="occlusion")
    )
    assert moved.likeness.rank is not None and 0.5 < moved.likeness.rank < 1


class Slow(nn.Module):
    """Takes as long as it is told."""

    def __init__(self, passes: int) -> None:
        super().__init__()
        self.passes = passes

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        for _ in range(self.passes):
            images = images @ torch.ones(8, 8) / 8
        return images


def test_networks_race_by_turns():
    told: list[tuple[int, int]] = []
    (slow, fast), ratio = race(Slow(600), Slow(20), IMAGES[0], rounds=12, progress=lambda *at: told.append(at))
    assert slow.median > 4 * fast.median and slow.low <= slow.median <= slow.high
    assert ratio.low <= ratio.median <= ratio.high < 0.5 and ratio.told_apart
    assert told[-1] == (12, 12) and slow.rounds == 12


def test_the_interval_of_a_ratio_is_that_of_the_sign_test(monkeypatch: pytest.MonkeyPatch):
    seconds = iter([1.0, *range(1, 21)])
    monkeypatch.setattr(cost, "_repeats", lambda model, batch: 1)
    monkeypatch.setattr(cost, "_clock", lambda model, batch, repeats: next(seconds) if model is other else 1.0)
    one, other = Slow(1), Slow(2)
    next(seconds)
    _, ratio = race(one, other, IMAGES[0], rounds=20)
    assert (ratio.median, ratio.low, ratio.high) == (10.5, 6, 15)  # the tables' interval for 20 values
    assert binomtest(5, 20).pvalue < 0.05 < binomtest(6, 20).pvalue
    assert not TimeRatio(1.0, 0.9, 1.1).told_apart and not TimeRatio(0.99, 0.98, 0.995).told_apart
