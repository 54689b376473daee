"""ONNX files of ours come back as they were, and chains of other exporters open; anything else gets one sentence."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core.exchange.foreign.importing import Answers, import_foreign, likely_values
from core.exchange.foreign.network import ForeignError, ForeignNetwork
from core.exchange.foreign.onnx import read_onnx
from core.exchange.onnx import to_onnx
from core.inference import NetworkLibrary
from core.model.build import build_model
from core.model.layers import (
    ACTIVATIONS,
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
    Residual,
)
from core.model.shapes import problems
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig

onnx = pytest.importorskip("onnx")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
STACKS = 12


def stacks(seed: int) -> Iterator[ModelSpec]:
    """Yield random networks that work, three to ten layers deep."""
    draw = random.Random(seed)

    def layer() -> Layer:
        makers: list[Callable[[], Layer]] = [
            lambda: Conv(
                draw.choice([2, 4, 6]), draw.randint(1, 5), 1, "same", draw.randint(1, 2), draw.choice([1, 2])
            ),
            lambda: Conv(draw.choice([2, 4]), draw.randint(1, 4), draw.randint(1, 2), draw.randint(0, 2)),
            lambda: MaxPool(draw.randint(1, 3), draw.randint(1, 3), 0),
            lambda: AvgPool(draw.randint(2, 3), draw.randint(1, 2), draw.randint(0, 1)),
            lambda: Residual(draw.choice([2, 4]), draw.choice([1, 3, 5]), draw.randint(1, 2)),
            lambda: Activation(draw.choice(list(ACTIVATIONS)), draw.choice([0.01, 0.3])),
            BatchNorm,
            Dropout,
        ]
        return draw.choice(makers)()

    while True:
        maps = [layer() for _ in range(draw.randint(1, 5))]
        ends = [draw.choice([Flatten(), GlobalAvgPool()])]
        ends += draw.choice([[], [Dense(7), Activation(draw.choice(list(ACTIVATIONS))), BatchNorm()]])
        spec = ModelSpec(
            "Random", (draw.choice([1, 2]), draw.randint(7, 12), draw.randint(7, 12)), 3, (*maps, *ends, Dense(3))
        )
        if not problems(spec):
            yield spec


def trained(store: RunStore, spec: ModelSpec, dataset: str = "digits", seed: int = 0) -> str:
    """Record a run whose batch norms have seen something, and return its id."""
    run_id = store.create(spec, TrainConfig(), dataset)
    model = build_model(spec, seed=seed).train()
    generator = torch.Generator().manual_seed(seed)
    for _ in range(2):
        model(torch.randn(6, *spec.input_shape, generator=generator))
    save_checkpoint(store.checkpoint(run_id), Checkpoint(model.state_dict()))
    return run_id


def computed(network: ForeignNetwork, images: torch.Tensor) -> torch.Tensor:
    model = build_model(network.spec).eval()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in network.weights.items()})
    with torch.no_grad():
        return model(images)


def test_random_stacks_come_back_from_our_own_export(store):
    for seed, spec in zip(range(STACKS), stacks(1), strict=False):
        run_id = trained(store, spec, seed=seed)
        network = read_onnx(to_onnx(store, run_id))
        images = torch.randn(4, *spec.input_shape)
        with torch.no_grad():
            expected = store.load_model(run_id)(images)
        torch.testing.assert_close(computed(network, images), expected, rtol=1e-5, atol=1e-5, msg=str(spec))


def test_an_own_file_opens_as_a_run_with_its_classes_and_its_scale_of_pixels(store, home):
    spec = ModelSpec("Digits", (1, 8, 8), 10, (Conv(3), Activation(), Flatten(), Dense(10)))
    run_id = trained(store, spec)
    network = read_onnx(to_onnx(store, run_id))
    assert network.class_names == tuple("0123456789")
    new = import_foreign(store, network, Answers(class_names=network.class_names, values=likely_values(network)))
    pixels = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    was, now = (NetworkLibrary(store).get(each) for each in (run_id, new))
    with torch.no_grad():
        logits = [each.model(each.normalize(pixels)) for each in (was, now)]
    torch.testing.assert_close(logits[1], logits[0], rtol=1e-5, atol=1e-5)
    assert store.get(new).origin == "foreign:onnx"
    assert [run.id for run in store.list(learned=True)] == [new]


def _exported(module: nn.Module, shape: tuple[int, ...], **words: Any) -> bytes:
    import io

    content = io.BytesIO()
    torch.onnx.export(module.eval(), (torch.randn(1, *shape),), content, opset_version=17, dynamo=False, **words)  # type: ignore[arg-type]
    return content.getvalue()


class _ChannelsLast(nn.Module):
    """What exporters from TensorFlow write: pictures with channels last, and back to that before the flattening."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.dense = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4 * 6 * 5, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = torch.clamp(self.conv((images / 255).permute(0, 3, 1, 2)), min=0).permute(0, 2, 3, 1)
        return torch.softmax(torch.matmul(maps.reshape(-1, 120), self.dense.weight.T) + self.dense.bias, 1)


def test_a_file_with_channels_last_opens_with_the_same_answers():
    module = _ChannelsLast()
    network = read_onnx(_exported(module, (6, 5, 3)))
    assert network.spec.input_shape == (3, 6, 5)
    assert network.scale is not None
    np.testing.assert_allclose(network.scale.factor, 1 / 255, rtol=1e-6)
    images = torch.rand(2, 6, 5, 3) * 255
    with torch.no_grad():
        expected = module(images)
    answers = computed(network, (images / 255).permute(0, 3, 1, 2)).softmax(1)
    torch.testing.assert_close(answers, expected, rtol=1e-5, atol=1e-6)


class _Branching(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images.relu() + images.tanh()).flatten(1)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (_Branching(), "branches into|joins two branches"),
        (nn.Sequential(nn.ReLU6(), nn.Flatten()), "cuts numbers off at both ends"),
        (
            nn.Sequential(nn.ConvTranspose2d(1, 1, 2), nn.Flatten()),
            r"\(ConvTranspose\) is none that a network here has",
        ),
        (nn.Sequential(nn.LeakyReLU(1.5), nn.Flatten()), "slope below 0 must be a number from 0.0 to 1.0"),
        (nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), nn.Flatten()), "beyond the edge"),
        (nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.Flatten()), "leaves the border out"),
        (nn.Conv2d(1, 3, 3), "it needs one score for each class"),
    ],
)
def test_what_has_no_layer_here_is_named(module, sentence):
    with pytest.raises(ForeignError, match=sentence):
        read_onnx(_exported(module, (1, 5, 5)))


def _changed(change: Callable[[Any], object]) -> bytes:
    model = onnx.load_from_string(_exported(nn.Sequential(nn.Flatten(), nn.Linear(25, 3)), (1, 5, 5)))
    change(model)
    content: bytes = model.SerializeToString()
    return content


def _external(model: Any) -> None:
    weights = model.graph.initializer[0]
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/hostname")


def _short(model: Any) -> None:
    model.graph.initializer[0].raw_data = b"1234"


def _loop(model: Any) -> None:
    start, end = model.graph.input[0].name, model.graph.node[0].output[0]
    del model.graph.node[:]
    model.graph.node.append(onnx.helper.make_node("Identity", [start], [end]))
    model.graph.node.append(onnx.helper.make_node("Identity", [end], [start]))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_external, "in another file, which is not opened"),
        (_short, "are damaged"),
        (_loop, "leads back"),
        (lambda model: model.graph.input.add(name="second"), "2 inputs"),
        (lambda model: model.graph.node[0].__setattr__("domain", "evil"), "is no part of ONNX itself"),
        (lambda model: model.graph.node.pop(), "before its output is reached"),
        (
            lambda model: model.graph.input[0].type.tensor_type.shape.dim[2].__setattr__("dim_param", "h"),
            "fixed height",
        ),
        (lambda model: model.graph.ClearField("node"), "is damaged"),
    ],
)
def test_a_hostile_onnx_file_gets_one_sentence(change, sentence):
    with pytest.raises(ForeignError, match=sentence):
        read_onnx(_changed(change))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\xff" * 99, b"\x08"])
def test_what_is_no_onnx_file_gets_a_sentence(data):
    with pytest.raises(ForeignError, match="no ONNX model, or it is damaged"):
        read_onnx(data)


def test_every_answer_about_pixels_reaches_the_network(store, home):
    spec = ModelSpec("Flat", (1, 8, 8), 10, (Flatten(), Dense(10)))
    network = replace(read_onnx(to_onnx(store, trained(store, spec))), scale=None)
    pixels = torch.full((1, 1, 8, 8), 51, dtype=torch.uint8)
    answers = [
        (Answers(dataset="digits", values="unit"), 0.2),
        (Answers(dataset="digits", values="raw"), 51.0),
        (Answers(dataset="digits", values="symmetric"), -0.6),
        (Answers(class_names=tuple("abcdefghij"), values="given", mean=(0.1,), std=(0.5,)), 0.2),
    ]
    for given, value in answers:
        found = NetworkLibrary(store).get(import_foreign(store, network, given))
        assert found.normalize(pixels).unique().item() == pytest.approx(value)
        if given.dataset:
            assert found.dataset().normalize(pixels).unique().item() == pytest.approx(value)
        else:
            assert found.class_names == given.class_names
            assert "learned from in another program" in found.why_no_images
    for wrong in (
        Answers(class_names=("a", "b")),
        Answers(dataset="cifar10"),
        Answers(dataset="none"),
        Answers(dataset="digits", values="given", mean=(0.5,), std=(0.0,)),
    ):
        with pytest.raises(ForeignError):
            import_foreign(store, network, wrong)
