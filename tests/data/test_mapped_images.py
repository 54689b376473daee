"""Images that stay in their file are those that would be in memory."""

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core.data import mapped_images
from core.data.mapped_images import MappedImages


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[MappedImages, Tensor]]:
    values = np.random.default_rng(0).integers(0, 256, (40, 3, 5, 4), dtype=np.uint8)
    (tmp_path / "images").write_bytes(values.tobytes())
    rows = np.random.default_rng(1).permutation(40)[:30]
    with (tmp_path / "images").open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    pixels = np.frombuffer(mapped, np.uint8).reshape(values.shape)
    yield MappedImages(mapped, pixels, rows), torch.from_numpy(values[rows])


INDICES = (
    3,
    -1,
    slice(5),
    slice(2, 20, 3),
    [4, 4, 1],
    np.array([7, 0]),
    torch.tensor([29, 3]),
    torch.arange(30) % 2 == 0,
    (slice(2, 6), 0),
    (5, 1),
    (torch.tensor([1, 2]), slice(None), 3),
)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_an_index_returns_what_it_returns_of_a_tensor(both: tuple[MappedImages, Tensor], index: object) -> None:
    mapped, images = both
    assert torch.equal(mapped[index], images[index])  # type: ignore[index]


def test_all_else_is_what_a_tensor_does(both: tuple[MappedImages, Tensor]) -> None:
    mapped, images = both
    assert (len(mapped), mapped.shape, mapped.dtype) == (len(images), images.shape, images.dtype)
    assert torch.equal(torch.cat([mapped, images]), torch.cat([images, images]))  # type: ignore[list-item]
    assert torch.equal(mapped.float(), images.float())
    assert mapped.to("meta")[:2].device.type == "meta"


def test_what_was_let_go_of_is_read_again(both: tuple[MappedImages, Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped_images, "KEPT_BYTES", 1)
    mapped, images = both
    assert all(torch.equal(mapped[place], images[place]) for place in [*range(30), *range(30)])
