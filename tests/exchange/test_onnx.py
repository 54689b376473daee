"""The ONNX file computes what the network does, on another program, for any batch size."""

import numpy as np
import pytest
import torch

from core.errors import RunError, StorageError
from core.exchange.onnx import to_onnx
from core.model.build import build_model
from core.model.layers import (
    Activation,
    AvgPool,
    Backbone,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    MaxPool,
)
from core.model.presets import preset
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.train.config import TrainConfig
from tests.presets import OWN_PRESETS

onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

EVERY_KIND = (
    Conv(6, kernel_size=4, dilation=2),
    BatchNorm(),
    Activation("gelu"),
    AvgPool(3, stride=2, padding=1),
    Conv(6, kernel_size=3, stride=2, padding=1, groups=3),
    Activation("silu"),
    MaxPool(2),
    Activation("leaky_relu"),
    Dropout(0.5),
    GlobalAvgPool(),
    Dense(9),
    BatchNorm(),
    Activation("sigmoid"),
    Dense(8),
    Activation("tanh"),
    Dense(10),
)
SPECS = {
    **{name: preset(name, (3, 32, 32), 10) for name in OWN_PRESETS},
    "every kind": ModelSpec("Every kind", (3, 32, 32), 10, EVERY_KIND),
    "backbone": ModelSpec("Transfer", (1, 8, 8), 10, (Backbone(up_to=3, size=64), GlobalAvgPool(), Dense(10))),
    "grey": ModelSpec("Grey", (1, 8, 8), 10, (Flatten(), Dense(10))),
}


@pytest.mark.parametrize("name", SPECS)
def test_another_program_computes_the_same_logits(name, store):
    spec = SPECS[name]
    run_id = store.create(spec, TrainConfig(), "cifar10")
    model = build_model(spec, seed=3)
    for _ in range(2):  # so that batch norm has seen something
        model.train()(torch.randn(8, *spec.input_shape))
    save_checkpoint(store.checkpoint(run_id), Checkpoint(model.state_dict()))
    session = onnxruntime.InferenceSession(to_onnx(store, run_id), providers=["CPUExecutionProvider"])
    assert [put.name for put in session.get_inputs()] == ["images"]
    for count in (1, 5):
        images = torch.randn(count, *spec.input_shape)
        (logits,) = session.run(["logits"], {"images": images.numpy()})
        with torch.no_grad():
            expected = model.eval()(images).numpy()
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_without_whole_weights_there_is_none(trained, store):
    store.checkpoint(trained).write_bytes(b"damaged")
    with pytest.raises(StorageError, match="damaged"):
        to_onnx(store, trained)
    store.checkpoint(trained).unlink()
    with pytest.raises(RunError, match="no weights yet"):
        to_onnx(store, trained)
