"""Checkpoints are whole or refused, and nothing in them is ever executed."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from core.errors import StorageError
from core.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


def test_everything_comes_back_bit_for_bit(tmp_path):
    model = network().to(memory_format=torch.channels_last)
    state = {"0.exp_avg": torch.randn(2, 1, 3, 3), "random": torch.get_rng_state()}
    path = tmp_path / "deep" / "latest.safetensors"
    save_checkpoint(path, Checkpoint(model.state_dict(), state, {"step": "3"}))
    loaded = load_checkpoint(path)
    assert loaded.meta == {"step": "3"}
    assert all(torch.equal(loaded.weights[name], value) for name, value in model.state_dict().items())
    assert all(torch.equal(loaded.training[name], value) for name, value in state.items())
    assert [p.name for p in path.parent.iterdir()] == ["latest.safetensors"]


@pytest.mark.parametrize("content", [b"", b"\x08", b"nonsense" * 50, pickle.dumps({"weight": 1})])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "latest.safetensors"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="damaged"):
        load_checkpoint(path)


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "latest.safetensors"
    save_checkpoint(path, Checkpoint(network().state_dict()))
    whole = path.read_bytes()
    for length in (0, 7, 50, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(StorageError, match="damaged"):
            load_checkpoint(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(StorageError, match="missing"):
        load_checkpoint(tmp_path / "latest.safetensors")


def test_weights_of_another_network_or_no_numbers_are_refused():
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    other = nn.Sequential(nn.Conv2d(1, 2, 5)).state_dict()
    broken = {name: value.clone() for name, value in before.items()}
    broken["0.weight"][0, 0, 0, 0] = float("nan")
    for weights, words in ((other, "another network"), (broken, "not finite")):
        with pytest.raises(StorageError, match=words):
            Checkpoint(weights).apply(model)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "latest.safetensors"
    save_checkpoint(path, Checkpoint({"w": torch.ones(3)}))

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.runs.checkpoint.save_file", full)
    with pytest.raises(StorageError, match="No space left"):
        save_checkpoint(path, Checkpoint({"w": torch.zeros(3)}))
    assert torch.equal(load_checkpoint(path).weights["w"], torch.ones(3))
    assert len(list(tmp_path.iterdir())) == 1


def test_changed_bytes_of_the_values_are_noticed(tmp_path):
    path = tmp_path / "latest.safetensors"
    save_checkpoint(path, Checkpoint(network().state_dict(), {"random": torch.get_rng_state()}, {"step": "3"}))
    content = path.read_bytes()
    for place in (len(content) - 1, len(content) - 100, len(content) // 2):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(StorageError, match="damaged"):
            load_checkpoint(path)
    path.write_bytes(content.replace(b'"step":"3"', b'"step":"4"'))
    with pytest.raises(StorageError, match="damaged"):
        load_checkpoint(path)


def test_files_of_earlier_versions_have_no_checksum_and_load(tmp_path):
    path = tmp_path / "latest.safetensors"
    save_file({"w": torch.ones(3)}, path, metadata={"step": "3"})
    assert load_checkpoint(path).meta == {"step": "3"}


@pytest.mark.parametrize("dtype", [torch.bool, torch.bfloat16, torch.int64, torch.float64])
def test_every_type_and_shape_of_tensor_has_a_checksum(tmp_path, dtype):
    tensors = {"scalar": torch.ones((), dtype=dtype), "none": torch.ones(0, 2, dtype=dtype)}
    save_checkpoint(tmp_path / "latest.safetensors", Checkpoint(tensors))
    loaded = load_checkpoint(tmp_path / "latest.safetensors").weights
    assert all(torch.equal(loaded[name], value) for name, value in tensors.items())
