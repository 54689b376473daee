"""Top images are those of a full sort, contributions sum to the logit, and looking changes nothing."""

import pytest
import torch
from torch import Tensor, nn

from core.errors import ConvScopeError
from core.model.build import build_model
from core.model.presets import preset
from core.probe.activations import capture_activations
from core.probe.units import contributions, dead_units, tapped, top_images


def net(*, bias: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential()
    model.add_module("conv1", nn.Conv2d(2, 5, 3, padding=1))
    model.add_module("relu1", nn.ReLU(inplace=True))
    model.add_module("pool1", nn.MaxPool2d(2))
    model.add_module("flatten1", nn.Flatten())
    model.add_module("dense1", nn.Linear(5 * 4 * 3, 6, bias=bias))
    model.add_module("relu2", nn.ReLU())
    model.add_module("dense2", nn.Linear(6, 3, bias=bias))
    return model


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "dense1"])
def test_top_images_are_those_of_a_full_sort(layer: str) -> None:
    model, images = net(), torch.randn(700, 2, 8, 6)
    found = top_images(model, images, layer, 9)  # in three batches
    maps = capture_activations(model, images, [layer])[layer]
    strongest = maps.reshape(*maps.shape[:2], -1).amax(dim=2)
    order = strongest.T.argsort(dim=1, descending=True, stable=True)[:, :9]
    assert torch.equal(found.indices, order)
    assert torch.equal(found.values, strongest.T.gather(1, order))
    assert found.num_images == 700
    for unit in range(maps.shape[1]):
        for index, value, row, col in zip(
            found.indices[unit], found.values[unit], found.rows[unit], found.cols[unit], strict=True
        ):
            assert (maps[index, unit, row, col] if maps.ndim == 4 else maps[index, unit]) == value


def test_top_images_in_batches_of_any_size_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = net(), torch.randn(20, 2, 8, 6)
    whole = top_images(model, images, "relu1", 4)
    monkeypatch.setattr("core.probe.units._BATCH_PIXELS", 48 * 3)
    steps: list[tuple[int, int]] = []
    parts = top_images(model, images, "relu1", 4, progress=lambda seen, total: steps.append((seen, total)))
    assert torch.equal(parts.indices, whole.indices) and torch.equal(parts.rows, whole.rows)
    assert torch.allclose(parts.values, whole.values, atol=1e-6)
    assert steps == [(seen, 20) for seen in (3, 6, 9, 12, 15, 18, 20)]
    assert top_images(model, images, "relu1", 4, max_images=7).num_images == 7
    assert top_images(model, images, "relu1", 4, seconds=0).num_images == 3


def test_top_images_of_equals_take_the_first_and_of_few_all() -> None:
    model, images = net(), torch.zeros(5, 2, 8, 6)
    found = top_images(model, images, "relu1", 3)
    assert found.indices.tolist() == 5 * [[0, 1, 2]]
    assert top_images(model, images, "relu1", 9).indices.shape == (5, 5)


def test_top_images_normalise_batch_by_batch() -> None:
    model = net()
    pixels = torch.randint(0, 256, (30, 2, 8, 6), dtype=torch.uint8, generator=torch.manual_seed(1))

    def normalize(images: Tensor) -> Tensor:
        return images.float() / 255 - 0.5

    found = top_images(model, pixels, "pool1", 4, normalize=normalize)
    assert torch.equal(found.indices, top_images(model, normalize(pixels), "pool1", 4).indices)
    with pytest.raises(ConvScopeError, match="normalize first"):
        top_images(model, pixels, "pool1")


def test_answers_that_are_no_numbers_are_the_weakest() -> None:
    images = torch.randn(4, 2, 8, 6)
    images[1, 0, 3, 3] = torch.nan
    found = top_images(net(), images, "dense1", 4)
    assert (found.indices[:, -1] == 1).all() and found.values[:, :-1].isfinite().all()


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "flatten1", "dense1", "relu2"])
def test_contributions_sum_to_the_logit_without_the_biases_behind(layer: str) -> None:
    model, image = net(bias=False), torch.randn(2, 8, 6)
    for target, logit in enumerate(model.eval()(image[None])[0].detach()):
        assert contributions(model, image, layer, target).sum() == pytest.approx(logit.item(), abs=1e-5)


def test_contributions_of_a_linear_layer_are_weight_times_input() -> None:
    model, image = net(), torch.randn(2, 8, 6)
    hidden = capture_activations(model, image[None], ["relu2", "dense2"])
    found = contributions(model, image, "relu2", 1)
    assert torch.allclose(found, model.dense2.weight[1].detach() * hidden["relu2"][0])
    assert (found.sum() + model.dense2.bias[1]).item() == pytest.approx(hidden["dense2"][0, 1].item(), abs=1e-6)


def test_contributions_inside_a_block_and_the_network_is_left_as_found() -> None:
    model = build_model(preset("resnet", (3, 8, 8), 4))
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert contributions(model, torch.randn(3, 8, 8), "residual2.conv1", 3).shape == (32,)
    top_images(model, torch.randn(3, 3, 8, 8), "residual3.conv2", 2)
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())
    assert all(module.training and not module._forward_hooks for module in model.modules())


def test_a_tap_is_the_layer_before_anything_works_on_it_in_place() -> None:
    model, images = net(), torch.randn(3, 2, 8, 6)
    assert torch.equal(tapped(model, "conv1")(images), model.conv1(images))
    assert torch.equal(tapped(nn.Sequential(model), "0.conv1")(images), model.conv1(images))


def test_dead_units() -> None:
    activations = torch.randn(4, 5, 3, 3)
    activations[:, 1] = 0
    activations[:, 3] = -2.5
    activations[0, 4] = 0
    assert dead_units(activations) == (1, 3)
    assert dead_units(activations[:1]) == (1, 4)
    assert dead_units(torch.tensor([[1.0, 2.0], [1.0, 3.0]])) == (0,)


def test_what_is_not_there_gets_a_sentence() -> None:
    model, image = net(), torch.zeros(2, 8, 6)
    with pytest.raises(ConvScopeError, match="no layer named 'conv9': choose one of conv1"):
        top_images(model, image[None], "conv9")
    with pytest.raises(ConvScopeError, match="no image to look at"):
        top_images(model, torch.zeros(0, 2, 8, 6), "conv1")
    with pytest.raises(ConvScopeError, match="no class 3: choose one from 0 to 2"):
        contributions(model, image, "conv1", 3)
