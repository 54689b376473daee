"""Layouts are those of scikit-learn and umap-learn, the same for a seed, told while they run; turned maps coincide."""

import sys
import threading
import time
from types import FunctionType
from typing import Any

import numpy as np
import openTSNE
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness

from core.errors import ConvScopeError
from core.probe.embedding.layout import MIN_POINTS, PROJECTIONS, aligned, principal, project


def rows(count: int = 120) -> np.ndarray:
    digits: np.ndarray = load_digits().data[:count].astype(np.float32)
    return digits


class Gone(BaseException):
    """As a job raises it once nobody waits."""


@pytest.mark.parametrize("shape", [(60, 30), (30, 60), (700, 40), (600, 900)])
def test_pca_is_the_singular_value_decomposition(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    scales = 0.7 ** np.arange(shape[1])
    values = (random.normal(size=shape) * scales + random.normal(size=shape[1])).astype(np.float32)
    centred = values - values.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
    found, expected = project(values, "pca"), left[:, :2] * sizes[:2]
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found, expected * signs, atol=1e-3 * np.abs(expected).max())
    np.testing.assert_allclose(found, PCA(2, random_state=0).fit_transform(values), atol=1e-5)


def test_a_single_number_has_a_map_as_well() -> None:
    found = project(np.arange(10, dtype=np.float32)[:, None], "pca")
    assert found.shape == (10, 2)
    assert not found[:, 1].any()
    np.testing.assert_allclose(np.abs(np.diff(found[:, 0])), 1, atol=1e-5)


def test_t_sne_is_open_tsnes_and_as_faithful_as_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    # To see whether pynndescent is there, it imports it, which compiles for half a minute; "exact" does not need it.
    monkeypatch.setattr("openTSNE.affinity.is_package_installed", lambda name: False)
    values, reduced = rows(360), principal(rows(360), 50)
    start = reduced[:, :2] / reduced[:, 0].std() * 1e-4
    words: dict[str, Any] = {"perplexity": 30, "n_jobs": 1, "random_state": 0}
    theirs = openTSNE.TSNE(**words, n_iter=750, neighbors="exact", negative_gradient_method="bh", initialization=start)
    found, expected = project(values, "tsne"), np.asarray(theirs.fit(reduced))
    other = TSNE(**words, init=start.astype(np.float32)).fit_transform(reduced)
    kept = [trustworthiness(values, places, n_neighbors=10) for places in (found, expected, other)]
    assert kept[0] > max(kept[1:]) - 0.003


@pytest.mark.parametrize("method", list(PROJECTIONS))
def test_a_layout_is_the_same_for_a_seed_and_leaves_the_shared_random_state_alone(method: str) -> None:
    before = np.random.get_state()[1].copy()
    first, again = (project(rows(), method, seed=3) for _ in range(2))
    assert first.dtype == np.float32 and first.shape == (120, 2)
    assert np.array_equal(first, again)
    assert np.array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("method", list(PROJECTIONS))
def test_neighbours_are_kept(method: str) -> None:
    kept = trustworthiness(rows(), project(rows(), method), n_neighbors=5)
    assert kept > {"pca": 0.75, "tsne": 0.9, "umap": 0.9}[method]


def test_umap_compiles_nothing_that_it_does_not_need() -> None:
    """Half of the seconds of the first UMAP are pynndescent's, whose neighbours it is not asked for."""
    project(rows(MIN_POINTS), "umap")
    assert isinstance(sys.modules["pynndescent"].utils.tau_rand, FunctionType)
    assert not isinstance(sys.modules["umap"].layouts.rdist, FunctionType)  # its own descent is compiled


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_a_start_is_begun_from(method: str) -> None:
    first = project(rows(360), method)
    mirrored = first * np.array([-1, 1], dtype=np.float32)
    again = project(rows(360), method, start=mirrored)
    same, turned = (np.corrcoef(again[:, 0], other[:, 0])[0, 1] for other in (mirrored, first))
    assert same > 0.9 and turned < -0.9
    kept = [trustworthiness(rows(360), each, n_neighbors=10) for each in (first, again)]
    assert kept[1] > kept[0] - 0.005  # what goes on from another map is no worse than what begins anew


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_a_start_without_width_is_none(method: str) -> None:
    assert np.isfinite(project(rows(), method, start=np.zeros((120, 2), np.float32))).all()


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_progress_is_told_often_and_may_cancel(method: str) -> None:
    told: list[float] = []
    project(rows(), method, progress=lambda done, total: told.append(done / total))
    assert len(told) > 20 if method == "tsne" else len(told) > 2
    assert told == sorted(told) and told[-1] == 1

    def leave(done: int, total: int) -> None:
        if done > total * 0.5:
            raise Gone

    with pytest.raises(Gone):
        project(rows(), method, progress=leave)
    found: list[np.ndarray] = []
    other = threading.Thread(target=lambda: found.append(project(rows(), method)), daemon=True)
    other.start()
    other.join(60)
    assert found and np.array_equal(found[0], project(rows(), method))  # the next one is not held up


def test_a_cancelled_umap_lets_go_of_the_lock_that_all_progress_bars_share() -> None:
    from tqdm.auto import tqdm

    def leave(done: int, total: int) -> None:
        if done > total * 0.3:
            raise Gone

    with pytest.raises(Gone):
        project(rows(600), "umap", progress=leave)
    project(rows(40), "umap")  # after it in the queue: the cancelled one has ended
    free = threading.Event()

    def take() -> None:
        with tqdm.get_lock():
            free.set()

    threading.Thread(target=take, daemon=True).start()
    assert free.wait(10)


def test_two_at_once_are_the_same_as_one_after_the_other() -> None:
    expected, found = project(rows(), "umap"), {}
    threads = [threading.Thread(target=lambda at=at: found.update({at: project(rows(), "umap")})) for at in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[at], expected) for at in range(3))


def test_others_go_on_while_it_runs() -> None:
    laid = threading.Thread(target=project, args=(rows(500), "tsne"))
    laid.start()
    gaps, last = [], time.perf_counter()
    while laid.is_alive():
        time.sleep(0.002)
        gaps.append(time.perf_counter() - last)
        last = time.perf_counter()
    assert len(gaps) > 50
    assert np.percentile(gaps, 99) < 0.2  # a page has its turn again and again


@pytest.mark.parametrize("mirror", [1, -1])
def test_turned_copies_coincide(mirror: int) -> None:
    random = np.random.default_rng(1)
    points = random.normal(size=(50, 2)) * [3, 1]
    turn = np.array([[np.cos(2), -np.sin(2)], [np.sin(2), np.cos(2)]]) @ np.diag([mirror, 1])
    found = aligned(points @ turn + [5, -7], points)
    np.testing.assert_allclose(found, points, atol=1e-5)
    grown = aligned(4 * points @ turn, points)  # its size stays as it is
    np.testing.assert_allclose(grown - grown.mean(axis=0), 4 * (points - points.mean(axis=0)), atol=1e-4)
    np.testing.assert_allclose(grown.mean(axis=0), points.mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("method", list(PROJECTIONS))
def test_few_rows_make_a_map_and_too_few_are_refused(method: str) -> None:
    assert np.isfinite(project(rows(MIN_POINTS), method)).all()
    with pytest.raises(ConvScopeError, match=f"at least {MIN_POINTS} images"):
        project(rows(MIN_POINTS - 1), method)
    with pytest.raises(ConvScopeError, match="same numbers for every image"):
        project(np.ones((20, 5), np.float32), method)
