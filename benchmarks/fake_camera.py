"""A camera for a browser that has none: a film of one picture, and what makes Chromium take it for its camera."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (640, 480)
FRAMES = 5  # the film begins anew after these


def write_y4m(path: Path, pixels: np.ndarray) -> Path:
    """Write a grey picture, uint8 (H, W), as a film in whose centred square it stands still; return its path."""
    width, height = SIZE
    page = Image.new("L", SIZE, int(np.median(pixels)))
    page.paste(Image.fromarray(pixels).resize((height, height), Image.Resampling.BICUBIC), ((width - height) // 2, 0))
    colourless = bytes([128]) * (width * height // 2)
    frame = b"FRAME\n" + page.tobytes() + colourless
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n".encode() + frame * FRAMES)
    return path


def flags(film: Path) -> list[str]:
    """Return the flags of a Chromium that has this film as its camera and lends it without asking."""
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
