"""Zips of small pictures, made for tests."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (20, 20), kind: str = "PNG", **options: object) -> bytes:
    """Return a picture of random blocks, (width, height) pixels, as a file."""
    rng = np.random.default_rng(seed)
    blocks = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
    content = io.BytesIO()
    blocks.resize(size, Image.Resampling.BICUBIC).save(content, kind, **options)
    return content.getvalue()


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return content.getvalue()


def class_folders(counts: Mapping[str, int], first: int = 0, **options: object) -> dict[str, bytes]:
    """Return so many different pictures below each folder."""
    files = {}
    for folder, count in counts.items():
        for _ in range(count):
            files[f"{folder}/{first}.png"] = picture(first, **options)  # type: ignore[arg-type]
            first += 1
    return files
