"""Random numbers are the same each time, whoever else draws, and the global generators are left as found."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from core.explain.attribution import attribute
from core.explain.dice import seeded
from core.explain.methods import METHODS
from tests.explain.test_attribution import network, picture

pytestmark = pytest.mark.filterwarnings("ignore")


def states() -> tuple[torch.Tensor, bytes]:
    return torch.get_rng_state(), np.random.get_state()[1].tobytes()


def test_within_it_is_as_if_seeded_by_hand_and_after_it_as_before() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(1)
    np.random.seed(1)
    before = states()
    with seeded(7) as dice:
        first = torch.rand(1)
        dice.pause()
        assert torch.equal(states()[0], before[0])
        other = torch.rand(5)
        dice.resume()
        assert torch.equal(torch.cat([first, torch.rand(2)]), expected)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(5), other)
    assert states()[1] == before[1]


def test_it_is_put_back_after_a_failure_too() -> None:
    before = states()
    with pytest.raises(KeyError), seeded(3):
        torch.rand(2)
        raise KeyError
    assert torch.equal(states()[0], before[0])
    with seeded(3):  # and the turn has passed on
        pass


def test_others_have_their_turn_while_the_network_computes() -> None:
    had_turn = threading.Event()

    def other() -> None:
        with seeded(1):
            had_turn.set()

    with seeded(0) as dice:
        thread = threading.Thread(target=other)
        thread.start()
        assert not had_turn.wait(0.05)
        dice.pause()
        assert had_turn.wait(5)
        thread.join()
        dice.resume()


def test_random_methods_at_the_same_time_do_not_mix() -> None:
    net, image = network(), picture()
    jobs = [name for name, method in METHODS.items() if method.random] * 3
    few = {"lime": {"samples": 40}, "kernel_shap": {"samples": 40}}
    alone = [attribute(net, image, 0, name, **few.get(name, {})).values for name in jobs]
    before = states()
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda name: attribute(net, image, 0, name, **few.get(name, {})).values, jobs))
    assert all(torch.allclose(one, same, atol=1e-6) for one, same in zip(alone, together, strict=True))
    assert torch.equal(states()[0], before[0])
    assert states()[1] == before[1]


@pytest.mark.parametrize("method", [name for name in METHODS if name != "neuron_gradient"])  # over before it tells
def test_cancelled_half_way_nothing_is_left(method: str) -> None:
    class Enough(BaseException):
        """Raised by whoever cancels."""

    net, image = network().train(), picture()
    before = states()

    def stop(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        attribute(net, image, 3, method, progress=stop)
    assert all(module.training for module in net.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks for module in net)
    assert torch.equal(states()[0], before[0])
    assert attribute(net, image, 3, method).values.abs().max() > 0
