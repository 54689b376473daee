"""Races follow torch's optimisers step for step, end where they leave the picture, and come down."""

import numpy as np
import pytest
import torch

from core.errors import ConvScopeError
from core.maths.landscapes import LANDSCAPES
from core.maths.optimizers import OPTIMIZERS
from core.maths.races import arrival, race


@pytest.mark.parametrize("name", LANDSCAPES)
def test_with_the_landscapes_own_rates_everyone_comes_down_and_stays_in_the_picture(name: str):
    landscape = LANDSCAPES[name]
    for path in race(name, landscape.start, OPTIMIZERS, 60).values():
        assert path.shape == (61, 2)
        assert path[0].tolist() == list(landscape.start)
        assert np.isfinite(path).all()
        assert landscape.value(path[-1]) < 0.5 * abs(landscape.value(landscape.start))


def test_a_path_is_that_of_torch():
    point = torch.tensor([-1.5, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([point], lr=0.0005, momentum=0.7, nesterov=True)
    theirs = [point.detach().clone()]
    for _ in range(20):
        optimizer.zero_grad()
        ((1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2).backward()
        optimizer.step()
        theirs.append(point.detach().clone())
    ours = race("rosenbrock", (-1.5, 2), ["nesterov"], 20, {"nesterov": 0.0005}, momentum=0.7)["nesterov"]
    np.testing.assert_allclose(ours, torch.stack(theirs), rtol=1e-9)


def test_plain_descent_by_hand():
    path = race(LANDSCAPES["bowl"], (1, -2), ["gd"], 2, {"gd": 0.25})["gd"]
    assert path.tolist() == [[1, -2], [0.5, -1], [0.25, -0.5]]


@pytest.mark.filterwarnings("error")
def test_who_leaves_the_picture_stops_there():
    path = race("rosenbrock", (-1.5, 2), ["gd", "adam"], 200, {"gd": 0.1})
    out = path["gd"]
    gone = np.isnan(out).any(axis=1)
    assert gone.argmax() == 2  # the first step already led out of the picture
    assert gone[2:].all()
    assert np.isfinite(path["adam"]).all()


def test_noise_is_the_same_for_all_but_full_descent_and_comes_back_with_its_seed():
    quiet = race("bowl", (1, 1), ["gd", "sgd"], 10)
    noisy = race("bowl", (1, 1), ["gd", "sgd", "momentum"], 10, noise=0.2, seed=3)
    again = race("bowl", (1, 1), ["sgd"], 10, noise=0.2, seed=3)
    assert np.array_equal(quiet["gd"], quiet["sgd"])
    assert np.array_equal(quiet["gd"], noisy["gd"])
    assert np.array_equal(noisy["sgd"], again["sgd"])
    assert not np.array_equal(noisy["sgd"], quiet["sgd"])
    assert not np.array_equal(race("bowl", (1, 1), ["sgd"], 10, noise=0.2, seed=4)["sgd"], again["sgd"])
    pushed = (noisy["sgd"][1] - quiet["sgd"][1]) / LANDSCAPES["bowl"].lrs["sgd"]
    rolled = (noisy["momentum"][1] - (1 - 2 * LANDSCAPES["bowl"].lrs["momentum"])) / LANDSCAPES["bowl"].lrs["momentum"]
    np.testing.assert_allclose(pushed, rolled, rtol=1e-9)


def test_unknown_names_get_a_sentence():
    with pytest.raises(ConvScopeError, match="no landscape 'alps'"):
        race("alps", (0, 0), ["gd"], 1)
    with pytest.raises(ConvScopeError, match="no learning rate for 'adagrad'"):
        race("bowl", (0, 0), ["adagrad"], 1)
    with pytest.raises(ConvScopeError, match="no optimiser 'adagrad'"):
        race("bowl", (0, 0), ["adagrad"], 1, {"adagrad": 0.1})


def test_a_racer_arrives_leaves_or_is_still_on_its_way():
    bowl = LANDSCAPES["bowl"]
    assert arrival(bowl, np.array([[1.0, 1.0], [0.0, 0.05], [0.0, 0.0]])) == "step 1"
    assert arrival(bowl, np.array([[0.0, 0.0], [1.0, 1.0]])) == "not yet"
    assert arrival(bowl, np.array([[1.0, 1.0], [7.0, 1.0], [np.nan, np.nan]])) == "left at 1"
