"""The sizes of the blocks of all pretrained networks, measured on the networks themselves.

`python -m tests.model.backbone_blocks` writes the file that `core.model.backbone_shapes` reads, and prints its name.
"""

import hashlib
import json
from typing import Any

import torch
from torch import Tensor, nn

from core.assets import ASSETS
from core.compat import import_torchvision
from core.model.backbone import blocks_of
from core.model.zoo import BUNDLED, ZOO
from core.model.zoo_modules import lite0, one_module_per_use
from core.probe.layer_graph import layer_graph
from core.probe.module_windows import border

SIDES = 224, 160  # levels of maps are told apart by their sides at both


def fresh(network: str) -> nn.Module:
    """Return a pretrained network without its weights."""
    if network == BUNDLED:
        return lite0().eval()
    return one_module_per_use(import_torchvision().models.get_model(network, weights=None)).eval()


def measured(network: str) -> list[list[Any]]:
    """Return channels, parameters, windows and work of each block of a network, see `BlockSize`."""
    with torch.device("meta"):
        model = fresh(network)
    blocks, found = blocks_of(model.to_empty(device="cpu")), []
    shapes = [(3, side, side) for side in SIDES]
    for block in blocks:
        (channels, *_), windows, work, shapes = _block(block, shapes)
        params = sum(weight.numel() for weight in block.parameters())
        found.append([channels, params, windows, work])
    return found


def _block(block: nn.Module, shapes: list[Any]) -> tuple[Any, list[Any], list[Any], list[Any]]:
    modules = dict(nn.Sequential(block).named_modules())
    steps = layer_graph(nn.Sequential(block), shapes[0])[-1].receptive_field.steps
    windows = []
    for step in steps:
        if step.stride == 1 and step.span == 1:
            continue
        windows.append([step.span, step.stride, step.padding, _behind(modules[step.name], step)])
    levels = [[shape[1]] for shape in shapes]
    for span, stride, front, behind in windows:
        for sides in levels:
            sides.append((sides[-1] + front + behind - span) // stride + 1)
    counts: dict[int, list[int]] = {}
    outputs: list[Any] = []
    for number, shape in enumerate(shapes):
        seen = _passed(block, shape)
        outputs.append(seen.pop())
        if number == 0:
            first = seen
        else:
            for (side, weights, numbers), (other, *_) in zip(first, seen, strict=True):
                pairs = list(zip(*levels, strict=True))
                level = -1 if side == other == 1 else pairs.index((side, other))
                count = counts.setdefault(level, [0, 0])
                count[0] += weights
                count[1] += numbers
    assert [shape[1] for shape in outputs] == [sides[-1] for sides in levels], (outputs, levels)
    return outputs[0], windows, [[level, *count] for level, count in sorted(counts.items())], outputs


def _behind(module: nn.Module, step: Any) -> int:
    if isinstance(module, nn.Conv2d):
        return int(border(module)[2])
    ceil_mode = bool(getattr(module, "ceil_mode", False))
    return int(step.padding) + (step.stride - 1) * ceil_mode


def _passed(block: nn.Module, shape: Any) -> list[Any]:
    """Return the side, multiply-adds and numbers for each place of every convolution, and the shape that comes out."""
    seen: list[Any] = []

    def look(module: nn.Module, _: Any, output: Tensor) -> None:
        side = output.shape[-1] if isinstance(module, nn.Conv2d) else output.shape[1] if output.dim() == 4 else 1
        channels = output.shape[1] if isinstance(module, nn.Conv2d) else output.shape[-1]
        weight: Any = module.weight
        seen.append((int(side), weight.numel(), int(channels)))

    hooks = [part.register_forward_hook(look) for part in block.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        output = block(torch.zeros(1, *shape))
    for hook in hooks:
        hook.remove()
    return [*seen, tuple(output.shape[1:])]


def text() -> str:
    """Return the content of the file."""
    networks = [f'"{name}": [\n{_lines(measured(name))}\n]' for name in ZOO]
    return "{\n" + ",\n".join(networks) + "\n}\n"


def _lines(blocks: list[list[Any]]) -> str:
    return ",\n".join(json.dumps(block, separators=(",", ":")) for block in blocks)


if __name__ == "__main__":
    content = text().encode()
    checksum = hashlib.sha256(content).hexdigest()[:8]
    path = ASSETS / "backbones" / f"blocks-{checksum}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    print(path.name)
