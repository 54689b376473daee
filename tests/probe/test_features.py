"""The features of many images are what the layer puts out for each, and a network that ran away is refused."""

import pytest
import torch
from torch import nn

from core.errors import ConvScopeError
from core.probe.activations import capture_activations
from core.probe.features import MAX_FEATURES, layer_features


def net() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential()
    model.add_module("conv1", nn.Conv2d(1, 6, 3, padding=1))
    model.add_module("drop1", nn.Dropout(0.5))
    model.add_module("relu1", nn.ReLU(inplace=True))
    model.add_module("flatten1", nn.Flatten())
    model.add_module("dense1", nn.Linear(6 * 8 * 8, 3))
    return model


@pytest.mark.parametrize("layer", ["conv1", "drop1", "relu1", "flatten1", "dense1", "input"])
def test_features_are_what_the_layer_puts_out(layer: str) -> None:
    model, images = net().train(), torch.randn(150, 1, 8, 8)  # three batches
    found = layer_features(model, images, layer)
    expected = capture_activations(model, images, [layer])[layer]
    torch.testing.assert_close(torch.from_numpy(found.values), expected.flatten(1))
    assert found.shape == tuple(expected.shape[1:])
    assert not found.pooled
    probabilities = capture_activations(model, images, ["dense1"])["dense1"].softmax(dim=1)
    torch.testing.assert_close(torch.from_numpy(found.confidence), probabilities.amax(dim=1))
    assert (torch.from_numpy(found.answers) == probabilities.argmax(dim=1)).all()
    assert model.training and not any(module._forward_hooks for module in model.modules())


def test_what_works_in_place_behind_a_layer_does_not_change_its_features() -> None:
    model, images = nn.Sequential(net().conv1, nn.ReLU(inplace=True), nn.Flatten()), torch.randn(3, 1, 8, 8)
    assert (layer_features(model, images, "0").values < 0).any()


def test_of_large_maps_the_means_are_kept() -> None:
    model = nn.Sequential(nn.Conv2d(1, 5, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    images = torch.randn(10, 1, 30, 30)
    found = layer_features(model, images, "0")
    maps = capture_activations(model, images, ["0"])["0"]
    assert maps[0].numel() > MAX_FEATURES
    assert found.pooled and found.shape == (5, 30, 30)
    torch.testing.assert_close(torch.from_numpy(found.values), maps.mean(dim=(2, 3)))


def test_images_are_normalised_batch_by_batch() -> None:
    pixels = torch.randint(0, 256, (70, 1, 8, 8), dtype=torch.uint8)
    found = layer_features(net(), pixels, "conv1", normalize=lambda batch: batch / 255)
    alike = layer_features(net(), pixels / 255, "conv1")
    torch.testing.assert_close(torch.from_numpy(found.values), torch.from_numpy(alike.values))


def test_progress_is_told_and_may_cancel() -> None:
    told = []
    layer_features(net(), torch.randn(130, 1, 8, 8), "conv1", progress=lambda *each: told.append(each))
    assert told == [(64, 130), (128, 130), (130, 130)]
    model = net()

    def leave(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        layer_features(model, torch.randn(130, 1, 8, 8), "conv1", progress=leave)
    assert not any(module._forward_hooks for module in model.modules())


def test_what_cannot_be_read_is_refused() -> None:
    images = torch.randn(4, 1, 8, 8)
    with pytest.raises(ConvScopeError, match="no layer named 'conv9'"):
        layer_features(net(), images, "conv9")
    with pytest.raises(ConvScopeError, match="no image"):
        layer_features(net(), images[:0], "conv1")
    model = net()
    with torch.no_grad():
        model.conv1.weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(ConvScopeError, match="not finite"):
        layer_features(model, images, "dense1")
    model.add_module("aside", nn.Identity())
    model.forward = nn.Sequential(*list(model)[:5]).forward  # type: ignore[method-assign]
    with pytest.raises(ConvScopeError, match="no part in the pass"):
        layer_features(model, images, "aside")
