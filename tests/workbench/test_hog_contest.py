"""HOG against a network: what is measured, and the verdict."""

import pytest
import torch
from torch import nn

from core.data.datasets import load_dataset
from core.probe.hog import HogResult
from core.workbench.hog_contest import NUM_TIMED, NetworkScore, contest_verdict, score_network


@pytest.mark.parametrize(
    ("hog", "network", "words"),
    [
        (0.9, 0.9004, "They are even"),
        (0.9, 0.95, "The network is ahead by 5.0 percentage points"),
        (0.95, 0.9, "The hand-made features are ahead by 5.0 percentage points"),
    ],
)
def test_the_verdict_follows_from_accuracies_as_they_are_shown(hog: float, network: float, words: str) -> None:
    assert words in contest_verdict(HogResult(hog, 1.0, 0.1, 9, 9, 9), NetworkScore(network, 0.1))


class Counting(nn.Module):
    """Answers class 0 and counts the images."""

    def __init__(self) -> None:
        super().__init__()
        self.images = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.images += len(images)
        return torch.eye(10)[:1].expand(len(images), 10)


@pytest.mark.parametrize("accuracy", [None, 0.75])
def test_where_the_accuracy_is_known_only_some_images_are_run(accuracy: float | None) -> None:
    digits, model = load_dataset("digits"), Counting().eval()
    score = score_network(model, digits, accuracy)
    assert score.seconds > 0
    if accuracy is None:
        assert model.images == len(digits.test)
        assert score.accuracy == pytest.approx(float((digits.test.labels == 0).double().mean()))
    else:
        assert model.images == NUM_TIMED and score.accuracy == accuracy
