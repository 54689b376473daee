"""An operation changes the copy as its words say, and not a bit of the network itself."""

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import ConvScopeError
from core.model.build import build_model
from core.model.presets import preset
from core.probe.activations import capture_activations
from core.probe.surgery import Edit, Off, Replace, Swap, apply_edits


def net() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential()
    model.add_module("conv1", nn.Conv2d(3, 4, 3, padding=1))
    model.add_module("relu1", nn.ReLU())
    model.add_module("conv2", nn.Conv2d(4, 6, 3, groups=2, bias=False))
    model.add_module("flatten1", nn.Flatten())
    model.add_module("dense1", nn.Linear(6 * 4 * 4, 2))
    return model


IMAGE = torch.linspace(-1, 1, 108).reshape(1, 3, 6, 6)
EDITS = (Off("conv1", 2), Swap("conv1", 0, 3), Replace("conv2", 5, np.eye(3)), Replace("conv1", 1, np.ones((3, 3, 3))))


@pytest.mark.parametrize("edits", [(), *[(edit,) for edit in EDITS], EDITS])
def test_the_network_is_left_untouched_to_the_bit(edits: tuple[Edit, ...]) -> None:
    model = net()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    patient = apply_edits(model, edits)
    patient(IMAGE).sum().backward()
    with torch.no_grad():
        for weight in patient.parameters():
            weight.add_(1)
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    assert [module.training for module in patient.modules()] == [module.training for module in model.modules()]


@pytest.mark.parametrize("edits", [(), EDITS])
def test_a_copy_that_shares_answers_the_same_and_edits_only_its_own(edits: tuple[Edit, ...]) -> None:
    model = net().eval()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    shared = apply_edits(model, edits, share=True)
    assert torch.equal(shared(IMAGE), apply_edits(model, edits)(IMAGE))
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    same = {name for name, weight in shared.named_parameters() if weight is model.get_parameter(name)}
    touched = {edit.layer for edit in edits}
    assert same == {name for name, _ in model.named_parameters() if name.rpartition(".")[0] not in touched}


def test_no_edit_gives_the_same_logits() -> None:
    model = net()
    assert torch.equal(apply_edits(model, ())(IMAGE), model(IMAGE))


def test_off_darkens_one_map_alone() -> None:
    model = net()
    before = capture_activations(model, IMAGE, ["conv1"])["conv1"]
    after = capture_activations(apply_edits(model, [Off("conv1", 2)]), IMAGE, ["conv1"])["conv1"]
    before[:, 2] = 0
    assert torch.equal(after, before)


def test_swap_swaps_the_maps_and_twice_is_nothing() -> None:
    model = net()
    before = capture_activations(model, IMAGE, ["conv1"])["conv1"]
    after = capture_activations(apply_edits(model, [Swap("conv1", 0, 3)]), IMAGE, ["conv1"])["conv1"]
    assert torch.equal(after, before[:, [3, 1, 2, 0]])
    twice = apply_edits(model, [Swap("conv1", 0, 3), Swap("conv1", 3, 0)])
    assert torch.equal(twice(IMAGE), model(IMAGE))


def test_replace_takes_one_kernel_for_all_channels_or_one_for_each() -> None:
    model = net()
    kernel = np.arange(9).reshape(3, 3)
    same = apply_edits(model, [Replace("conv1", 1, kernel)])
    each = apply_edits(model, [Replace("conv1", 1, np.stack([kernel] * 3))])
    assert torch.equal(same.conv1.weight[1, 2], torch.arange(9.0).reshape(3, 3))
    assert torch.equal(same.conv1.weight, each.conv1.weight)
    assert torch.equal(same.conv1.bias, model.conv1.bias)
    grouped = apply_edits(model, [Replace("conv2", 5, np.stack([kernel, -kernel]))])
    assert torch.equal(grouped.conv2.weight[5, 1], -torch.arange(9.0).reshape(3, 3))


def test_edits_are_applied_in_order() -> None:
    model = net()
    first = apply_edits(model, [Off("conv1", 0), Swap("conv1", 0, 1)])
    assert first.conv1.weight[1].abs().sum() == 0 and torch.equal(first.conv1.weight[0], model.conv1.weight[1])
    second = apply_edits(model, [Swap("conv1", 0, 1), Off("conv1", 0)])
    assert second.conv1.weight[0].abs().sum() == 0 and torch.equal(second.conv1.weight[1], model.conv1.weight[0])


def test_a_convolution_inside_a_block_can_be_operated_on() -> None:
    model = build_model(preset("resnet", (3, 8, 8), 4)).eval()
    patient = apply_edits(model, [Off("residual1.conv2", 0)])
    assert patient.residual1.conv2.weight[0].abs().sum() == 0
    assert not patient.training


def test_equal_edits_are_equal_and_can_be_keys() -> None:
    kernel = np.eye(3)
    edit = Replace("conv1", 0, kernel)
    assert edit == Replace("conv1", 0, torch.eye(3)) and len({edit, Replace("conv1", 0, kernel.tolist())}) == 1
    kernel[0, 0] = 7
    assert edit != Replace("conv1", 0, kernel)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (Off("conv9", 0), "no convolution named 'conv9': choose one of conv1, conv2"),
        (Off("dense1", 0), "no convolution named 'dense1'"),
        (Off("conv1", 4), "has no filter 4: choose one from 0 to 3"),
        (Swap("conv1", 0, -1), "has no filter -1"),
        (Replace("conv1", 0, np.eye(5)), "5 × 5 does not fit layer conv1: its filters are 3 × 3 × 3, or 3 × 3"),
        (Replace("conv2", 0, np.ones((4, 3, 3))), "4 × 3 × 3 does not fit layer conv2: its filters are 2 × 3 × 3"),
        (Replace("conv2", 0, 1.0), "one number does not fit"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence(edit: Edit, sentence: str) -> None:
    with pytest.raises(ConvScopeError, match=sentence):
        apply_edits(net(), [edit])


def test_a_kernel_needs_a_number_in_every_cell() -> None:
    with pytest.raises(ConvScopeError, match="every cell needs one"):
        Replace("conv1", 0, [[1, np.nan], [0, 1]])
    with pytest.raises(ConvScopeError, match="rows of numbers"):
        Replace("conv1", 0, [[1, 2], [3]])  # type: ignore[list-item]
