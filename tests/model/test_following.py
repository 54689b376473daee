"""A network is followed while other threads use networks, and neither minds the other."""

import threading

import torch
from torch import nn

from core.model.build import build_model
from core.model.following import traced_module
from core.model.presets import preset


def test_passes_of_other_threads_go_on_and_stay_out_of_the_graph() -> None:
    spec = preset("resnet", (3, 32, 32), 10)
    model, other = build_model(spec).eval(), build_model(spec, seed=1).eval()
    image = torch.zeros(1, 3, 32, 32)
    with torch.no_grad():
        expected = [net(image) for net in (model, other)]
    over, wrong, passes = threading.Event(), list[object](), list[int]()

    def use() -> None:
        while not over.is_set():
            try:
                with torch.no_grad():
                    if not torch.equal(other(image), expected[1]):
                        wrong.append("another answer")
            except Exception as error:
                wrong.append(error)
            passes.append(1)

    call, get = nn.Module.__call__, nn.Module.__getattr__
    threads = [threading.Thread(target=use) for _ in range(2)]
    made: list[torch.fx.GraphModule] = []

    def follow() -> None:
        rounds = 0
        while rounds < 8 or len(passes) <= 4:  # however busy the machine is, the others pass meanwhile
            made.append(traced_module(model))
            rounds += 1

    followers = [threading.Thread(target=follow) for _ in range(2)]
    for thread in (*threads, *followers):
        thread.start()
    for thread in followers:
        thread.join()
    over.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(passes) > 4
    assert len({str(each.graph) for each in made}) == 1
    with torch.no_grad():
        assert torch.equal(made[0](image), expected[0])
    assert (nn.Module.__call__, nn.Module.__getattr__) == (call, get)
