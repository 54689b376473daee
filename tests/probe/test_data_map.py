"""Neighbours are a brute force's, votes a classifier's, trust scikit-learn's; maps of epochs fit one another."""

import numpy as np
import pytest
import torch
from sklearn.manifold import trustworthiness
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from core.errors import ConvScopeError, RunError
from core.probe.embedding.data_map import DataMap, ImageSample, MissingMap, chosen_images, data_map, data_maps
from core.probe.embedding.trust import knn_accuracy, nearest
from core.probe.features import layer_features


def net(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 12), nn.ReLU(), nn.Linear(12, 3)
    )


def sample(count: int = 60) -> ImageSample:
    random = torch.Generator().manual_seed(2)
    labels = torch.randint(0, 3, (count,), generator=random)
    images = torch.randn(count, 1, 6, 6, generator=random) + labels[:, None, None, None]
    return ImageSample(images, labels)


def test_neighbours_are_those_of_a_brute_force() -> None:
    values = np.random.default_rng(0).normal(size=(80, 7)).astype(np.float32)
    far = np.linalg.norm(values[:, None].astype(np.float64) - values[None], axis=2)
    np.fill_diagonal(far, np.inf)
    found = nearest(values, 6)
    assert np.array_equal(found.indices, far.argsort(axis=1)[:, :6])
    np.testing.assert_allclose(found.distances, np.sort(far, axis=1)[:, :6], rtol=1e-5)


def test_no_row_is_its_own_neighbour_even_among_copies() -> None:
    found = nearest(np.zeros((9, 3), np.float32), 4)
    assert (found.indices != np.arange(9)[:, None]).all()
    assert not found.distances.any()
    assert nearest(np.eye(3, dtype=np.float32), 10).indices.shape == (3, 2)  # no more than there are


def test_the_vote_is_that_of_a_classifier_that_leaves_each_one_out() -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 4, 90)
    values = (random.normal(size=(90, 5)) + labels[:, None]).astype(np.float32)
    for count in (1, 4, 10):
        guessed = cross_val_predict(KNeighborsClassifier(count, algorithm="brute"), values, labels, cv=LeaveOneOut())
        assert knn_accuracy(nearest(values, count), labels) == pytest.approx((guessed == labels).mean())


def test_images_are_chosen_at_random_but_always_the_same() -> None:
    assert chosen_images(5, 9).tolist() == [0, 1, 2, 3, 4]
    found = chosen_images(1000, 50)
    assert np.array_equal(found, chosen_images(1000, 50))
    assert len(set(found.tolist())) == 50 and (np.diff(found) > 0).all()
    assert found.max() > 500  # not just the first ones


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_map_holds_what_is_measured_of_its_layer(method: str) -> None:
    model, asked = net(), sample()
    found = data_map(model, asked, "4", method, epoch=7)
    values = layer_features(model, asked.images, "4").values
    assert found.epoch == 7 and found.numbers == 12 and not found.pooled
    assert np.array_equal(found.neighbors.indices, nearest(values).indices)
    assert found.trustworthiness == pytest.approx(trustworthiness(values, found.points, n_neighbors=10))
    logits = model(asked.images).detach()
    assert np.array_equal(found.answers, logits.argmax(dim=1).numpy())
    if method == "pca":
        sizes = np.linalg.svd(values - values.mean(axis=0), compute_uv=False) ** 2
        assert found.explained_variance == pytest.approx(sizes[:2].sum() / sizes.sum(), rel=1e-4)
    else:
        assert found.explained_variance is None


def test_maps_of_the_same_network_coincide_and_gaps_are_left() -> None:
    models = {0: net(), 1: net(), 3: net(1)}

    def load(epoch: int | None) -> nn.Module:
        if epoch == 2:
            raise RunError("Damaged.")
        assert epoch is not None
        return models[epoch]

    first, again, gap, other = data_maps([0, 1, 2, 3], load, sample(), "4", "pca")
    assert isinstance(first, DataMap) and isinstance(again, DataMap) and isinstance(other, DataMap)
    assert gap == MissingMap(2, "Damaged.")
    np.testing.assert_allclose(again.points, first.points, atol=1e-4)
    alone = data_map(models[3], sample(), "4", "pca")
    apart, turned = (np.linalg.norm(each.points - first.points) for each in (alone, other))
    assert turned <= apart + 1e-4
    inside = [np.linalg.norm(each.points[:, None] - each.points[None], axis=2) for each in (alone, other)]
    np.testing.assert_allclose(*inside, atol=1e-3)  # turned, not bent


def test_progress_grows_to_the_end_and_may_cancel() -> None:
    told: list[float] = []
    list(
        data_maps(
            [0, 1], lambda _: net(), sample(), "4", "tsne", progress=lambda done, total: told.append(done / total)
        )
    )
    assert told == sorted(told) and told[-1] == 1
    assert len(told) > 100

    def leave(done: int, total: int) -> None:
        if done > 0.6 * total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(data_maps([0, 1], lambda _: net(), sample(), "4", "tsne", progress=leave))


def test_a_layer_that_says_nothing_has_no_map() -> None:
    model = net()
    with torch.no_grad():
        model[3].bias.fill_(-1e6)
    with pytest.raises(ConvScopeError, match="same numbers for every image"):
        data_map(model, sample(), "4", "pca")
    with pytest.raises(ConvScopeError, match="at least"):
        data_map(net(), sample(4), "4", "pca")
