"""Which part of a picture a network is shown."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Crop:
    """A part of a picture in the proportions that a network takes.

    Attributes:
        x, y: Where the part lies in the room there is, from 0 (left, top) to 1 (right, bottom).
        zoom: How many times smaller its sides are than those of the largest part that fits, from 1 on.
    """

    x: float = 0.5
    y: float = 0.5
    zoom: float = 1.0

    def box(self, size: tuple[int, int], sides: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of the part.

        Args:
            size: Width and height of the picture.
            sides: Height and width that the network takes.
        """
        scale = min(size[0] / sides[1], size[1] / sides[0]) / max(1.0, self.zoom)
        width, height = max(1, round(sides[1] * scale)), max(1, round(sides[0] * scale))
        left, top = int((size[0] - width) * _inside(self.x)), int((size[1] - height) * _inside(self.y))
        return left, top, left + width, top + height


MIDDLE = Crop()


def _inside(share: float) -> float:
    return min(1.0, max(0.0, share))
