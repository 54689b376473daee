"""A whole split is asked, nothing is dropped, and the network stays as it was."""

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import EvaluationError, ExplainError
from core.evaluation.answers import answers_of
from core.inference.copies import shallow_copy_for_hooks


class Spy(nn.Sequential):
    """A network that writes down what it is given."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.__dict__.setdefault("seen", []).append(len(images))
        return super().forward(images)


@pytest.fixture
def network() -> Spy:
    generator = torch.Generator().manual_seed(0)
    net = Spy(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(144, 5))
    for weight in net.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=generator))
    return net.train()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (131, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def unit(images: torch.Tensor) -> torch.Tensor:
    return images / 255


def test_every_image_is_answered_once_and_in_order(network: Spy, images: torch.Tensor) -> None:
    labels = torch.arange(131) % 5
    told: list[tuple[int, int]] = []
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    found = answers_of(network, images, labels, normalize=unit, progress=lambda *at: told.append(at))
    with torch.no_grad():
        expected = shallow_copy_for_hooks(network)(unit(images))
    assert np.allclose(found.logits, expected, atol=1e-5)
    assert (found.labels == labels.numpy()).all()
    assert told == [(0, 131), (64, 131), (128, 131), (131, 131)]
    assert network.training  # the twin was in evaluation mode, the original stays as it was
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())
    assert not any(weight.grad is not None for weight in network.parameters())


def test_large_images_go_in_smaller_batches(network: Spy) -> None:
    network = Spy(nn.AdaptiveAvgPool2d(6), nn.Flatten(), nn.Linear(36, 5))
    network.__dict__["seen"] = []
    answers_of(
        network, torch.zeros(5, 1, 224, 224, dtype=torch.uint8), torch.zeros(5, dtype=torch.int64), normalize=unit
    )
    assert network.seen == [1] * 5


def test_it_can_be_cancelled_and_leaves_nothing_behind(network: Spy, images: torch.Tensor) -> None:
    class Enough(BaseException):
        pass

    def tell(done: int, total: int) -> None:
        if done:
            raise Enough

    with pytest.raises(Enough):
        answers_of(network, images, torch.zeros(131, dtype=torch.int64), normalize=unit, progress=tell)
    assert network.training
    assert torch.is_grad_enabled()


def test_an_empty_split_and_a_network_that_ran_away_get_one_sentence(network: Spy, images: torch.Tensor) -> None:
    with pytest.raises(EvaluationError, match="no image in this split"):
        answers_of(network, images[:0], torch.zeros(0, dtype=torch.int64), normalize=unit)
    network[-1].bias.data[2] = torch.nan
    with pytest.raises(ExplainError, match="not finite numbers"):
        answers_of(network, images, torch.zeros(131, dtype=torch.int64), normalize=unit)
