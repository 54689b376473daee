"""What a network of any shape is made of, and what its numbers see, against gradients and against the stacks' own."""

from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from core.compat import import_torchvision
from core.errors import ConvScopeError
from core.model.build import build_model
from core.model.layers import Activation, AvgPool, Conv, Dense, Flatten, GlobalAvgPool, MaxPool, Residual
from core.model.spec import ModelSpec
from core.model.zoo_modules import one_module_per_use
from core.model.zoo_weights import load_pretrained
from core.probe.layer_graph import layer_graph
from core.probe.receptive_fields import field_steps, reach, receptive_field

STACKS = (
    (
        Conv(4, kernel_size=5, stride=2, padding=1),
        Activation(),
        MaxPool(3, 2, 1),
        Conv(4, dilation=2),
        Flatten(),
        Dense(3),
    ),
    (
        Conv(4, kernel_size=1, stride=3, padding=0),
        AvgPool(2, 1),
        Residual(6, stride=2),
        Activation("tanh"),
        GlobalAvgPool(),
        Dense(3),
    ),
    (
        Conv(4, kernel_size=4),
        Residual(4, kernel_size=5),
        Conv(2, padding=0),
        Flatten(),
        Dense(8),
        Activation(),
        Dense(3),
    ),
)


@pytest.mark.parametrize("layers", STACKS)
def test_it_agrees_with_what_is_known_of_plain_stacks(layers: tuple) -> None:
    spec = ModelSpec("Stack", (3, 23, 31), 3, layers)
    parts = {part.name: part for part in layer_graph(build_model(spec), spec.input_shape)}
    names = [name for name in spec.layer_names if name != "gap1"]  # a stack of two that are listed themselves
    assert [name for name in parts if name in names] == names
    for name in names:
        part = parts[name]
        last, steps = field_steps(spec, name)[-1], part.receptive_field.steps
        if len(part.output_shape) < 3:
            assert part.receptive_field.box() == receptive_field(spec, name)
            continue
        assert (steps[-1].size, steps[-1].jump, steps[-1].start) == (last.size, last.jump, last.start)
        _, height, width = part.output_shape
        for row, col in ((0, 0), (height // 2, width // 3), (height - 1, width - 1)):
            assert part.receptive_field.box(row, col) == receptive_field(spec, name, row, col)
        for row, col in ((0, 0), (11, 7), (22, 30)):
            assert part.receptive_field.reach(row, col) == reach(spec, name, row, col)


def positive(model: nn.Module) -> nn.Module:
    """Turn a network into one through which every path counts: no weight below 0, no maximum."""
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Conv2d):
            module.weight.data = torch.full_like(module.weight, 1 / module.weight[0].numel())
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.reset_parameters()
        elif isinstance(module, nn.MaxPool2d):
            parent, _, child = name.rpartition(".")
            pool = nn.AvgPool2d(module.kernel_size, module.stride, module.padding, module.ceil_mode)
            setattr(model.get_submodule(parent), child, pool)
        elif isinstance(module, nn.ReLU6):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, nn.ReLU())
    return model.double()


@pytest.mark.parametrize(
    "name", ["efficientnet_lite0", "resnet18", "shufflenet_v2_x1_0", "squeezenet1_1", "densenet121"]
)
def test_fields_are_where_the_gradients_are(name: str) -> None:
    models = import_torchvision().models
    lite = name == "efficientnet_lite0"
    model = load_pretrained(name) if lite else models.get_model(name, weights=None).eval()
    parts = [part for part in layer_graph(model, (3, 224, 224)) if len(part.output_shape) == 3 and part.kind == "conv"]
    model = positive(model)
    for part in (parts[0], parts[len(parts) // 3], parts[len(parts) // 2]):
        kept: list[Tensor] = []
        handle = model.get_submodule(part.name).register_forward_hook(lambda *call, kept=kept: kept.append(call[2]))
        image = torch.ones(1, 3, 224, 224, dtype=torch.float64, requires_grad=True)
        model(image)
        handle.remove()
        row, col = kept[0].shape[2] // 2, kept[0].shape[3] - 1
        (gradient,) = torch.autograd.grad(kept[0][0, :, row, col].sum(), image)
        seen = gradient[0].sum(dim=0) > 0
        rows, columns = seen.any(dim=1).nonzero().flatten(), seen.any(dim=0).nonzero().flatten()
        box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        assert part.receptive_field.box(row, col) == box, part.name


def test_names_are_modules_and_blocks_follow_their_layers() -> None:
    model = one_module_per_use(import_torchvision().models.resnet18(weights=None).eval())
    parts = layer_graph(model, (3, 64, 64))
    for part in parts:
        model.get_submodule(part.name)
    names = [part.name for part in parts]
    assert names.index("layer2.0.conv1") < names.index("layer2.0.downsample.0") < names.index("layer2.0")
    kinds = {part.name: part.kind for part in parts}
    shown = ("conv1", "bn1", "relu", "maxpool", "layer1.0", "avgpool", "fc")
    assert [kinds[name] for name in shown] == [
        "conv", "batch_norm", "activation", "max_pool", "block", "global_avg_pool", "dense",
    ]  # fmt: skip
    block = next(part for part in parts if part.name == "layer2.0")
    assert (block.input_shape, block.output_shape) == ((64, 16, 16), (128, 8, 8))
    sources = {part.name: part.source for part in parts}
    named = ("conv1", "relu", "layer1.1.conv1", "layer1.1.relu2", "layer2.0.downsample.0", "fc")
    assert [sources[name] for name in named] == ["", "bn1", "layer1.0.relu2", "", "layer1.1.relu2", ""]


def test_a_gate_is_left_out_of_the_field_and_said() -> None:
    parts = {
        part.name: part for part in layer_graph(import_torchvision().models.mobilenet_v3_small().eval(), (3, 224, 224))
    }
    before, after = parts["features.1.block.0.0"], parts["features.1.block.2.0"]
    assert not before.receptive_field.gated and after.receptive_field.gated
    assert before.receptive_field.box(10, 10) == after.receptive_field.box(10, 10) != (0, 0, 224, 224)


def test_layers_with_channels_last_are_no_maps() -> None:
    model = import_torchvision().models.convnext_tiny().eval()
    names = {part.name: part for part in layer_graph(model, (3, 64, 64))}
    assert "features.1.0.block.0" in names and "features.1.0" in names and "features.1.0.block.3" not in names
    for name, part in names.items():
        if len(part.output_shape) == 3 and part.kind == "block":
            assert part.output_shape[1] == part.output_shape[2], name


def test_the_network_is_left_as_it_was() -> None:
    model = build_model(ModelSpec("Stack", (3, 23, 31), 3, STACKS[1])).train()
    layer_graph(model, (3, 23, 31))
    assert all(module.training and not module._forward_hooks for module in model.modules())


def test_a_network_whose_course_depends_on_its_numbers_is_one_sentence() -> None:
    class Moody(nn.Sequential):
        def forward(self, images: Tensor) -> Tensor:
            return images if images.sum() > 0 else -images

    class Shift(nn.Sequential):
        def forward(self, maps: Tensor) -> Tensor:
            return maps[..., 1:]

    for module in (Moody(nn.Identity()), Shift(nn.Identity())):
        with pytest.raises(ConvScopeError, match="cannot be followed"):
            layer_graph(nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 3), odd=module)), (1, 8, 8))
