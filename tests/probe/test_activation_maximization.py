"""A preferred input moves its unit more than any random picture, stays a picture, and is the same each time."""

import pytest
import torch
from torch import Tensor, nn

from core.errors import ConvScopeError
from core.model.build import build_model
from core.model.presets import preset
from core.probe.activation_maximization import preferred_input, preferred_steps
from core.probe.units import tapped

SHAPE, MEAN, STD = (3, 16, 16), (0.5, 0.4, 0.3), (0.25, 0.2, 0.3)
LOW = torch.tensor([-2.0, -2.0, -1.0])[:, None, None]
HIGH = torch.tensor([2.0, 3.0, 7 / 3])[:, None, None]
NET = build_model(preset("tiny_vgg", SHAPE, 5), seed=1)


def answers(layer: str, channel: int, pictures: Tensor, place: tuple[int, int] | None) -> Tensor:
    with torch.no_grad():
        maps = tapped(NET, layer)(pictures)[:, channel]
    return maps[:, *place] if place else maps.reshape(len(pictures), -1).mean(dim=1)


@pytest.mark.parametrize(
    ("layer", "place"),
    [("conv1", None), ("relu2", (5, 7)), ("conv4", None), ("relu4", (3, 3)), ("pool2", None), ("dense1", None)],
)
def test_the_unit_answers_far_more_than_at_the_start_and_to_random_pictures(
    layer: str, place: tuple[int, int] | None
) -> None:
    generator = torch.Generator().manual_seed(3)
    pictures = LOW + (HIGH - LOW) * torch.rand((64, *SHAPE), generator=generator)
    steps = torch.stack(list(preferred_steps(NET, layer, 2, shape=SHAPE, mean=MEAN, std=STD, place=place)))
    random, way = answers(layer, 2, pictures, place), answers(layer, 2, steps, place)
    assert way[-1] - way[0] > 4 * random.std()
    assert way[-1] > random.max() + 3 * random.std()


def test_a_silent_unit_is_woken() -> None:
    start = next(preferred_steps(NET, "relu2", 0, shape=SHAPE, mean=MEAN, std=STD))
    with torch.no_grad():
        silent = (tapped(NET, "relu2")(start[None])[0, :, 4, 4] == 0).nonzero().flatten().tolist()
    assert silent
    for channel in silent[:2]:
        picture = preferred_input(NET, "relu2", channel, shape=SHAPE, mean=MEAN, std=STD, place=(4, 4))
        assert answers("relu2", channel, picture[None], (4, 4)) > 0.5


def test_every_picture_on_the_way_can_be_shown() -> None:
    steps = list(preferred_steps(NET, "conv3", 0, shape=SHAPE, mean=MEAN, std=STD, steps=8, lr=2.0))
    assert len(steps) == 9
    for picture in steps:
        pixels = picture * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
        assert picture.shape == SHAPE and pixels.min() > -1e-6 and pixels.max() < 1 + 1e-6
    assert torch.equal(steps[-1], preferred_input(NET, "conv3", 0, shape=SHAPE, mean=MEAN, std=STD, steps=8, lr=2.0))


def test_the_same_call_gives_the_same_picture_and_leaves_no_trace() -> None:
    state = {name: tensor.clone() for name, tensor in NET.state_dict().items()}
    torch.manual_seed(0)
    random = torch.get_rng_state()
    first = preferred_input(NET, "dense1", 1, shape=SHAPE, mean=MEAN, std=STD, steps=6)
    assert torch.equal(torch.get_rng_state(), random)
    torch.manual_seed(1)
    assert torch.equal(first, preferred_input(NET, "dense1", 1, shape=SHAPE, mean=MEAN, std=STD, steps=6))
    assert all(torch.equal(state[name], tensor) for name, tensor in NET.state_dict().items())
    assert all(module.training and not module._forward_hooks for module in NET.modules())
    assert all(weight.requires_grad and weight.grad is None for weight in NET.parameters())
    assert type(NET.relu1) is nn.ReLU


@pytest.mark.parametrize(
    "option", [{"seed": 1}, {"l2": 0.3}, {"jitter": 0}, {"blur": 0}, {"lr": 0.2}, {"place": (2, 2)}]
)
def test_every_option_matters(option: dict) -> None:
    plain = preferred_input(NET, "conv3", 0, shape=SHAPE, mean=MEAN, std=STD, steps=6)
    assert not torch.equal(plain, preferred_input(NET, "conv3", 0, shape=SHAPE, mean=MEAN, std=STD, steps=6, **option))


def test_a_single_pixel_and_a_linear_unit_end_at_the_edge_of_what_is_a_picture() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 1))
    net[0].weight.data[:] = -2
    picture = preferred_input(net, "0", 0, shape=(1, 1, 1), mean=(0.5,), std=(0.25,))
    assert picture.item() == -2


def test_what_cannot_be_climbed_gets_a_sentence() -> None:
    settings = {"shape": SHAPE, "mean": MEAN, "std": STD}
    with pytest.raises(ConvScopeError, match="no layer named 'conv9'"):
        preferred_input(NET, "conv9", 0, **settings)
    with pytest.raises(ConvScopeError, match="conv1 has no unit 10: its output has the shape 10 × 16 × 16"):
        preferred_input(NET, "conv1", 10, **settings)
    with pytest.raises(ConvScopeError, match="has no unit 0, 16, 0"):
        preferred_input(NET, "conv1", 0, place=(16, 0), **settings)
    with pytest.raises(ConvScopeError, match="at least 1 step"):
        preferred_input(NET, "conv1", 0, steps=0, **settings)
    broken = build_model(preset("tiny_vgg", SHAPE, 5))
    broken.conv1.weight.data[:] = torch.nan
    with pytest.raises(ConvScopeError, match="choose an earlier epoch"):
        preferred_input(broken, "conv2", 0, **settings)
