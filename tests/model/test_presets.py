"""Every preset works on every size of image."""

import pytest
import torch

from core.errors import SpecError
from core.model.build import build_model
from core.model.layers import AvgPool, Conv, MaxPool, Residual
from core.model.presets import PRESETS, TRANSFER, preset
from core.model.shapes import problems, summarize

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64), (1, 1, 1), (2, 5, 9), (4, 96, 33)]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("shape", SHAPES)
def test_presets_build_and_run(name: str, shape: tuple[int, int, int]) -> None:
    if name == TRANSFER and shape[0] not in (1, 3):
        shape = (3, *shape[1:])  # pretrained networks look at pictures in grey or colour
    spec = preset(name, shape, 7)
    assert problems(spec) == ()
    assert build_model(spec).eval()(torch.rand(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_fit_larger_pictures(name: str) -> None:
    assert not problems(preset(name, (3, 128, 128), 100))


def test_the_tutorial_has_the_tutorials_parameters() -> None:
    counts = [summary.num_params for summary in summarize(preset("tutorial", (3, 32, 32), 10)) if summary.num_params]
    assert counts == [896, 18_496, 73_856, 1_049_088, 5_130]
    assert sum(counts) == 1_147_466


@pytest.mark.parametrize("shape", [(1, 32, 32), (1, 28, 28)])
def test_lenet_has_the_shapes_of_1998(shape: tuple[int, int, int]) -> None:
    shapes = {s.name: s.output_shape for s in summarize(preset("lenet5", shape, 10))}
    layers = ("conv1", "pool1", "conv2", "pool2", "flatten1", "dense1", "dense2", "dense3")
    expected = [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (400,), (120,), (84,), (10,)]
    assert [shapes[name] for name in layers] == expected


def test_tiny_vgg_has_the_shapes_of_cnn_explainer() -> None:
    shapes = [s.output_shape for s in summarize(preset("tiny_vgg", (3, 64, 64), 10)) if s.kind in ("conv", "max_pool")]
    assert shapes == [(10, side, side) for side in (62, 60, 30, 28, 26, 13)]


def test_nin_has_no_dense_layer_and_resnet_three_blocks() -> None:
    assert {summary.kind for summary in summarize(preset("nin", (3, 32, 32), 10))} == {
        "conv",
        "activation",
        "max_pool",
        "dropout",
        "global_avg_pool",
    }
    blocks = [layer for layer in preset("resnet", (3, 32, 32), 10).layers if isinstance(layer, Residual)]
    assert blocks == [Residual(16), Residual(32, stride=2), Residual(64, stride=2)]


def test_pooling_is_left_out_where_nothing_would_remain() -> None:
    def pools(name: str, side: int) -> int:
        return sum(isinstance(layer, MaxPool | AvgPool) for layer in preset(name, (1, side, side), 10).layers)

    assert [pools("tutorial", side) for side in (1, 2, 4, 8, 32)] == [0, 1, 2, 3, 3]
    assert [pools("lenet5", side) for side in (1, 2, 4, 8, 32)] == [0, 1, 2, 2, 2]
    assert all(isinstance(preset(name, (1, 1, 1), 10).layers[0], Conv) for name in PRESETS if name != TRANSFER)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_say_where_they_come_from(name: str) -> None:
    about = PRESETS[name]
    assert about.name == name and about.title
    assert about.summary.endswith(".") and about.source.endswith(".")


def test_unknown_presets_and_bad_shapes_get_a_sentence() -> None:
    with pytest.raises(SpecError, match="There is no preset 'alexnet': choose one of tutorial, lenet5"):
        preset("alexnet", (3, 32, 32), 10)
    with pytest.raises(SpecError, match="number of channels"):
        preset("tutorial", (0, 32, 32), 10)
