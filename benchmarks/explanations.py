"""What explanations of a 32×32 image cost on the tutorial's network, against Captum called directly.

`python -m benchmarks.explanations [repeats]` first makes sure that both give the same values, then times them in turn.
"""

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import torch

from benchmarks.explanations_bare import BARE, OPTIONS, TARGET, occlusion, prepared, tutorial
from benchmarks.table import print_table
from core.explain.attribution import attribute
from core.explain.methods.registry import METHODS
from core.inference.random_state import seeded

PICTURE = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
EIGHT: dict[str, dict[str, Any]] = {
    "saliency": {},
    "input_x_gradient": {},
    "integrated_gradients": {"steps": 50},
    "smooth_grad": {"samples": 25},
    "guided_backprop": {},
    "deconvolution": {},
    "grad_cam": {},
    "deep_lift": {},
}


def milliseconds(work: Callable[[], Any]) -> float:
    """Time one call."""
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def in_turn(contenders: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Time contenders one after the other, round by round; the first round warms up."""
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, work in contenders.items():
            spent = milliseconds(work)
            if turn:
                samples[name].append(spent)
    return samples


def ours(model: torch.nn.Module, method: str, **options: Any) -> torch.Tensor:
    """Explain as the pages do, which know the scores already."""
    known = _scores(model)
    return attribute(model, PICTURE, TARGET, method, logits=known, **OPTIONS.get(method, {}), **options).values


@cache
def _scores(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        scores: torch.Tensor = model(PICTURE[None])[0]
    return scores


def overhead(repeats: int) -> None:
    """Print what every method costs bare, in ConvScope and in proportion; the values have to be the same."""
    model = tutorial()
    bare: dict[str, Callable[[], torch.Tensor]] = {}
    for method, call in BARE.items():
        bare[method] = partial(call, prepared(method), PICTURE[None].clone().requires_grad_())
        with seeded(0):
            expected = bare[method]().detach().float()[0]
        found = ours(model, method)
        assert torch.allclose(found, expected[0] if found.ndim == 2 else expected, atol=1e-5), method
    spent = {
        method: in_turn({"bare": call, "ours": partial(ours, model, method)}, repeats) for method, call in bare.items()
    }
    titles = {method: METHODS[method].title for method in spent}
    print_table("Bare Captum", "ms", {titles[method]: times["bare"] for method, times in spent.items()})
    print_table("ConvScope", "ms", {titles[method]: times["ours"] for method, times in spent.items()})
    ratios = {titles[method]: _ratios(times["ours"], times["bare"]) for method, times in spent.items()}
    sums = [
        [sum(each) for each in zip(*(times[who] for times in spent.values()), strict=True)] for who in ("ours", "bare")
    ]
    print_table("ConvScope against bare Captum", "ratio", ratios | {"all methods together": _ratios(*sums)})


def _ratios(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return [first / second for first, second in zip(one, other, strict=True)]


def eight(repeats: int) -> None:
    """Print what the eight gradient methods of one image cost together."""
    model = tutorial()

    def all_of_them() -> None:
        for method, options in EIGHT.items():
            ours(model, method, **options)

    print_table("Eight gradient methods together", "ms", in_turn({"all eight": all_of_them}, repeats))


def batches(repeats: int) -> None:
    """Print what occlusion costs with many squares at a time and with one."""
    model, network = tutorial(), tutorial()
    image = PICTURE[None]
    contenders: dict[str, Callable[[], Any]] = {
        "one by one": lambda: occlusion(network, image, 1),
        "batched, bare": lambda: occlusion(network, image),
        "batched, ConvScope": lambda: ours(model, "occlusion"),
    }
    print_table("Occlusion, 225 squares", "ms", in_turn(contenders, repeats), against="one by one")


def main() -> None:
    warnings.filterwarnings("ignore")
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    torch.set_num_threads(1)  # as the pages do
    overhead(repeats)
    eight(repeats)
    batches(repeats)


if __name__ == "__main__":
    main()
