"""What is chosen is carried out, and every layer says what it lost."""

import pytest
import torch

from core.compression.plan import compress, sweep
from core.compression.pruning import prune, weighted
from core.compression.saving import from_file, to_file
from core.compression.ways import CompressionPlan, Pruning
from core.explain.metrics.pointing_game import wilson
from core.model.build import build_model
from core.model.layers import Activation, Backbone, Conv, Dense, Flatten, GlobalAvgPool, Residual
from core.model.spec import ModelSpec
from tests.compression.test_pruning import IMAGES, PLAIN, same, spec_of, trained

pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated"),
    pytest.mark.filterwarnings("ignore:Please use quant_min and quant_max"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor, torch.quantize_per_channel"),
]
SPEC = spec_of(*PLAIN, Activation(), Dense(10))


def test_nothing_chosen_changes_nothing():
    model = trained(SPEC)
    found = compress(SPEC, model, CompressionPlan(), IMAGES)
    assert found.spec == SPEC and same(model, found.model) and found.model is found.floats
    assert not found.masks and found.sparsity == 0
    assert all(layer.before == layer.after and not layer.zeros for layer in found.layers)
    assert str(CompressionPlan()) == str(CompressionPlan(Pruning("weights", 0.0))) == "nothing changed"


def test_filters_and_whole_numbers_together():
    found = compress(SPEC, trained(SPEC), CompressionPlan(Pruning("filters", 0.5), int8=True), IMAGES)
    first, second, dense, last = found.layers
    assert (first.filters, second.filters, dense.filters) == ((6, 3), (8, 4), None)
    assert (first.before, first.after) == (6 * 2 * 9, 3 * 2 * 9)
    assert (second.before, second.after) == (8 * 6 * 9, 4 * 3 * 9)
    assert dense.after * 2 == dense.before and last.after == last.before
    with torch.no_grad():
        whole, floats = found.model(IMAGES), found.floats(IMAGES)
    assert 0 < (whole - floats).abs().max() < 0.15 * floats.abs().max()
    assert str(CompressionPlan(Pruning("filters", 0.5), int8=True)) == (
        "50% of the filters of each convolution pruned, the smallest; in int8"
    )


def test_what_is_only_zero_is_said():
    spec = spec_of(Conv(4), Activation(), Residual(4), Flatten(), Dense(10))
    found = compress(spec, trained(spec), CompressionPlan(Pruning("filters", 0.5)), IMAGES)
    assert found.spec == spec and found.masks
    assert found.layers[0].filters == (4, 4) and "residual block" in found.layers[0].reason
    assert found.layers[0].zeros == 2 * 2 * 9 and not found.layers[-1].reason


def test_a_sweep_asks_each_share_from_the_whole_network():
    model, labels = trained(SPEC), torch.tensor([1, 2, 3, 4, 5])
    kept = [layer.weight.clone() for _, layer in weighted(model)]
    told: list[tuple[int, int]] = []
    with torch.no_grad():
        labels = model(IMAGES).argmax(1)
    shares = (0.0, 0.5, 0.99)
    found = sweep(model, "weights", shares, IMAGES, labels, progress=lambda *at: told.append(at))
    for share, rate in zip(shares, found, strict=True):
        with torch.no_grad():
            right = (prune(model, Pruning("weights", share)).model(IMAGES).argmax(1) == labels).sum()
        assert rate == wilson(int(right), 5)
    assert found[0].value == 1.0 and told[-1] == (15, 15)
    assert all(torch.equal(before, layer.weight) for before, (_, layer) in zip(kept, weighted(model), strict=True))


def test_a_network_with_a_pretrained_backbone_is_cut_and_kept_in_a_file() -> None:
    spec = ModelSpec("Transfer", (1, 12, 12), 3, (Backbone(up_to=2, size=64), GlobalAvgPool(), Dense(5), Dense(3)))
    model, images = build_model(spec).eval(), torch.rand(4, 1, 12, 12)
    small = compress(spec, model, CompressionPlan(Pruning("filters", 0.25), int8=True), images)
    assert {layer.reason for layer in small.layers if layer.filters} == {"a pretrained backbone keeps its shape"}
    pruned = dict(model.named_parameters())["backbone1.block1.conv.weight"]
    zeros = dict(small.model.named_parameters())["backbone1.block1.conv.weight"].flatten(1).eq(0).all(1)
    assert int(zeros.sum()) == len(pruned) // 4
    with torch.no_grad():
        assert torch.equal(from_file(to_file(small.spec, small.model))[1](images), small.model(images))
