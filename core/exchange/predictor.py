"""A run's network as one PyTorch script that classifies pictures, with nothing of ConvScope in it."""

from core.exchange.layout import plain, stem
from core.model.export import to_python
from core.runs.records import Run
from core.runs.training_data import scale_of

_SCRIPT = '''\
"""{name}: a network trained by ConvScope, in plain PyTorch.

    python predict.py PICTURE ...

says which classes each picture is likeliest to be. It needs torch, numpy, pillow, safetensors and the weights, which it
looks for beside itself: {weights}, or weights/latest.safetensors as in the archive of the run.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch import nn

CLASSES = (
{classes}
)
CHANNELS, HEIGHT, WIDTH = {shape}
MEAN, STD = {mean}, {std}  # of each channel, from 0 to 1: taken from the pixels, and what they are divided by then

{network}

PLACES = ("{weights}", "weights/latest.safetensors")
weights = load_file(next(place for name in PLACES if (place := Path(__file__).parent / name).exists()))
model.load_state_dict({{name: tensor for name, tensor in weights.items() if not name.startswith("training/")}})
model.eval()


def prepare(picture):
    """Turn a Pillow picture into what the network receives: float32 (1, C, H, W); what does not fit is cut off."""
    picture = ImageOps.exif_transpose(picture).convert("RGB")
    if picture.size != (WIDTH, HEIGHT):
        picture = ImageOps.fit(picture, (WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    pixels = np.array(picture.convert("L") if CHANNELS == 1 else picture)
    images = torch.from_numpy(pixels).reshape(1, HEIGHT, WIDTH, CHANNELS).permute(0, 3, 1, 2)
    mean, std = torch.tensor([MEAN, STD], dtype=torch.float32)[..., None, None]
    return images.to(torch.float32).div_(255).sub(mean).div_(std).contiguous()


@torch.no_grad()
def logits_of(picture):
    """Return the score of each class, (K,), before softmax."""
    return model(prepare(picture))[0]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with Image.open(name) as picture:
            probabilities = logits_of(picture).softmax(0)
        best = probabilities.topk(min(5, len(CLASSES)))
        said = [f"{{CLASSES[index]}} {{share:.1%}}" for share, index in zip(*map(torch.Tensor.tolist, best))]
        print(f"{{name}}: {{', '.join(said)}}")
'''


def to_predictor(run: Run) -> str:
    """Return Python code that loads a run's weights and classifies pictures with them, as the app does.

    A picture that has the network's size gets the same logits as here. Nothing a person wrote (names of runs and
    classes) can become code.

    Args:
        run: The run.

    Raises:
        SpecError: The record is of another version.
        DataError: How pixels are normalised is not known.
    """
    scaled = scale_of(run)
    return _SCRIPT.format(
        name=plain(run.name).replace("\\", "/").replace('"', "'"),
        weights=f"{stem(run.name)}.safetensors",
        classes="\n".join(f"    {name!a}," for name in run.class_names),
        shape=run.spec.input_shape,
        mean=list(scaled.mean),
        std=list(scaled.std),
        network=to_python(run.spec).partition("from torch import nn\n")[2].strip("\n"),
    )
