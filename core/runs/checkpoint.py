"""Weights and the state of a training as safetensors files: data only, never code."""

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from core.errors import StorageError
from core.leftovers import writing_in
from core.model.pretrained_backbone import frozen_names, source_of

BACKBONE = "backbone"  # key of the metadata that names the pretrained network whose frozen weights are left out
BEGINNING = "beginning"  # key of the metadata that states the source of a run's initial weights
_STATE = "training/"  # tensors of this prefix are the optimiser's and the random state, the others are weights
_CHECKSUM = "checksum"  # CRC-32 of all else that a file holds; files of earlier versions have none


class CheckpointFault(Enum):
    """Why a checkpoint cannot be used."""

    DAMAGED = "damaged"
    OTHER_NETWORK = "another network"
    NOT_FINITE = "not finite"


class CheckpointError(StorageError):
    """A checkpoint cannot be used; `fault` is the reason as a code."""

    def __init__(self, fault: CheckpointFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file.

    Attributes:
        weights: The entries of the network's `state_dict`. Those of a frozen backbone may be left out; then `meta`
            names the pretrained network that has them.
        training: What is needed to go on exactly: optimiser state and random state; empty where not kept.
        meta: Words about it, for instance step and epoch.
    """

    weights: Mapping[str, Tensor]
    training: Mapping[str, Tensor] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)

    def apply(self, model: nn.Module) -> None:
        """Load the weights into `model`; raises `CheckpointError` if names, shapes or finiteness do not match.

        Those that are left out are the ones that a built network has from the beginning.
        """
        expected = {name: tensor.shape for name, tensor in model.state_dict().items()}
        left_out = expected.keys() - self.weights.keys()
        known = self.meta.get(BACKBONE) == source_of(model) and left_out <= frozen_names(model)
        shapes = {name: tensor.shape for name, tensor in self.weights.items()}
        if (left_out and not known) or {name: expected[name] for name in expected if name not in left_out} != shapes:
            raise CheckpointError(
                CheckpointFault.OTHER_NETWORK,
                "The checkpoint belongs to another network: choose another epoch or train again.",
            )
        if not all(torch.isfinite(tensor).all() for tensor in self.weights.values()):
            raise CheckpointError(
                CheckpointFault.NOT_FINITE,
                "The checkpoint holds numbers that are not finite: choose an earlier epoch.",
            )
        model.load_state_dict(dict(self.weights), strict=not left_out)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically: `path` always holds a complete file, the old or the new one.

    Raises:
        StorageError: The disk is full or the directory cannot be written; the old file is untouched.
    """
    tensors = dict(checkpoint.weights) | {_STATE + name: value for name, value in checkpoint.training.items()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    meta = dict(checkpoint.meta)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing_in(path.parent):
            save_file(tensors, part, metadata=meta | {_CHECKSUM: _checksum(tensors, meta)})
            _reach_disk(part)
            os.replace(part, path)  # noqa: PTH105 (its errors name both files)
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        raise StorageError(
            f"The weights cannot be saved ({error}): make room on the disk of the data directory and resume the run."
        ) from error


def _checksum(tensors: Mapping[str, Tensor], meta: Mapping[str, str]) -> str:
    """Return the CRC-32 of the metadata and of every tensor's name, dtype, shape and bytes, in order of the names."""
    value = zlib.crc32(json.dumps(dict(meta), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        value = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), value)
        if tensor.numel():
            value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, value)
    return f"{value:08x}"


def _reach_disk(path: Path) -> None:
    """Flush a file to the disk before it is renamed, so that a power failure cannot leave an empty file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def beginning_of(path: Path) -> str:
    """Return the stated source of a run's initial weights; empty if they were random.

    `path` is the run's latest checkpoint; the result is empty too where that is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return str((file.metadata() or {}).get(BEGINNING, ""))
    except (OSError, SafetensorError):
        return ""


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointError: The file is missing, truncated, no safetensors file, or other bytes than were written.
    """
    damaged = f"The checkpoint {path.name} is missing or damaged: choose another epoch, or train again."
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            meta = file.metadata() or {}
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(CheckpointFault.DAMAGED, damaged) from error
    checksum = meta.pop(_CHECKSUM, None)
    if checksum is not None and checksum != _checksum(tensors, meta):
        raise CheckpointError(CheckpointFault.DAMAGED, damaged)
    training = {name.removeprefix(_STATE): value for name, value in tensors.items() if name.startswith(_STATE)}
    weights = {name: value for name, value in tensors.items() if not name.startswith(_STATE)}
    return Checkpoint(weights, training, meta)
