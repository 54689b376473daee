"""A backbone is its pretrained network: the same numbers, the sizes that are said, and frozen where it shall be."""

import pytest
import torch
from torch.nn import functional

from core.errors import ZooError
from core.model.backbone import blocks_of
from core.model.backbone_shapes import _blocks
from core.model.build import build_model, empty_model
from core.model.layers import Backbone, Conv, Dense, Flatten, GlobalAvgPool, Layer
from core.model.shapes import problems, summarize
from core.model.spec import ModelSpec
from core.model.zoo import BUNDLED, ZOO
from core.model.zoo_weights import load_pretrained
from core.probe.layer_graph import layer_graph
from tests.model.backbone_blocks import fresh, measured


def spec_of(*layers: Layer, shape: tuple[int, int, int] = (3, 64, 64)) -> ModelSpec:
    return ModelSpec("Transfer", shape, 2, (*layers, GlobalAvgPool(), Dense(2)))


@pytest.mark.parametrize("network", [BUNDLED, "squeezenet1_1", "mobilenet_v3_small"])
def test_the_sizes_of_blocks_are_those_of_the_network_itself(network: str) -> None:
    file = [
        [block.channels, block.params, [list(row) for row in block.windows], [list(row) for row in block.work]]
        for block in _blocks()[network]
    ]
    assert file == measured(network)


def test_every_pretrained_network_has_blocks() -> None:
    assert list(_blocks()) == list(ZOO)
    for name, blocks in _blocks().items():
        with torch.device("meta"):
            assert len(blocks_of(fresh(name))) == len(blocks)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Backbone(up_to=6, train_from=4, size=0), (3, 75, 64)),
        (Backbone(up_to=3, size=64), (1, 20, 30)),
        (Backbone(size=64, train_from=18), (3, 64, 64)),
    ],
)
def test_what_is_said_of_a_backbone_is_what_torch_makes(layer: Backbone, shape: tuple[int, int, int]) -> None:
    spec = spec_of(layer, shape=shape)
    said, model = summarize(spec)[0], build_model(spec)
    backbone = model[0]
    assert tuple(backbone(torch.rand(2, *shape)).shape[1:]) == said.output_shape
    weights = list(backbone.parameters())
    assert sum(weight.numel() for weight in weights if weight.requires_grad) == said.num_params
    assert sum(weight.numel() for weight in weights if not weight.requires_grad) == said.frozen
    field = [part.receptive_field for part in layer_graph(model, shape) if part.name.startswith("backbone1")][-1]
    middle = [side // 2 for side in field.sides]
    box = field.box(*middle)
    assert said.receptive_field is not None and box[2] - box[0] <= said.receptive_field


def test_pixels_from_0_to_1_become_what_the_network_learned_from() -> None:
    info, network = ZOO[BUNDLED], load_pretrained(BUNDLED)
    pixels = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (info.mean, info.std))
    expected = (pixels - mean) / std
    for block in blocks_of(network)[:5]:
        expected = block(expected)
    assert torch.equal(build_model(spec_of(Backbone(up_to=5, size=0)))[0](pixels), expected)
    small = build_model(spec_of(Backbone(up_to=5, size=64), shape=(1, 16, 16)))[0]
    grey = torch.rand(2, 1, 16, 16)
    large = functional.interpolate(grey, (64, 64), mode="bilinear", align_corners=False).expand(2, 3, 64, 64)
    unresized = build_model(spec_of(Backbone(up_to=5, size=0)))[0]
    torch.testing.assert_close(small(grey), unresized(large), rtol=1e-5, atol=1e-5)


def test_frozen_blocks_keep_weights_and_statistics_and_let_gradients_through() -> None:
    model = build_model(spec_of(Backbone(up_to=4, train_from=4, size=0))).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = torch.rand(4, 3, 64, 64, requires_grad=True)
    model(images).square().sum().backward()
    assert images.grad is not None and bool(images.grad.abs().sum() > 0)
    after = model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.startswith("backbone1.block4.") for name in changed)  # its batch norm statistics
    learning = [name for name, weight in model[0].named_parameters() if weight.requires_grad]
    assert learning and all(name.startswith("block4.") for name in learning)


def test_the_pretrained_weights_are_there_whatever_the_seed() -> None:
    spec = spec_of(Backbone(up_to=2, size=0))
    models = [build_model(spec, seed=1), build_model(spec, seed=2), empty_model(spec)]
    first, *others = [model[0].state_dict() for model in models]
    assert all(torch.equal(first[name], other[name]) for other in others for name in first)
    assert not torch.equal(models[0][2].weight, models[1][2].weight)


def test_weights_that_are_not_here_are_no_download_behind_ones_back() -> None:
    spec = spec_of(Backbone("resnet18"))
    assert "are not on this computer yet" in summarize(spec)[0].note
    with pytest.raises(ZooError, match="The weights of ResNet-18 are not on this computer yet: choose"):
        build_model(spec)


@pytest.mark.parametrize(
    ("layers", "shape", "message", "fix"),
    [
        ((Conv(3), Backbone()), (3, 64, 64), "layer 2: ", "Move backbone1 to the front"),
        ((Backbone(), Backbone()), (3, 64, 64), "layer 2: ", "Remove backbone2"),
        ((Backbone(),), (4, 64, 64), "4 channels: ", "Remove backbone1"),
        ((Backbone(up_to=20),), (3, 64, 64), "20 > 18: ", "Use block 18 as the last"),
        ((Backbone(up_to=3, train_from=4),), (3, 64, 64), "4 > 3: ", "Train from block 3"),
        ((Backbone("squeezenet1_1", size=0),), (3, 4, 4), "4 / 2 < 1: ", "Use pictures of 64 pixels"),
        ((Backbone("vgg11"),), (3, 20, 512), None, "Use pictures of"),
    ],
)
def test_what_cannot_work_is_said_with_a_way_out(layers, shape, message, fix) -> None:
    spec = ModelSpec("Odd", shape, 2, (*layers, Flatten(), Dense(2)))
    (problem,) = problems(spec)
    assert message is None or problem.message.startswith(message)
    assert any(each.label.startswith(fix) for each in problem.fixes), [each.label for each in problem.fixes]
