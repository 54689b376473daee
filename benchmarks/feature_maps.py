"""Server time of a grid of feature maps: from a picture to one PNG, for every layer of 32×32 networks.

`python -m benchmarks.feature_maps [repeats]`
"""

import sys
import time

import torch

from benchmarks.table import print_table
from core.figures.grids import colorize, sprite
from core.figures.scales import ColorScale
from core.model.build import build_model
from core.model.presets import PRESETS, preset
from core.probe.activations import capture_activations


def seconds(model: torch.nn.Sequential, images: torch.Tensor, layer: str) -> float:
    """Time what the page does when a layer is chosen."""
    began = time.perf_counter()
    maps = capture_activations(model, images, [layer])[layer][0].numpy()
    sprite(colorize(maps, ColorScale.of(maps)), columns=8)
    return time.perf_counter() - began


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    torch.set_num_threads(1)  # as the pages do
    for name in PRESETS:
        model = build_model(preset(name, (3, 32, 32), 10)).eval()
        images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        outputs = capture_activations(model, images)
        layers = [layer for layer, output in outputs.items() if output.dim() == 4 and output.shape[2] > 1]
        samples: dict[str, list[float]] = {f"{layer} {tuple(outputs[layer].shape[1:])}": [] for layer in layers}
        for _ in range(repeats):
            for layer, key in zip(layers, samples, strict=True):
                samples[key].append(1000 * seconds(model, images, layer))
        print_table(f"Feature maps, {name}", "ms", samples)


if __name__ == "__main__":
    main()
