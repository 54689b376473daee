"""One weight under an optimiser, its gradient taken anew at each value."""

import pytest

from core.workbench.weight_trace import trace, where


def test_each_step_begins_where_the_last_one_ended():
    found = trace("gd", 1.0, lambda weight: (2 * weight, weight**2), 3, {"lr": 0.1})
    assert found.values == pytest.approx([1.0, 0.8, 0.64, 0.512])
    assert found.gradients == pytest.approx([2.0, 1.6, 1.28])
    assert found.losses == pytest.approx([1.0, 0.64, 0.4096])


def test_a_weight_is_named_by_its_place():
    assert where((3, 0, 1, 2)) == "filter 3, channel 0, row 1, column 2"
    assert where((4, 5)) == "output 4, input 5"
