"""Random methods give the same map each time, whatever other threads compute, and leave the random state as found."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from core.explain.attribution import attribute
from core.explain.methods.registry import METHODS
from core.explain.metrics.randomization import untrained
from core.inference import random_state
from core.model.build import build_model
from core.model.layers import Activation, Conv, Dense, Dropout, Flatten
from core.model.spec import ModelSpec
from core.probe.autograd_reference import layer_pass
from tests.explain.test_attribution import network, picture

pytestmark = pytest.mark.filterwarnings("ignore")

NET, IMAGE = network(), picture()
RANDOM = [name for name, method in METHODS.items() if method.random]
FEW = {
    "rise": {"samples": 16},
    "lime": {"samples": 40},
    "kernel_shap": {"samples": 40},
    "shapley_sampling": {"samples": 3},
}
SPEC = ModelSpec("drops", (1, 8, 8), 3, (Conv(4), Activation(), Dropout(), Flatten(), Dense(3)))
IMAGES, LABELS = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0])


def states() -> tuple[torch.Tensor, bytes]:
    return torch.get_rng_state(), np.random.get_state()[1].tobytes()


def dropped() -> torch.Tensor:
    found = layer_pass(build_model(SPEC), "dropout1", IMAGES, LABELS, functional.cross_entropy, training=True, seed=3)
    return torch.from_numpy(found.outputs)


def weights() -> torch.Tensor:
    return torch.cat([weight.flatten() for weight in build_model(SPEC, seed=2).state_dict().values()])


def anew() -> torch.Tensor:
    return torch.cat([weight.flatten() for weight in untrained(NET, seed=2).state_dict().values()])


def a_map_of(method: str) -> torch.Tensor:
    return attribute(NET, IMAGE, 0, method, **FEW.get(method, {"samples": 4})).values


WORK: dict[str, Callable[[], torch.Tensor]] = {"layer_pass": dropped, "build_model": weights, "untrained": anew} | {
    name: lambda name=name: a_map_of(name)
    for name in RANDOM  # type: ignore[misc]
}


@contextmanager
def others_at_work(*work: Callable[[], Any]) -> Iterator[None]:
    """Let other threads do this over and over."""
    over = threading.Event()

    def repeat(each: Callable[[], Any]) -> int:
        count = 0
        while not over.is_set() or not count:
            each()
            count += 1
        return count

    with ThreadPoolExecutor(len(work)) as pool:
        running = [pool.submit(repeat, each) for each in work]
        try:
            yield
        finally:
            over.set()
        assert all(each.result() for each in running)


@pytest.mark.parametrize("name", WORK)
def test_the_same_numbers_beside_other_threads(name: str) -> None:
    expected, before = WORK[name](), states()
    with others_at_work(weights, dropped, lambda: a_map_of("kernel_shap")):
        found = [WORK[name]() for _ in range(12)]
    assert expected.any() and all(torch.equal(each, expected) for each in found)
    assert torch.equal(states()[0], before[0])
    assert states()[1] == before[1]


class Unguarded(TorchDispatchMode):
    """Collects what draws from torch's global random state while this thread does not hold it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.guarded = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = (*args, *(kwargs or {}).values())
        draws = torch.Tag.nondeterministic_seeded in func.tags
        if draws and not any(isinstance(value, torch.Generator) for value in given):
            if random_state._LOCK._is_owned():  # type: ignore[attr-defined]
                self.guarded += 1
            else:
                self.found.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", [*WORK, *(name for name in METHODS if name not in RANDOM)])
def test_nothing_is_drawn_from_the_global_state_unless_it_is_held(name: str) -> None:
    with Unguarded() as seen:
        if name in WORK:
            WORK[name]()
        else:
            attribute(NET, IMAGE, 0, name)
    assert not seen.found
    assert bool(seen.guarded) == (name in WORK and name not in ("build_model", "rise"))


@pytest.mark.parametrize("method", METHODS)
def test_cancelled_half_way_nothing_is_left(method: str) -> None:
    class Enough(BaseException):
        """Raised by whoever cancels."""

    net, image = network().train(), picture()
    before, told = states(), list[int]()

    def stop(done: int, total: int) -> None:
        told.append(done)
        raise Enough

    with pytest.raises(Enough):
        attribute(net, image, 3, method, progress=stop)
    assert len(told) == 1
    assert all(module.training for module in net.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks for module in net)
    assert torch.equal(states()[0], before[0])
    assert attribute(net, image, 3, method).values.abs().max() > 0
