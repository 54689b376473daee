"""Export of a run's network as a stand-alone PyTorch script that classifies pictures."""

from core.data.formats import READABLE
from core.exchange.layout import BACKBONE_WEIGHTS, single_line, stem
from core.model.export import network_code
from core.model.layers import Backbone
from core.model.source_listing import listing
from core.runs.records import Run
from core.runs.training_data import learned_light_on_dark, scale_of
from core.settings import settings

_SCRIPT = '''\
"""{name}: a network trained by ConvScope, in plain PyTorch.

    python predict.py PICTURE ...

says which classes each picture is likeliest to be. It needs torch, numpy, pillow and safetensors, pillow-heif for HEIC
pictures, and the weights, which it looks for beside itself: {weights}, or weights/latest.safetensors
as in the archive of the run.

{paper}From Python, `logits_of(prepare(decode(content)))` does the same with the content of a file.
"""

from __future__ import annotations

import struct
import sys
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps, JpegImagePlugin, UnidentifiedImageError
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
{frozen}model.load_state_dict({{name: tensor for name, tensor in weights.items() if not name.startswith("training/")}})
model.eval()


MAX_PIXELS = {max_pixels}  # larger JPEGs are opened at a fraction of their size, other pictures are not opened


class ImageError(Exception):
    """A picture cannot be read."""


def decode(content):
    """Return the picture of a file's content (bytes): RGB, upright, in sRGB, on white where it is transparent."""
    try:
        with open_picture(content) as picture:
            divisor = divisor_of(picture, content, MAX_PIXELS)
            if not divisor:
                raise ImageError("The picture has more than {{:,}} pixels: make it smaller.".format(MAX_PIXELS))
            reduce_jpeg(picture, divisor, ENOUGH)
            picture = plain_rgb(content, picture)[0]
    except ImageError:
        raise
    except Exception as error:  # Pillow answers damaged files with almost any exception
        raise ImageError("The file is damaged, or no {readable} picture.") from error
    keep_small(picture)
    return picture


def prepare(picture):
    """Turn what `decode` returns into what the network receives: float32 (1, C, H, W); what does not fit is cut off."""
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
    return normalized(images, MEAN, STD).contiguous()


@torch.no_grad()
def logits_of(images):
    """Return the score of each class, (K,), before softmax, of the image that `prepare` returns."""
    return model(images)[0]


# What follows normalises pixels and decodes picture files as ConvScope does, under the names of its source.

{normalizing}


{decoding}


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):  # names that the console cannot show must not end it
        sys.stdout.reconfigure(errors="replace")
    failed = 0
    for name in sys.argv[1:]:
        try:
            images = prepare(decode(Path(name).read_bytes()))
        except (ImageError, OSError) as error:
            print(f"{{name}}: {{error}}", file=sys.stderr)
            failed = 1
            continue
        probabilities = logits_of(images).softmax(0)
        best = probabilities.topk(min(5, len(CLASSES)))
        said = [f"{{CLASSES[index]}} {{share:.1%}}" for share, index in zip(*map(torch.Tensor.tolist, best))]
        print(f"{{name}}: {{', '.join(said)}}")
    sys.exit(failed)
'''
_BACKBONE = f"""\
if (place := Path(__file__).parent / "{BACKBONE_WEIGHTS}").exists():  # what those of an archive leave out
    name = next(iter(model.named_children()))[0]
    kept = {{f"{{name}}.{{entry}}": tensor for entry, tensor in load_file(place).items()}}
    weights = {{entry: tensor for entry, tensor in kept.items() if entry in model.state_dict()}} | weights
"""
_PAPER = """\
It expects digits that are cut out, scaled and centred as MNIST's were. ConvScope finds a digit in a photograph of a
page and lays it out so; this script does not.

"""
# What decodes pictures, in the order in which it is printed.
_DECODING = {
    "data/plain_rgb.py": (),
    "data/formats.py": ("PILLOW", "_HEIC_BRANDS", "is_heic", "_brands"),
    "data/jpeg.py": (),
    "data/exif.py": ("UPRIGHT", "TURNS", "orientation_of"),
    "data/sixteen_bits.py": (
        *("FULL", "_PNG", "_GREY", "_COLOUR", "Levels", "png_header", "eight_bits", "_stretched", "_values"),
        "_with_alpha",
    ),
    "data/stated_colours.py": (),
    "data/srgb.py": (),
    "data/fitting.py": ("looks_inverted",),
}


def to_predictor(run: Run) -> str:
    """Return Python code that loads a run's weights and classifies pictures with them, as the app does.

    Files become the same values as here, since what decodes them is printed from ConvScope's own source. Nothing a
    person wrote (names of runs and classes) can become code.

    Args:
        run: The run.

    Raises:
        SpecError: The record is of another version.
        DataError: How pixels are normalised is not known.
    """
    scaled = scale_of(run)
    return _SCRIPT.format(
        paper=_PAPER if run.dataset_info is not None and run.dataset_info.centred else "",
        name=single_line(run.name).replace("\\", "/").replace('"', "'"),
        weights=f"{stem(run.name)}.safetensors",
        classes="\n".join(f"    {name!a}," for name in run.class_names),
        shape=run.spec.input_shape,
        mean=list(scaled.mean),
        std=list(scaled.std),
        dark=learned_light_on_dark(run),
        max_pixels=settings().max_pixels,
        readable=READABLE,
        normalizing=listing("data/normalization.py", ("normalized",)),
        decoding="\n\n\n".join(listing(file, names) for file, names in _DECODING.items()),
        network=network_code(run.spec).strip("\n"),
        frozen=_BACKBONE if isinstance(run.spec.layers[0], Backbone) else "",
    )
