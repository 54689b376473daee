"""The built network is the one described, made from its seed and nothing else."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from core.errors import SpecError
from core.model.build import MODULES, build_model, empty_model, make_module
from core.model.calls import ModuleCall, module_call
from core.model.layers import LAYERS, Backbone, Conv, Dense, Flatten, GlobalAvgPool, Layer, Residual
from core.model.presets import PRESETS, preset
from core.model.residual import ResidualBlock
from core.model.shapes import summarize
from core.model.spec import ModelSpec

NOT_WITHIN = (Backbone, Dense, Flatten, GlobalAvgPool)  # with weights of its own, or without maps behind it
EVERYTHING = ModelSpec(
    "all",
    (3, 16, 16),
    10,
    (*(kind() for kind in LAYERS.values() if kind not in NOT_WITHIN), Flatten(), Dense(10)),
)


def test_children_are_named_by_the_spec_and_used_once() -> None:
    for spec in (*(preset(name, (3, 32, 32), 10) for name in PRESETS), EVERYTHING):
        model = build_model(spec)
        assert tuple(name for name, _ in model.named_children()) == spec.layer_names
        assert len(list(model.modules())) == len({id(module) for module in model.modules()})
        assert not any(getattr(module, "inplace", False) for module in model.modules())
        assert all(module.training for name, module in model.named_modules() if not name.startswith("backbone1."))
        assert {(p.dtype, p.device.type) for p in model.parameters()} == {(torch.float32, "cpu")}


def test_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = build_model(EVERYTHING, seed=5).state_dict()
    torch.manual_seed(2)
    again = build_model(EVERYTHING, seed=5).state_dict()
    other = build_model(EVERYTHING, seed=6).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_the_global_random_state_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    build_model(EVERYTHING, seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", PRESETS)
def test_an_empty_network_draws_nothing_and_is_the_built_one_once_it_has_its_weights(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = preset(name, (3, 32, 32), 10)
    built = build_model(spec)
    monkeypatch.setattr(torch.Tensor, "uniform_", None)  # what `torch.nn.init` draws by
    monkeypatch.setattr(torch.Tensor, "normal_", None)
    empty = empty_model(spec)
    empty.load_state_dict(built.state_dict())
    assert str(empty) == str(built)
    assert all(torch.equal(a, b) for a, b in zip(empty.state_dict().values(), built.state_dict().values(), strict=True))
    assert all(
        parameter.requires_grad for name, parameter in empty.named_parameters() if not name.startswith("backbone1.")
    )


def test_threads_that_build_at_the_same_time_do_not_mix() -> None:
    expected = build_model(EVERYTHING, seed=0).state_dict()
    before = torch.get_rng_state()
    with ThreadPoolExecutor(2) as pool:
        models = list(pool.map(lambda _: build_model(EVERYTHING, seed=0), range(40)))
    assert all(torch.equal(value, expected[key]) for each in models for key, value in each.state_dict().items())
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_start_as_in_plain_pytorch() -> None:
    model = build_model(EVERYTHING, seed=3)
    torch.manual_seed(3)
    plain = nn.Sequential(
        *(
            make_module(module_call(layer, made.input_shape))
            for layer, made in zip(EVERYTHING.layers, summarize(EVERYTHING), strict=True)
        )
    )
    for own, theirs in zip(model.state_dict().values(), plain.state_dict().values(), strict=True):
        assert torch.equal(own, theirs)


def test_global_pooling_is_the_mean_of_each_map() -> None:
    model = build_model(ModelSpec("gap", (4, 5, 7), 4, (GlobalAvgPool(),)))
    images = torch.rand(2, 4, 5, 7)
    torch.testing.assert_close(model(images), images.mean((2, 3)))


@pytest.mark.parametrize("arguments", [(4, 4, 3, 1), (4, 6, 3, 1), (4, 4, 5, 2)])
def test_a_residual_block_adds_its_input(arguments: tuple[int, int, int, int]) -> None:
    """With the second batch norm's weights at 0, only the shortcut and the last ReLU are left."""
    block = ResidualBlock(*arguments).eval()
    nn.init.zeros_(block.bn2.weight)  # type: ignore[arg-type]
    images = torch.randn(2, 4, 9, 9)
    torch.testing.assert_close(block(images), block.shortcut(images).relu())
    assert isinstance(block.shortcut, nn.Identity) == (arguments == (4, 4, 3, 1))


def test_residual_blocks_have_readable_names_inside() -> None:
    model = build_model(ModelSpec("r", (3, 8, 8), 8, (Residual(8, stride=2), GlobalAvgPool())))
    convolutions = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    assert convolutions == ["residual1.conv1", "residual1.conv2", "residual1.shortcut.conv"]


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ((), "0 layers: there is nothing yet that could learn. Start with the tutorial's network."),
        (
            (Conv(8, 5, padding=0), Flatten(), Dense(10)),
            "conv1: (4 − 5 + 2 × 0) / 1 + 1 = 0: the 5×5 kernel is larger than the 4×4 map. Use padding 2 in conv1.",
        ),
        (
            (Flatten(), Dense(7)),
            "dense1: 7 ≠ 10: the network ends with 7 numbers, but needs 10 numbers, one for each class. "
            "Set dense1 to 10 outputs.",
        ),
    ],
)
def test_impossible_networks_are_refused_with_cause_and_remedy(layers: tuple[Layer, ...], sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        build_model(ModelSpec("bad", (3, 4, 4), 10, layers))
    assert str(caught.value) == sentence


def test_a_hostile_network_costs_nothing() -> None:
    with pytest.raises(SpecError, match="at most 50,000,000 are allowed"):
        build_model(ModelSpec("bomb", (3, 32, 32), 10, (Conv(1024, 31),) * 64))


def test_only_listed_modules_can_be_made() -> None:
    assert all(issubclass(module, nn.Module) for module in MODULES.values())
    with pytest.raises(KeyError):
        make_module(ModuleCall("Transformer"))
