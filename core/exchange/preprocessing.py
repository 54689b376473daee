"""Preprocessing of a run's network, from a picture file to its input tensor, in words and as plain Python.

The model card and the notes of the ONNX file say it from here; `predict.py` does the same with every kind of file.
"""

from core.data.plain_rgb import ENOUGH, KEPT_SIDE, LEAST_SIDE
from core.errors import DataError
from core.runs.records import Run
from core.runs.training_data import learned_light_on_dark, scale_of

_CODE = """\
import io

import numpy as np
from PIL import Image, ImageCms, ImageOps

CHANNELS, HEIGHT, WIDTH = {shape}
MEAN, STD = {mean}, {std}
LIGHT_ON_DARK = {dark}


def prepare(path):
    picture = Image.open(path)
    small = max({enough}, -(-{least} * max(picture.size) // min(picture.size))) / max(picture.size)
    if picture.format == "JPEG" and small < 1:
        picture.draft(None, tuple(int(side * small) for side in picture.size))
    profile = picture.info.get("icc_profile")
    picture = ImageOps.exif_transpose(picture)
    if picture.has_transparency_data or picture.mode == "P":
        picture = picture.convert("RGBA")
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
    if profile:
        plain = picture.convert(picture.mode.rstrip("A"))
        picture = ImageCms.profileToProfile(
            plain, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB", flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    picture = picture.convert("RGB")
    if alpha is not None:
        picture = Image.composite(picture, Image.new("RGB", picture.size, "white"), alpha)
    kept = max({kept}, -(-{least} * max(picture.size) // min(picture.size)))
    picture.thumbnail((kept, kept))
    swap = LIGHT_ON_DARK and looks_dark_on_light(picture)
    scale = min(picture.width / WIDTH, picture.height / HEIGHT)
    width, height = max(1, round(WIDTH * scale)), max(1, round(HEIGHT * scale))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    picture = picture.crop((left, top, left + width, top + height))
    picture = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    picture = picture.convert("L" if CHANNELS == 1 else "RGB")
    pixels = np.asarray(ImageOps.invert(picture) if swap else picture, np.float32).reshape(HEIGHT, WIDTH, CHANNELS)
    return ((pixels / 255 - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32)


def looks_dark_on_light(picture):
    grey = np.asarray(picture.convert("L").resize((64, 64), Image.Resampling.BOX))
    border = np.concatenate([grey[:3].ravel(), grey[-3:].ravel(), grey[:, :3].ravel(), grey[:, -3:].ravel()])
    darkest, lightest = np.percentile(grey, (2, 98))
    return np.median(border) > (darkest + lightest) / 2
"""


PAPER = (
    "Digits on paper: the app finds the digit, takes paper, shadow and lines away, scales it to 20 of 28 pixels "
    "and centres it by its mass, as MNIST's were. The exported code does not: give it pictures that are prepared so."
)


def preprocessing(run: Run) -> tuple[str, ...]:
    """Return the steps from a picture file to the input of a run's network in their order, a sentence or two each.

    Where it is not known how pixels are normalised, that is one of the sentences.
    """
    channels, height, width = run.spec.input_shape
    steps = [
        "Orientation: turn the picture upright as its EXIF orientation says; of an animation the first frame counts.",
        "Bits: 8 for each value; 16-bit values are scaled from 0–65,535 to 0–255. A picture that uses only the lowest "
        "of them comes out nearly black: spread it over all of them first.",
        "Colour profile: convert to sRGB (relative colorimetric, black point compensation) where the file carries or "
        "states another one. Colours for HDR screens (PQ or HLG) are left as they are, and look pale: export such a "
        "picture in sRGB first.",
        "Transparency: lay the picture on white.",
        f"Size: reduce one whose longer side has more than {KEPT_SIDE:,} pixels to that (bicubic; the shorter side "
        f"keeps {LEAST_SIDE} or more). JPEG files are decoded at 1/2, 1/4 or 1/8 where {ENOUGH} pixels remain.",
        f"Crop: cut out the largest part of {height} × {width} proportions (height × width) in the middle.",
        f"Resize: to {height} × {width} pixels by Lanczos filtering (that of Pillow, which averages over what "
        "disappears).",
    ]
    if channels == 1:
        steps.append("Grey: 0.299 red + 0.587 green + 0.114 blue, one channel.")
    else:
        steps.append("Colour: three channels in the order red, green, blue.")
    if run.dataset_info is not None and run.dataset_info.centred:
        steps.insert(5, PAPER)
    try:
        scaled, dark = scale_of(run), learned_light_on_dark(run)
    except DataError as error:
        return (*steps, f"Normalise: it is not known how. {error}")
    if dark:
        steps.append(
            "Polarity: the network learned light strokes on black. Swap dark and light (255 − value) where the picture "
            "is dark on light: where, of the whole picture in grey at 64 × 64 (box filter), the median of a border of "
            "3 pixels lies above the mean of the 2nd and 98th percentiles."
        )
    else:
        steps.append("Polarity: as it is; dark and light are not swapped.")
    mean, std = (", ".join(f"{value:.9g}" for value in values) for values in (scaled.mean, scaled.std))
    steps.append(
        f"Normalise: divide by 255, subtract the mean {mean}, then divide by {std}"
        + (" (of each channel)." if channels > 1 else ".")
    )
    steps.append(f"Layout: float32 (N, {channels}, {height}, {width}): images, channels, rows from the top, columns.")
    return tuple(steps)


def preprocessing_code(run: Run) -> str:
    """Return a function of plain Pillow and NumPy that does those steps for usual 8-bit files; empty if not known."""
    try:
        scaled, dark = scale_of(run), learned_light_on_dark(run)
    except DataError:
        return ""
    numbers = {"mean": list(scaled.mean), "std": list(scaled.std), "dark": dark}
    sizes = {"enough": ENOUGH, "least": LEAST_SIDE, "kept": KEPT_SIDE}
    return _CODE.format(shape=run.spec.input_shape, **numbers, **sizes)
