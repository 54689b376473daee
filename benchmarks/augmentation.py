"""Cost of augmenting a batch, beside a training step of the tutorial's network on the same batch.

`python -m benchmarks.augmentation [rounds]` takes turns in one process: a step without augmentation (64 images of
3×32×32, Adam, the precision that this machine is quickest in), then each kind alone, then all together.
"""

import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.table import print_table
from core.data.augment import Augmentation, augment
from core.model.build import build_model
from core.model.presets import preset
from core.settings import settings
from core.train.hardware import pick_device, pick_precision

BATCH = 64
MODERATE = {"flip": 0.5, "shift": 0.1, "rotation": 15.0, "crop": 0.2, "jitter": 0.2, "cutout": 0.25}
MIXES = {
    **{f"{kind} {strength:g}": Augmentation(**{kind: strength}) for kind, strength in MODERATE.items()},
    "flip and shift": Augmentation(flip=0.5, shift=0.1),
    "all six": Augmentation(**MODERATE),
}


def training_step(device: torch.device) -> Callable[[Tensor, Tensor], None]:
    """Return a function that updates the tutorial's network once, from uint8 images to new weights."""
    precision = pick_precision("auto", device)
    model: nn.Module = build_model(preset("tutorial", (3, 32, 32), 10)).to(device)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def step(images: Tensor, labels: Tensor) -> None:
        inputs = images.float().div_(255).sub_(0.5).div_(0.25).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            loss = functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()

    return step


def measure(rounds: int) -> dict[str, list[float]]:
    """Take turns and return milliseconds of each contender."""
    device = pick_device("auto")
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (BATCH, 3, 32, 32), generator=generator).to(device, torch.uint8)
    labels = torch.randint(0, 10, (BATCH,), generator=generator).to(device)
    step, images = training_step(device), pixels.float().div_(255)
    samples: dict[str, list[float]] = {name: [] for name in ("training step", *MIXES)}
    for turn in range(-10, rounds):  # the first ten warm up
        for name, values in samples.items():
            began = time.perf_counter()
            if name in MIXES:
                augment(images, MIXES[name], generator)[0, 0, 0, 0].item()  # waits for a GPU
            else:
                step(pixels, labels)
            if turn >= 0:
                values.append(1000 * (time.perf_counter() - began))
    return samples


def main() -> None:
    torch.set_num_threads(settings().threads)
    samples = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    print_table(f"Augmenting {BATCH} images of 3×32×32", "ms", samples, against="training step")


if __name__ == "__main__":
    main()
