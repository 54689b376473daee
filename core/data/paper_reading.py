"""What was found in a photograph of a digit on paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

NO_DIGIT = {
    "empty": "No ink on paper was found: the picture goes to the network as it is.",
    "edge": "What was found runs into the edge of the picture: it goes to the network as it is.",
    "crowded": "No single digit on plain paper was found: the picture goes to the network as it is.",
}
SHOWN_SIDE, FRAME = 480, (255, 140, 0)


@dataclass(frozen=True)
class PaperReading:
    """What was found on a sheet of paper.

    Attributes:
        ink: The digit alone, light on black, mode "L"; None where none was found.
        box: Left, top, right and bottom of the digit in the turned picture, as shares of its sides.
        angle: By how many degrees the picture was turned, counter-clockwise, to lay its rulings straight.
        ruled: Whether rulings were taken out.
        thickened: Whether the strokes were made thicker.
        code: Why no digit was found, a key of `NO_DIGIT`; empty where one was.
    """

    ink: Image.Image | None = None
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    angle: float = 0.0
    ruled: bool = False
    thickened: bool = False
    code: str = ""

    def framed(self, image: Image.Image) -> Image.Image:
        """Return the picture that was read, turned straight, small, and framed where the digit is."""
        shown = image.copy()
        shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
        if self.angle:
            grey = tuple(int(value) for value in np.median(np.asarray(shown).reshape(-1, 3), axis=0))
            shown = shown.rotate(self.angle, Image.Resampling.BILINEAR, fillcolor=grey)
        box = [share * side for share, side in zip(self.box, shown.size * 2, strict=True)]
        ImageDraw.Draw(shown).rectangle(box, outline=FRAME, width=max(1, max(shown.size) // 80))
        return shown
