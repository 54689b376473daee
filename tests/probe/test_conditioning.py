"""What goes to native code is finite, centred, of a safe size and spread, and nothing else about it has changed."""

import numpy as np
import pytest

from core.errors import ConvScopeError
from core.probe.embedding.conditioning import ROUNDING, conditioned
from core.probe.embedding.layout import MIN_POINTS, PROJECTIONS, project
from core.probe.embedding.trust import nearest
from core.probe.embedding.tsne import check_places


def rows(count: int = 40, width: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, width)).astype(np.float32)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1.0, 1e12, 1e30])
@pytest.mark.parametrize("offset", [0.0, 40.0])
def test_rows_of_any_size_end_in_a_safe_range_and_can_be_restored(scale: float, offset: float) -> None:
    values = ((rows() + offset) * scale).astype(np.float32)
    found = conditioned(values)
    assert found.values.dtype == np.float32
    assert 1 <= np.abs(found.values).max() < 2
    assert np.abs(found.values.mean(axis=0)).max() < 1e-6
    expected = values.astype(np.float64) - values.astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(found.restored(found.values), expected, rtol=1e-6, atol=1e-6 * scale)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_refused_before_anything_is_called(value: float) -> None:
    values = rows()
    values[3, 2] = value
    with pytest.raises(ConvScopeError, match="not all finite"):
        conditioned(values)


@pytest.mark.parametrize("size", [0.0, 1e-44, 1e-20, 1.0, 3e7])
def test_what_differs_by_rounding_alone_has_no_spread(size: float) -> None:
    values = np.full((30, 5), size, np.float32)
    assert not conditioned(values).has_spread
    values[::2] = np.nextafter(values[::2], np.float32(np.inf))
    assert not conditioned(values).has_spread
    values[::3, 1] = size * (1 + 4 * ROUNDING) + 1e-30
    assert conditioned(values).has_spread
    assert not conditioned(values).values[:, [0, 2, 3, 4]].any()  # noise of the other columns is not blown up


def test_distinct_rows_are_told_in_their_order() -> None:
    values = rows(6)[[0, 1, 0, 2, 1, 0]]
    values[0, 0] = values[2, 0] = values[5, 0] = 0.0
    values[2, 0] = -0.0
    first, which = conditioned(values).distinct()
    assert first.tolist() == [0, 1, 3]
    assert which.tolist() == [0, 1, 0, 2, 1, 0]


@pytest.mark.parametrize("method", PROJECTIONS)
def test_what_cannot_be_mapped_is_a_sentence_and_the_layout_is_not_run(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    spy = PROJECTIONS[method].__class__("", "", 0, lambda *words: called.append(method) or np.zeros((40, 2)))
    monkeypatch.setitem(PROJECTIONS, method, spy)
    broken = rows()
    broken[0, 0] = np.nan
    with pytest.raises(ConvScopeError, match="not all finite"):
        project(broken, method)
    noise = np.full((40, 6), 1.0, np.float32)
    noise[1::2] = np.nextafter(noise[1::2], np.float32(2))
    with pytest.raises(ConvScopeError, match="same numbers for every image"):
        project(noise, method)
    assert not called


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_too_few_different_rows_are_told_with_the_way_out(method: str) -> None:
    values = rows()[np.arange(40) % (MIN_POINTS - 1)]
    with pytest.raises(ConvScopeError, match=f"only {MIN_POINTS - 1} different rows.*choose PCA"):
        project(values, method)
    assert np.isfinite(project(values, "pca")).all()


def test_a_layout_is_given_what_is_safe_whatever_the_network_made(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[np.ndarray, np.ndarray | None]] = []

    def spy(values: np.ndarray, seed: int, start: np.ndarray | None, progress: object) -> np.ndarray:
        seen.append((values, start))
        return values[:, :2]

    monkeypatch.setitem(PROJECTIONS, "tsne", PROJECTIONS["tsne"].__class__("t-SNE", "", 0, spy))
    values = np.float32(1e25) * rows(20)[np.arange(40) % 20]
    start = np.arange(80, dtype=np.float32).reshape(40, 2)
    points = project(values, "tsne", start=start)
    given, begun = seen[0]
    assert given.shape == (20, 6) and 1 <= np.abs(given).max() < 2
    assert begun is not None and np.array_equal(begun, start[:20])
    assert np.array_equal(points[:20], points[20:])  # what is the same has the same place
    start[3, 0] = np.inf
    project(values, "tsne", start=start)
    assert seen[1][1] is None


def test_what_a_library_raises_or_answers_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: object) -> np.ndarray:
        raise ValueError("an internal thing")

    kind = PROJECTIONS["umap"].__class__
    monkeypatch.setitem(PROJECTIONS, "umap", kind("UMAP", "", 0, fail))
    with pytest.raises(ConvScopeError, match=r"UMAP found no map of these numbers: choose .*\(ValueError\)"):
        project(rows(), "umap")
    monkeypatch.setitem(PROJECTIONS, "umap", kind("UMAP", "", 0, lambda *words: np.full((40, 2), np.nan)))
    with pytest.raises(ConvScopeError, match="UMAP found no map"):
        project(rows(), "umap")


def test_the_descent_of_t_sne_ends_once_places_are_not_finite() -> None:
    check_places(np.zeros(3))
    with pytest.raises(ConvScopeError, match="t-SNE ran away"):
        check_places(np.array([0.0, np.nan]))


def test_a_map_is_the_same_at_any_scale_of_the_layer() -> None:
    plain, small = project(rows(), "tsne"), project(rows() * np.float32(2.0**-80), "tsne")
    assert np.array_equal(plain, small)
    np.testing.assert_allclose(project(rows() * np.float32(2.0**60), "pca"), project(rows(), "pca") * 2.0**60)


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_neighbours_are_found_at_any_scale(scale: float) -> None:
    plain, found = nearest(rows(), 5), nearest(rows() * np.float32(scale), 5)
    assert np.array_equal(plain.indices, found.indices)
    np.testing.assert_allclose(found.distances, plain.distances * scale, rtol=1e-5)
    assert nearest(rows(1), 5).indices.shape == (1, 0)
