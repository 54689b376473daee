"""What judging a network costs: a split against the bare forward pass, and the images behind a cell of the matrix.

`python -m benchmarks.evaluation [repeats]` asks the tutorial's network about 10,000 images of 32×32. The bare pass gets
images that are normalised already, in batches of the same size and in larger ones; contenders take turns. Then a run is
recorded, and whole runs of the page's script are timed inside `streamlit.testing.v1.AppTest`, which is more than the
fragment that a click on a cell runs again.
"""

import logging
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.table import print_table
from core.evaluation import answers_of, report_of
from core.explain.prediction import batch_size
from core.model.build import build_model
from core.model.presets import preset

IMAGES, LARGE = 10_000, 256


def unit(images: Tensor) -> Tensor:
    """Normalise as data sets do."""
    mean, std = torch.full((2, 3, 1, 1), 0.5)
    return images.to(torch.float32).div_(255).sub(mean).div_(std)


def bare(model: nn.Module, images: Tensor, size: int) -> None:
    """Pass normalised images through a network and keep nothing but its answers."""
    with torch.no_grad():
        torch.cat([model(batch) for batch in images.split(size)])


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def against_the_bare_pass(repeats: int) -> dict[str, list[float]]:
    """Return seconds by contender."""
    dice = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (IMAGES, 3, 32, 32), dtype=torch.uint8, generator=dice)
    labels = torch.randint(0, 10, (IMAGES,), generator=dice)
    model, images = build_model(preset("tutorial", (3, 32, 32), 10)).eval(), unit(pixels)
    contenders: dict[str, Callable[[], object]] = {
        "bare forward pass": lambda: bare(model, images, batch_size(images)),
        f"bare, batches of {LARGE}": lambda: bare(model, images, LARGE),
        "answers to a split": lambda: answers_of(model, pixels, labels, normalize=unit),
        "answers and all figures": lambda: report_of(answers_of(model, pixels, labels, normalize=unit)),
    }
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, work in contenders.items():
            took = seconds(work)
            if turn:  # the first round warms up
                samples[name].append(took)
    return samples


def main() -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)  # as the pages do
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print_table(
        f"{IMAGES:,} images, the tutorial's network", "s", against_the_bare_pass(repeats), against="bare forward pass"
    )


if __name__ == "__main__":
    main()
