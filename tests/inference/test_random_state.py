"""The global random states are used by one thread at a time, and left as they were found."""

import threading

import numpy as np
import pytest
import torch

from core.inference.random_state import SeededGlobalState, seeded


def states() -> tuple[list[int], list[int]]:
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()


def test_within_it_is_as_if_seeded_by_hand_and_after_it_as_before() -> None:
    torch.manual_seed(7)
    np.random.seed(7)
    expected, expected_numpy = torch.rand(3), np.random.rand(3)
    torch.manual_seed(1)
    np.random.seed(1)
    before = states()
    with seeded(7) as state:
        first, first_numpy = torch.rand(1), np.random.rand(1)
        state.pause()
        assert states() == before
        other = torch.rand(5)
        state.resume()
        assert torch.equal(torch.cat([first, torch.rand(2)]), expected)
        assert np.array_equal(np.concatenate([first_numpy, np.random.rand(2)]), expected_numpy)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(5), other)
    assert states()[1] == before[1]


def test_one_within_another_draws_its_own_numbers() -> None:
    torch.manual_seed(7)
    expected = torch.rand(4)
    torch.manual_seed(8)
    inner = torch.rand(2)
    before = states()
    with seeded(7) as outer:
        drawn = [torch.rand(2)]
        with seeded(8):
            assert torch.equal(torch.rand(2), inner)
        outer.pause()
        with seeded(8):
            assert torch.equal(torch.rand(2), inner)
        outer.resume()
        drawn.append(torch.rand(2))
    assert torch.equal(torch.cat(drawn), expected)
    assert states() == before


def test_it_is_put_back_after_a_failure_too() -> None:
    before = states()
    with pytest.raises(KeyError), seeded(3):
        torch.rand(2)
        raise KeyError
    assert states() == before
    turn = threading.Thread(target=lambda: seeded(3).__enter__().pause())
    turn.start()
    turn.join(5)
    assert not turn.is_alive()


def test_others_have_their_turn_after_pause_only() -> None:
    order: list[str] = []
    wants = threading.Event()

    def other() -> None:
        wants.set()
        with seeded(1):
            order.append("other")

    with seeded(0) as state:
        thread = threading.Thread(target=other)
        thread.start()
        assert wants.wait(5)
        order.append("first")
        state.pause()
        thread.join(5)
        state.resume()
        order.append("again")
    assert order == ["first", "other", "again"]


def test_a_state_that_is_read_can_be_gone_on_from() -> None:
    one, other = SeededGlobalState(5, numpy=False), SeededGlobalState(6, numpy=False)
    with one:
        torch.rand(3)
    other.set(one.torch)
    with one:
        expected = torch.rand(3)
    with other:
        assert torch.equal(torch.rand(3), expected)
    with pytest.raises(RuntimeError):
        other.set(torch.zeros(4, dtype=torch.uint8))


def test_numpy_may_be_left_out() -> None:
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    with SeededGlobalState(0, numpy=False):
        assert np.random.rand() == expected
