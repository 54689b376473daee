"""A run's network as one PyTorch script that classifies pictures, with nothing of ConvScope in it."""

from core.exchange.layout import plain, stem
from core.exchange.listing import listing
from core.model.export import to_python
from core.runs.records import Run
from core.runs.training_data import learned_light_on_dark, scale_of

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
LIGHT_ON_DARK = {dark}  # whether it learned light strokes on black: ink on paper is swapped then
MEAN, STD = {mean}, {std}  # of each channel, from 0 to 1: taken from the pixels, and what they are divided by then

{network}

PLACES = ("{weights}", "weights/latest.safetensors")
weights = load_file(next(place for name in PLACES if (place := Path(__file__).parent / name).exists()))
model.load_state_dict({{name: tensor for name, tensor in weights.items() if not name.startswith("training/")}})
model.eval()


def plain_rgb(picture):
    """Return a Pillow picture upright, its 16-bit values as 8 bits, and on white where it is transparent."""
    picture.load()
    try:
        picture = ImageOps.exif_transpose(picture)
    except Exception:  # a picture with damaged EXIF is still a picture
        pass
    if picture.mode.startswith("I"):
        picture = Image.fromarray((np.asarray(picture) >> 8).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        canvas = Image.new("RGBA", picture.size, "white")
        canvas.alpha_composite(picture.convert("RGBA"))
        picture = canvas
    return picture.convert("RGB")


{inverted}


def prepare(picture):
    """Turn a Pillow picture into what the network receives: float32 (1, C, H, W); what does not fit is cut off."""
    picture = plain_rgb(picture)
    swap = LIGHT_ON_DARK and looks_inverted(picture)
    scale = min(picture.width / WIDTH, picture.height / HEIGHT)  # of the largest part in the middle that fits
    width, height = max(1, round(WIDTH * scale)), max(1, round(HEIGHT * scale))
    left, top = int((picture.width - width) * 0.5), int((picture.height - height) * 0.5)
    picture = picture.crop((left, top, left + width, top + height))
    if picture.size != (WIDTH, HEIGHT):
        picture = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    picture = picture.convert("L") if CHANNELS == 1 else picture
    pixels = np.array(ImageOps.invert(picture) if swap else picture)
    images = torch.from_numpy(pixels).reshape(1, HEIGHT, WIDTH, CHANNELS).permute(0, 3, 1, 2)
    mean, std = torch.tensor([MEAN, STD], dtype=torch.float32)[..., None, None]
    return images.to(torch.float32).div_(255).sub(mean).div_(std).contiguous()


@torch.no_grad()
def logits_of(picture):
    """Return the score of each class, (K,), before softmax."""
    return model(prepare(picture))[0]


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):  # names that the console cannot show must not end it
        sys.stdout.reconfigure(errors="replace")
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
        dark=learned_light_on_dark(run),
        inverted=listing("data/images.py", ("looks_inverted",)),
        network=to_python(run.spec).partition("from torch import nn\n")[2].strip("\n"),
    )
