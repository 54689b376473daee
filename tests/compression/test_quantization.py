"""Whole numbers: weights within half a step, nearly the same answers, files that give the same logits."""

import itertools

import pytest
import torch
from torch import nn

from core.compression.cost import size_of
from core.compression.cutting import cut
from core.compression.pruning import prune
from core.compression.quantization import quantize
from core.compression.saving import from_file, to_file
from core.compression.ways import Pruning
from core.errors import ConfigError, StorageError
from core.model.layers import (
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
)
from core.model.presets import preset
from core.model.shapes import problems
from tests.compression.test_pruning import IMAGES, PLAIN, spec_of, trained
from tests.presets import OWN_PRESETS

pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated"),
    pytest.mark.filterwarnings("ignore:Please use quant_min and quant_max"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor, torch.quantize_per_channel"),
]
SPEC = spec_of(*PLAIN, Activation(), Dropout(), Dense(10))


def whole_layers(model: nn.Module) -> list:
    return [part for part in model.modules() if hasattr(part, "set_weight_bias") and hasattr(part, "weight")]


def test_weights_are_within_half_a_step():
    spec = spec_of(Conv(6), Activation(), MaxPool(), Conv(8), Activation("tanh"), Flatten(), Dense(10))
    model = trained(spec)
    layers = whole_layers(quantize(model, IMAGES))
    assert len(layers) == 3
    for layer, original in zip(layers, (model.conv1, model.conv2, model.dense1), strict=True):
        weight = layer.weight()
        numbers, scales = weight.int_repr(), weight.q_per_channel_scales().float()
        assert numbers.dtype == torch.int8 and len(scales) == len(numbers)
        steps = scales.reshape(-1, *[1] * (numbers.ndim - 1))
        assert ((numbers * steps - original.weight).abs() <= steps * 0.5001).all()
        assert not numbers[original.weight == 0].any()


def test_batch_norms_are_folded_exactly():
    spec = spec_of(Conv(6), BatchNorm(), Activation(), Flatten(), Dense(10))
    model = trained(spec)
    norm = model.bn1
    folded = model.conv1.weight * (norm.weight / (norm.running_var + norm.eps).sqrt())[:, None, None, None]
    weight = whole_layers(quantize(model, IMAGES))[0].weight()
    steps = weight.q_per_channel_scales().float()[:, None, None, None]
    assert ((weight.dequantize() - folded).abs() <= steps * 0.5001).all()


@pytest.mark.parametrize("name", OWN_PRESETS)
def test_presets_answer_nearly_alike(name: str):
    spec = preset(name, (3, 32, 32), 10)
    images = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    model = trained(spec)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    whole = quantize(model, images)
    with torch.no_grad():
        wanted, found = model(images), whole(images)
    assert not torch.equal(wanted, found)
    assert (found - wanted).abs().max() < 0.15 * wanted.abs().max()
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("groups", [1, 2])
def test_every_padding_is_kept(groups: int):
    """Each with either end, of which every second kernel, dilation and stride takes the other."""
    settings = itertools.product(range(1, 8), (1, 2, 3), (1, 2), ("same", 3))
    specs = [
        spec_of(
            Conv(4, size, stride, padding, dilation, groups),
            Activation(),
            (Flatten(), GlobalAvgPool())[(size + dilation + stride) % 2],
            Dense(10),
        )
        for size, dilation, stride, padding in settings
    ]
    working = [spec for spec in specs if not problems(spec)]
    assert len(working) > 50
    for spec in working:
        model = trained(spec)
        with torch.no_grad():
            wanted, found = model(IMAGES), quantize(model, IMAGES)(IMAGES)
        assert (found - wanted).abs().max() < 0.04 * wanted.abs().max(), spec.layers[0]


@pytest.mark.parametrize("pool", [MaxPool(3, 2, 1), AvgPool(4, 1, 2)])
def test_even_kernels_work_between_other_layers_and_from_a_file(pool: Layer):
    layers = (Conv(6, 2), BatchNorm(), Activation(), Conv(4, 4), pool, Activation("gelu"), Conv(8, 4, groups=2))
    spec = spec_of(*layers, Flatten(), Dense(10))
    model = trained(spec)
    whole = quantize(model, IMAGES)
    assert len(whole_layers(whole)) == 4
    with torch.no_grad():
        wanted, found = model(IMAGES), whole(IMAGES)
        assert (found - wanted).abs().max() < 0.05 * wanted.abs().max()
        assert torch.equal(from_file(to_file(spec, whole))[1](IMAGES), found)


@pytest.mark.parametrize("name", [*OWN_PRESETS, "own"])
@pytest.mark.parametrize("whole", [False, True])
def test_a_file_gives_the_same_logits(name: str, whole: bool):
    spec = SPEC if name == "own" else preset(name, (2, 8, 8), 10)
    made = cut(spec, prune(trained(spec), Pruning("filters", 0.5)))
    model = quantize(made.model, IMAGES) if whole else made.model
    data = to_file(made.spec, model)
    again, read = from_file(data)
    with torch.no_grad():
        assert again == made.spec and torch.equal(model(IMAGES), read(IMAGES))
    assert to_file(again, read) == data


def test_files_get_as_small_as_they_should():
    spec = preset("tutorial", (3, 32, 32), 10)
    model = trained(spec)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    before = size_of(spec, model)
    masked = size_of(spec, prune(model, Pruning("weights", 0.9)).model)
    whole = size_of(spec, quantize(model, images))
    assert 4 * before.numbers < before.file == masked.file < 4 * before.numbers + 4000
    assert masked.zipped < 0.3 * before.zipped
    assert before.file / 4 < whole.file < 0.27 * before.file


def test_strange_files_are_refused():
    data = to_file(SPEC, quantize(trained(SPEC), IMAGES))
    other = to_file(spec_of(Flatten(), Dense(10)), trained(SPEC))
    for wrong in (b"", b"PK\x03\x04", data[:-9], data[:40], data.replace(b"int8", b"int9"), other):
        with pytest.raises(StorageError, match="no compressed network"):
            from_file(wrong)


def test_progress_can_end_the_work_and_other_networks_are_refused():
    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        quantize(trained(SPEC), IMAGES, progress=stop)
    with pytest.raises(ConfigError, match="Only networks trained here"):
        quantize(nn.Linear(3, 4), IMAGES)
    with pytest.raises(ConfigError, match="no layer"):
        quantize(nn.Sequential(nn.ReLU()), IMAGES)
