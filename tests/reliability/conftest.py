"""A network that has really learned small digits, once for all tests of the folder."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from core.data.datasets import Dataset, load_dataset
from core.reliability.features import LogitsAndFeatures, extract_features


@dataclass(frozen=True, eq=False)
class Learned:
    """A network, the data set that it learned, and what it says of the three splits."""

    model: nn.Sequential
    data: Dataset
    train: LogitsAndFeatures
    valid: LogitsAndFeatures
    test: LogitsAndFeatures


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_HOME", str(tmp_path_factory.mktemp("digits")))
        data = load_dataset("digits")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(512, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        )
        optimizer = torch.optim.Adam(model.parameters(), 0.003)
        images, labels = data.normalize(data.train.images), data.train.labels
        for _ in range(12):
            for batch in torch.randperm(len(labels)).split(32):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
                optimizer.step()
    model.eval()
    splits = [extract_features(model, split.images, data.normalize) for split in (data.train, data.valid, data.test)]
    assert (splits[2].logits.argmax(axis=1) == data.test.labels.numpy()).mean() > 0.95
    return Learned(model, data, *splits)
