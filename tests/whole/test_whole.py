"""A hundred random networks go through the whole of the product; `python -m tests.whole` takes thousands."""

import pytest
import torch

from core.explain.methods.registry import METHODS
from core.model.layers import LAYERS
from tests.whole.places import places
from tests.whole.walk import draw, walk

GROUPS, EACH = 10, 10
METHODS_EACH = 2


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    with places(tmp_path_factory.mktemp("whole")) as found:
        yield found


@pytest.fixture(autouse=True)
def home(where, monkeypatch):
    """Let the tests of this module share one data directory: its data sets are imported once."""
    monkeypatch.setenv("CONVSCOPE_HOME", str(where.home))
    return where.home


@pytest.mark.parametrize("group", range(GROUPS))
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel", "ignore:Setting", "ignore:Input Tensor 0")
def test_random_networks_are_trained_stopped_resumed_exported_imported_repeated_and_explained(group, where):
    for seed in range(group * EACH, (group + 1) * EACH):
        outcome = walk(draw(seed, where.home, methods=METHODS_EACH), where.store, where.other)
        assert outcome.steps or outcome.failure
    assert not where.store.list(1)


def test_what_is_drawn_reaches_every_layer_and_every_method(where):
    cases = [draw(seed, where.home, methods=METHODS_EACH) for seed in range(GROUPS * EACH)]
    assert {type(layer) for case in cases for layer in case.spec.layers} == set(LAYERS.values())
    assert {name for case in cases for name in case.methods} == set(METHODS)
    assert len({case.dataset for case in cases}) == 5
    assert len({case.spec for case in cases}) > 90


def test_a_wrong_loss_is_noticed(where, monkeypatch):
    """The walk itself can fail: a training whose losses depend on how often it was begun does not pass."""
    from core.train.loop import Training

    honest, calls = Training._descend, []

    def drifting(self, batch, share):
        calls.append(1)
        value, hits = honest(self, batch, share)
        return value + 1e-3 * len(calls), hits

    monkeypatch.setattr(Training, "_descend", drifting)
    with pytest.raises(AssertionError), torch.random.fork_rng():
        walk(draw(0, where.home, methods=0), where.store, where.other)
