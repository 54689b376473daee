"""What a pass costs is measured as passes are made: in batches."""

import torch
from torch import Tensor, nn

from core.inference.prediction import batch_size, pass_seconds


def test_a_pass_is_measured_as_part_of_a_batch() -> None:
    seen: list[int] = []

    class Counting(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(len(images))
            return images.flatten(1)[:, :2]

    assert 0 < pass_seconds(Counting(), (1, 8, 8)) < 1
    assert set(seen) == {64}
    seen.clear()
    pass_seconds(Counting(), (3, 224, 224))
    assert set(seen) == {batch_size(torch.empty(1, 3, 224, 224))}
