"""Scores of foreignness by hand, and alarms at the rates that are stated, on pictures that were never seen."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import betabinom
from sklearn.covariance import EmpiricalCovariance, LedoitWolf
from torch import nn

from core.data.fitting import fit_image
from core.data.images import decode_image
from core.errors import ExplainError
from core.reliability.features import LogitsAndFeatures, extract_features
from core.reliability.ood_detector import OodDetector, fit_ood_detector
from core.reliability.ood_samples import OOD_KINDS, detection_rate
from core.reliability.ood_scores import MAX_FEATURES, Energy, Mahalanobis, fit_mahalanobis
from tests.reliability.conftest import Learned

SAMPLES = sorted((Path(__file__).parents[2] / "assets" / "samples").glob("*.jpg"))


def inside(features: np.ndarray, logits: np.ndarray | None = None) -> LogitsAndFeatures:
    return LogitsAndFeatures(np.zeros((len(features), 2), dtype=np.float32) if logits is None else logits, features)


def test_energy_by_hand() -> None:
    logits = np.array([[0.0, 0.0], [1.0, 2.0], [1000.0, 0.0]])
    expected = [-np.log(2), -np.log(np.e + np.e**2), -1000.0]
    assert Energy()(LogitsAndFeatures(logits.astype(np.float32), None)) == pytest.approx(expected)


def test_mahalanobis_by_hand() -> None:
    score = Mahalanobis(np.array([[0.0, 0.0], [10.0, 0.0]]), np.diag([1 / 2.0, 1 / 3.0]))
    points = np.array([[2.0, 0.0], [10.0, 6.0], [0.0, 0.0], [7.0, 3.0]])
    assert score(inside(points)) == pytest.approx([1.0, 4.0, 0.0, 9 / 4 + 1])


def test_mahalanobis_is_scikit_learns_distance_to_the_nearest_class() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 400)
    features = rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6)) + 3 * labels[:, None]
    others = rng.normal(size=(20, 6)) * 5
    means = np.stack([features[labels == label].mean(axis=0) for label in range(3)])
    spread: EmpiricalCovariance = LedoitWolf(assume_centered=True).fit(features - means[labels])
    expected = np.stack([spread.mahalanobis(others - mean) for mean in means]).min(axis=0)
    assert fit_mahalanobis(features, labels)(inside(others)) == pytest.approx(expected, rel=1e-8)


def test_mahalanobis_bears_many_features_few_images_and_dead_units() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, MAX_FEATURES + 88))
    features[:, 5] = 0
    labels = np.array([0] * 40 + [7] * 20)  # of the classes in between there is no image
    score = fit_mahalanobis(features, labels)
    found = score(inside(np.concatenate([features, 50 + features])))
    assert np.isfinite(found).all()
    assert found[60:].min() > found[:60].max()
    with pytest.raises(ExplainError, match="the same for all"):
        fit_mahalanobis(np.ones((9, 3)), np.zeros(9, dtype=int))


def test_a_limit_is_the_value_that_its_rate_asks_for() -> None:
    rng = np.random.default_rng(0)
    valid = LogitsAndFeatures(rng.normal(size=(199, 4)).astype(np.float32), None)
    alarm = fit_ood_detector(valid, np.zeros(199, dtype=int), valid, rate=0.05)
    (limit,) = alarm.limits
    assert limit.rank == 190  # ⌈200 · 0.95⌉
    assert alarm.missing.startswith("This network does not end in a dense layer")
    assert alarm.raised(valid).sum() == 199 - 190
    assert limit.stranger_than(limit.calibration)[limit.rank - 1] == pytest.approx(189 / 199)


def test_a_rate_that_too_few_images_cannot_hold_is_refused() -> None:
    few = LogitsAndFeatures(np.random.default_rng(0).normal(size=(38, 4)).astype(np.float32), None)
    both = LogitsAndFeatures(few.logits, few.logits)
    with pytest.raises(ExplainError, match="takes 39 validation images"):
        fit_ood_detector(both, np.arange(38) % 4, both)
    assert fit_ood_detector(few, np.arange(38) % 4, few).count == 38
    with pytest.raises(ExplainError, match="between 0 and 1"):
        fit_ood_detector(few, np.arange(38) % 4, few, rate=0.0)


def test_the_rate_holds_on_average_over_many_draws() -> None:
    rng, alarms = np.random.default_rng(0), []
    for _ in range(300):
        logits = rng.standard_t(3, size=(200 + 100, 5)).astype(np.float32)
        limit = fit_ood_detector(
            LogitsAndFeatures(logits[:9], None), np.zeros(9, dtype=int), LogitsAndFeatures(logits[:200], None), rate=0.1
        )
        alarms.append(limit.raised(LogitsAndFeatures(logits[200:], None)).mean())
    expected = 1 - (limit.limits[0].rank / 201)
    assert np.mean(alarms) == pytest.approx(expected, abs=3 * np.std(alarms) / np.sqrt(300))
    assert expected <= 0.1


@pytest.fixture(scope="module")
def alarm(learned: Learned) -> OodDetector:
    return fit_ood_detector(learned.train, learned.data.train.labels.numpy(), learned.valid)


def test_test_images_raise_it_as_often_as_stated(learned: Learned, alarm: OodDetector) -> None:
    count = len(learned.test)
    for limit, raised in zip(alarm.limits, alarm.each(learned.test), strict=True):
        above = len(limit.calibration) - limit.rank + 1  # the limit was drawn as well: beta-binomial
        low, high = betabinom(count, above, limit.rank).ppf([0.005, 0.995])
        assert low <= raised.sum() <= high, limit.score.title
    above = 2 * (alarm.count - alarm.limits[0].rank + 1)  # both together, at most
    assert alarm.raised(learned.test).sum() <= betabinom(count, above, alarm.count + 1 - above).ppf(0.995)


def photographs(learned: Learned) -> torch.Tensor:
    """Return 200 cut-outs of photographs as the network receives them."""
    rng, found = np.random.default_rng(0), []
    for file in SAMPLES:
        image = decode_image(file.read_bytes())
        for _ in range(40):
            side = int(rng.integers(min(image.size) // 3, min(image.size)))
            left, top = (int(rng.integers(0, room - side + 1)) for room in image.size)
            cut = image.crop((left, top, left + side, top + side))
            found.append(fit_image(cut, learned.data.input_shape)[0])
    return torch.stack(found)


def test_noise_inverted_digits_and_photographs_are_caught(learned: Learned, alarm: OodDetector) -> None:
    data = learned.data
    held_out = detection_rate(learned.model, alarm, data.test.images, data.normalize)
    assert set(held_out) == set(OOD_KINDS)
    assert held_out["noise"] > 0.85
    assert held_out["inverted"] > 0.8
    assert held_out["shuffled"] > 0.6
    found = alarm.raised(extract_features(learned.model, photographs(learned), data.normalize))
    assert found.mean() > 0.85


def test_foreign_pictures_are_what_they_say() -> None:
    images = torch.randint(0, 256, (20, 3, 6, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    rng = np.random.default_rng(0)
    made = {name: kind.make(images, rng) for name, kind in OOD_KINDS.items()}
    assert all((each.shape, each.dtype) == (images.shape, images.dtype) for each in made.values())
    assert (made["inverted"].int() + images.int() == 255).all()
    for one, other in zip(images, made["shuffled"], strict=True):  # whole pixels move, their colours stay together
        assert sorted(map(tuple, one.flatten(1).T.tolist())) == sorted(map(tuple, other.flatten(1).T.tolist()))
        assert not torch.equal(one, other)
    assert 115 < made["noise"].float().mean() < 140


def test_what_is_told_counts_up_and_may_cancel(learned: Learned, alarm: OodDetector) -> None:
    told: list[tuple[int, int]] = []
    detection_rate(
        learned.model,
        alarm,
        learned.data.test.images[:100],
        learned.data.normalize,
        progress=lambda *at: told.append(at),
    )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (300, 300)

    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_features(learned.model, learned.data.test.images, learned.data.normalize, progress=cancel)
    assert not any(module._forward_pre_hooks for module in learned.model.modules())


def test_inside_is_what_the_last_layer_receives_and_the_answer(learned: Learned) -> None:
    images = learned.data.normalize(learned.data.test.images[:70])
    with torch.no_grad():
        features = learned.model[:-1](images)
    found = learned.test.at(slice(0, 70))
    assert found.features is not None
    assert np.allclose(found.features, features.numpy(), atol=1e-5)
    assert np.allclose(found.logits, learned.model[-1](features).detach().numpy(), atol=1e-5)
    convolutional = nn.Sequential(nn.Conv2d(1, 10, 8), nn.Flatten()).eval()
    assert extract_features(convolutional, learned.data.test.images[:3], learned.data.normalize).features is None


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e35])
def test_features_without_finite_squares_give_a_sentence(value: float) -> None:
    features = np.random.default_rng(0).normal(size=(20, 4))
    features[3, 1] = value
    with pytest.raises(ExplainError, match="not finite for the training images"):
        fit_mahalanobis(features, np.arange(20) % 2)
