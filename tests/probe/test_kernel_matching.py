"""Hand-made kernels do what their names say, and every learned filter is matched with the most like of them."""

import numpy as np
import pytest
import skimage as ski
import torch

from core.errors import ConvScopeError
from core.model.handmade import KERNELS, kernel
from core.probe.kernel_matching import best_matches

SIZES = (3, 5, 7)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", SIZES)
def test_sums_tell_what_becomes_of_an_even_picture(size: int) -> None:
    keeps = {"identity", "blur", "gaussian", "sharpen", "emboss"}
    for name in KERNELS:
        assert kernel(name, size).shape == (size, size)
        assert kernel(name, size).sum() == pytest.approx(1 if name in keeps else 0, abs=1e-12), name


def test_the_small_ones_are_those_of_the_books() -> None:
    assert kernel("sobel_x").tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert kernel("sobel_y").tolist() == [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]
    assert kernel("laplacian").tolist() == [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    assert kernel("sharpen").tolist() == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    assert kernel("emboss").tolist() == [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]
    assert (kernel("gaussian") * 16).tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert kernel("sobel_x", 5)[2].tolist() == [-6, -12, 0, 12, 6]  # OpenCV's, cv.getDerivKernels(1, 0, 5)
    assert all(np.array_equal(item.values, kernel(name)) for name, item in KERNELS.items())


@pytest.mark.parametrize("size", SIZES)
def test_derivatives_of_polynomials(size: int) -> None:
    rows, cols = np.indices((size, size)) - size // 2
    assert (kernel("laplacian", size) * (3 * rows**2 + 2 * cols**2 + rows - 7)).sum() == pytest.approx(10)
    slope = (kernel("sobel_x", size) * cols).sum()
    assert slope > 0 and (kernel("sobel_x", size) * (4 * rows + 5)).sum() == 0
    assert np.array_equal(kernel("sobel_y", size), kernel("sobel_x", size).T)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theta", [0, 45, 90, 135])
def test_gabor_is_that_of_scikit_image_without_its_mean(size: int, theta: int) -> None:
    sigma = size / 4
    direct = ski.filters.gabor_kernel(1.5 / size, np.radians(theta), sigma_x=sigma, sigma_y=sigma, n_stds=4).real
    middle, half = len(direct) // 2, size // 2
    cut = direct[middle - half : middle + half + 1, middle - half : middle + half + 1] * 2 * np.pi * sigma**2
    assert kernel(f"gabor_{theta}", size) == pytest.approx(cut - cut.mean())


@pytest.mark.parametrize("size", SIZES)
def test_every_kernel_is_most_like_itself_whatever_its_strength_and_sign(size: int) -> None:
    for name in KERNELS:
        for factor in (0.01, -3.0):
            weights = np.repeat(factor * kernel(name, size)[None, None], 3, axis=1)
            (match,) = best_matches(weights)
            assert (match.name, match.sign) == (name, np.sign(factor)), name
            assert match.cosine == pytest.approx(1) and match.grey == pytest.approx(1)


def test_the_cosine_is_the_largest_of_all_by_hand() -> None:
    weights = RNG.standard_normal((8, 3, 5, 5))
    for match, learned in zip(best_matches(torch.from_numpy(weights)), weights.mean(axis=1), strict=True):
        cosines = {
            name: (learned * kernel(name, 5)).sum() / np.linalg.norm(learned) / np.linalg.norm(kernel(name, 5))
            for name in KERNELS
        }
        assert match.name == max(cosines, key=lambda name: abs(cosines[name]))
        assert match.sign * match.cosine == pytest.approx(cosines[match.name])
        assert match.grey == pytest.approx(np.sqrt(3) * np.linalg.norm(learned) / np.linalg.norm(weights[match.filter]))


def test_the_mean_sees_grey_and_the_strongest_channel_sees_what_is_apart() -> None:
    weights = np.stack([kernel("sobel_x"), -kernel("sobel_x"), 0.1 * kernel("laplacian")])[None]
    (mean,), (strongest,) = best_matches(weights), best_matches(weights, channels="strongest")
    assert (mean.name, mean.cosine) == ("laplacian", pytest.approx(1)) and mean.grey < 0.1
    assert (strongest.name, strongest.cosine) == ("sobel_x", pytest.approx(1)) and strongest.grey > 0.6


def test_centred_only_the_pattern_counts() -> None:
    weights = (kernel("sobel_x") + 3)[None, None]
    assert best_matches(weights)[0].name == "blur"
    found = best_matches(weights, centred=True)[0]
    assert (found.name, found.cosine) == ("sobel_x", pytest.approx(1))
    assert best_matches(np.full((1, 1, 3, 3), 0.3), centred=True)[0].name is None


def test_even_zero_and_broken_filters_match_nothing() -> None:
    weights = np.zeros((2, 1, 3, 3))
    weights[1, 0, 0, 0] = np.nan
    assert [(match.name, match.cosine, match.grey) for match in best_matches(weights)] == 2 * [(None, 0, 0)]


def test_what_cannot_be_compared_gets_a_sentence() -> None:
    with pytest.raises(ConvScopeError, match="odd size of at least 3, not 1"):
        best_matches(np.ones((2, 3, 1, 1)))
    with pytest.raises(ConvScopeError, match="odd size of at least 3, not 4"):
        kernel("blur", 4)
    with pytest.raises(ConvScopeError, match="Only square filters"):
        best_matches(np.ones((2, 3, 3, 5)))
    with pytest.raises(ConvScopeError, match='"mean" or "strongest", not \'sum\''):
        best_matches(np.ones((2, 3, 3, 3)), channels="sum")
    with pytest.raises(ConvScopeError, match="no hand-made kernel 'edge': choose one of identity"):
        kernel("edge")
