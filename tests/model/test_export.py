"""The code that is shown makes the network that trains."""

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from core.errors import SpecError
from core.model.build import build_model
from core.model.export import to_python
from core.model.layers import Conv, Dense, Dropout, Flatten
from core.model.presets import PRESETS, preset
from core.model.pretrained_backbone import backbone_weights
from core.model.residual import ResidualBlock
from core.model.shapes import problems
from core.model.spec import ModelSpec
from core.model.zoo import BUNDLED


@pytest.fixture(autouse=True)
def backbone_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the code of a backbone run where the weights are that it reads."""
    monkeypatch.chdir(home)
    save_file(backbone_weights(BUNDLED), "efficientnet_lite0.safetensors")


def _assert_same_network(spec: ModelSpec, seed: int) -> None:
    namespace: dict[str, Any] = {}
    with torch.random.fork_rng():
        exec(to_python(spec, seed=seed), namespace)
    copied, built = namespace["model"], build_model(spec, seed=seed)
    assert list(copied.state_dict()) == list(built.state_dict())
    assert all(torch.equal(value, built.state_dict()[key]) for key, value in copied.state_dict().items())
    images = torch.rand(2, *spec.input_shape)
    assert torch.equal(copied.eval()(images), built.eval()(images))
    assert str(copied) == str(built)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)])
def test_presets_are_the_network_that_their_code_makes(name: str, shape: tuple[int, int, int]) -> None:
    _assert_same_network(preset(name, shape, 10), seed=7)


def test_random_networks_are_the_network_that_their_code_makes(random_specs: list[ModelSpec]) -> None:
    specs = [ModelSpec(s.name, s.input_shape, s.num_classes, (*s.layers, Flatten(), Dense(10))) for s in random_specs]
    working = [spec for spec in specs if not problems(spec)]
    assert len(working) > 60
    for spec in working[:60]:
        _assert_same_network(spec, seed=3)


def test_code_reads_like_a_persons() -> None:
    code = to_python(ModelSpec("Mine", (3, 32, 32), 10, (Conv(8), Dropout(), Flatten(), Dense(10))))
    assert (
        code
        == """\
from collections import OrderedDict

import torch
from torch import nn

torch.manual_seed(0)  # the same first weights every time
# Mine: 3×32×32 images in, 10 logits out
model = nn.Sequential(
    OrderedDict([
        ("conv1", nn.Conv2d(3, 8, kernel_size=3, padding="same")),  # 8×32×32
        ("dropout1", nn.Dropout(p=0.5)),                            # 8×32×32
        ("flatten1", nn.Flatten()),                                 # 8192
        ("dense1", nn.Linear(8192, 10)),                            # 10
    ])
)
"""
    )


def test_the_residual_block_is_printed_only_where_it_is_used_and_as_it_is() -> None:
    assert inspect.getsource(ResidualBlock).strip() in to_python(preset("resnet", (3, 32, 32), 10))
    assert "ResidualBlock" not in to_python(preset("tutorial", (3, 32, 32), 10))


def test_a_name_cannot_become_code() -> None:
    name = '"""); import os  # \\n \\u000a {seed}'
    code = to_python(ModelSpec(name, (1, 4, 4), 2, (Flatten(), Dense(2))))
    statements = ast.parse(code).body
    assert [type(node).__name__ for node in statements] == ["ImportFrom", "Import", "ImportFrom", "Expr", "Assign"]


def test_impossible_networks_have_no_code() -> None:
    with pytest.raises(SpecError, match="0 layers"):
        to_python(ModelSpec("empty", (1, 4, 4), 2, ()))
