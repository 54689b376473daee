"""The film strip's pictures: who is pinned, what is guessed, and how many pixels that may be."""

import numpy as np
import pytest

from core.figures.film import (
    MAX_SIDE,
    MAX_TILES,
    ClassProbability,
    filter_tiles,
    image_tiles,
    images_to_follow,
    map_tiles,
    top_classes,
)
from core.figures.grids import filters_as_rgb

LABELS = [3, 0, 1, 1, 0, 2, 3, 2]


def test_guesses_are_the_likeliest_first_and_know_the_truth():
    said = top_classes([[0.1, 0.6, 0.3], [0.2, 0.3, 0.5]], [2, 2], top=2)
    assert said == (
        (ClassProbability(1, 0.6, False), ClassProbability(2, 0.3, True)),
        (ClassProbability(2, 0.5, True), ClassProbability(1, 0.3, False)),
    )


def test_at_first_the_first_image_of_each_class_is_pinned():
    assert images_to_follow(LABELS, 4, count=4) == (1, 2, 5, 0)
    assert images_to_follow(LABELS, 4, count=3) == (1, 2, 5)


def test_few_classes_give_more_images_each_and_few_images_are_all():
    assert images_to_follow([0, 1, 0, 1, 0], 2, count=4) == (0, 2, 1, 3)
    assert sorted(images_to_follow([0, 0, 1], 2)) == [0, 1, 2]


def test_another_seed_draws_others_of_the_same_classes():
    labels = np.repeat(np.arange(10), 20)
    first, second, again = (images_to_follow(labels, 10, seed=seed) for seed in (0, 1, 1))
    assert second == again != first
    assert labels[list(second)].tolist() == labels[list(first)].tolist() == list(range(8))


def test_images_stay_what_they_are():
    grey = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 1, 4, 4)
    tiles = image_tiles(grey)
    assert (tiles.pixels == grey.transpose(0, 2, 3, 1)).all() and tiles.pixels.shape == (2, 4, 4, 3)
    colour = np.random.default_rng(0).integers(0, 255, (3, 3, 5, 5), dtype=np.uint8)
    assert (image_tiles(colour).pixels == colour.transpose(0, 2, 3, 1)).all()


def test_large_pictures_are_thinned():
    assert image_tiles(np.zeros((1, 3, 300, 200), dtype=np.uint8)).pixels.shape[1:3] == (60, 40)
    assert max(map_tiles(np.ones((2, 129, 129))).pixels.shape[1:3]) <= MAX_SIDE


def test_filters_over_colours_are_colours_and_others_show_their_strongest_kernel_in_one_scale():
    weights = np.random.default_rng(0).normal(size=(5, 3, 3, 3))
    tiles = filter_tiles(weights)
    assert tiles.scale is None and (tiles.pixels == filters_as_rgb(weights)).all()
    weights = np.zeros((2, 2, 1, 1))
    weights[:, :, 0, 0] = [[0.1, -0.4], [0.2, 0.1]]
    tiles = filter_tiles(weights)
    assert tiles.scale is not None
    assert (tiles.pixels[:, 0, 0] == tiles.scale.rgb([-0.4, 0.2])).all()


@pytest.mark.parametrize("make", [lambda many: filter_tiles(many[:, None]), map_tiles])
def test_many_tiles_are_the_first_ones_and_their_number_is_known(make):
    tiles = make(np.random.default_rng(0).normal(size=(MAX_TILES + 9, 3, 3)))
    assert (len(tiles.pixels), tiles.total) == (MAX_TILES, MAX_TILES + 9)
