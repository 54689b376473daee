"""A framed map keeps its proportions, and every tile of a contact sheet is its picture."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from core.figures.atlas import THUMBNAIL_PX, contact_sheet, framed


def test_a_framed_map_fills_the_square_in_its_proportions() -> None:
    points = np.random.default_rng(0).normal(size=(40, 2)) * [30, 4] + [100, -7]
    found = framed(points)
    assert found.min() == pytest.approx(-1) and found.max() == pytest.approx(1)
    near, far = (np.linalg.norm(each[:, None] - each[None], axis=2) for each in (found, points))
    np.testing.assert_allclose(near * far.max() / near.max(), far, atol=1e-3)
    assert not framed(np.full((5, 2), 3.0)).any()


@pytest.mark.parametrize(("channels", "kind", "off"), [(1, "png", 0), (3, "jpeg", 12)])
def test_every_tile_is_its_picture(channels: int, kind: str, off: int) -> None:
    levels = np.arange(7, dtype=np.uint8)[:, None, None, None] * 36
    images = np.broadcast_to(levels, (7, channels, 8, 16)).copy()
    text, width, height, columns = contact_sheet(images)
    assert text.startswith(f"data:image/{kind};base64,") and (width, height, columns) == (16, 8, 3)
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(text.split(",")[1]))).convert("RGB")).astype(int)
    for place in range(7):
        top, left = place // columns * height, place % columns * width
        tile = sheet[top : top + height, left : left + width]
        assert np.abs(tile - 36 * place).max() <= off


def test_large_pictures_are_shrunk() -> None:
    images = np.zeros((2, 3, 96, 192), dtype=np.uint8)
    _, width, height, _ = contact_sheet(images)
    assert (width, height) == (THUMBNAIL_PX, THUMBNAIL_PX // 2)
