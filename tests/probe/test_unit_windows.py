"""Windows of units, cut out of a picture."""

import numpy as np

from core.probe.unit_windows import cut_out


def test_what_is_beyond_the_edge_is_transparent() -> None:
    pixels = np.full((4, 4, 3), 7, dtype=np.uint8)
    patch = cut_out(pixels, (-1, 2, 2, 5))
    assert patch[..., 3].tolist() == [[0, 0, 0], [255, 255, 0], [255, 255, 0]]
    assert (patch[1:, :2, :3] == 7).all()
    assert cut_out(pixels, (-3, -3, 4, 4)).shape == (4, 4, 4)  # larger than the picture: the picture's own frame
