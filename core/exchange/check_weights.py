"""Validates imported checkpoints: state_dict keys, shapes, dtypes, finiteness, optimiser and random state."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from core.errors import ConfigError
from core.exchange.csv_tables import MAX_COUNT
from core.exchange.layout import ArchiveError, refusal, single_line
from core.exchange.run_record import RunRecord
from core.model.build import build_model
from core.runs.checkpoint import BACKBONE, BEGINNING, Checkpoint, CheckpointError, CheckpointFault, load_checkpoint
from core.train.config import LIVE, TrainConfig
from core.train.initialization import InitialWeights, first_checkpoint
from core.train.metrics import Step
from core.train.optimizers import make_optimizer, optimizer_state, trained_parameters

MAX_BEGINNING_CHARS = MAX_ENDED_CHARS = 300
_FAULTS = {
    CheckpointFault.DAMAGED: "it is missing or damaged",
    CheckpointFault.OTHER_NETWORK: "it belongs to another network",
    CheckpointFault.NOT_FINITE: "it holds numbers that are not finite",
}
_RANDOM_CUDA = (torch.uint8, torch.Size([16]))


class CheckpointValidator:
    """Checks checkpoints against the network and the configuration of a run's record."""

    def __init__(self, record: RunRecord) -> None:
        self.record, self.config = record, TrainConfig.from_mapping(record.config)

    def checked(self, path: Path, name: str, epoch: int | None) -> Checkpoint:
        """Return a checkpoint of which every part was checked; what a run has no use for is left out.

        Args:
            path: A safetensors file.
            name: What to call it in a sentence.
            epoch: After which it was made; None for the latest, which holds what is needed to go on as well.

        Raises:
            ArchiveError: It is damaged or another network's, holds numbers that are not finite, or nothing to go on.
        """
        try:
            checkpoint = load_checkpoint(path)
            checkpoint.apply(self._model)
        except CheckpointError as error:
            raise _unusable(name, _FAULTS[error.fault]) from error
        expected = _kinds(self._model.state_dict())
        if any(expected[name] != kind for name, kind in _kinds(checkpoint.weights).items()):
            raise _unusable(name, "its numbers are of another kind")
        left_out = {BACKBONE: checkpoint.meta[BACKBONE]} if checkpoint.weights.keys() != expected.keys() else {}
        if epoch is not None and "step" not in checkpoint.meta:  # of an earlier version
            return Checkpoint(checkpoint.weights, meta=left_out | {"epoch": str(epoch)})
        try:
            if epoch is not None:
                meta = self._meta(checkpoint.meta) | left_out | {"epoch": str(epoch)}
                return Checkpoint(checkpoint.weights, self._masks(checkpoint.training).tensors(), meta)
            meta = self._meta(checkpoint.meta) | left_out
            return Checkpoint(checkpoint.weights, self._training(checkpoint.training), meta)
        except (ValueError, KeyError, RuntimeError, ConfigError) as error:
            raise _unusable(name, "a training could not go on from it") from error

    @cached_property
    def _model(self) -> nn.Sequential:
        return build_model(self.record.spec)

    @cached_property
    def _memory(self) -> dict[str, tuple[torch.dtype, torch.Size]]:
        """The dtype and shape of each entry of the optimiser's state after a step."""
        model = build_model(self.record.spec)
        optimizer = make_optimizer(model, replace(self.config, momentum=0.5))
        for weights in trained_parameters(model):
            weights.grad = torch.zeros_like(weights)
        optimizer.step()
        return _kinds(optimizer_state(optimizer))

    def _masks(self, tensors: Mapping[str, Tensor]) -> InitialWeights:
        """Return the checked pruning masks; raises `ConfigError` if they do not fit or nothing is zero there."""
        initial = InitialWeights.of(Checkpoint({}, tensors))
        first_checkpoint(dict(self._model.named_parameters()), initial, self.config)
        return initial

    def _training(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the checked optimiser and random state; raises one of the errors that `checked` catches."""
        masks = self._masks(tensors).tensors()
        state = {key: value for key, value in tensors.items() if not key.startswith("random") and key not in masks}
        state_fits = not state or _kinds(state) == self._memory
        if not state_fits or not all(torch.isfinite(value).all() for value in state.values()):
            raise ValueError("optimiser")
        torch.Generator().set_state(tensors["random"])
        checked = state | masks | {"random": tensors["random"]}
        if "random_cuda" in tensors:
            if _kinds(tensors)["random_cuda"] != _RANDOM_CUDA:
                raise ValueError("random numbers")
            checked["random_cuda"] = tensors["random_cuda"]
        return checked

    def _meta(self, meta: Mapping[str, str]) -> dict[str, str]:
        """Return the checked step, time, best epoch and settings; raises one of the errors that `checked` catches."""
        step, best_epoch = int(meta["step"]), int(meta.get("best_epoch", "0"))
        seconds, best_loss = float(meta["seconds"]), float(meta.get("best_loss", "inf"))
        fine = 0 <= step <= MAX_COUNT and 0 <= best_epoch <= MAX_COUNT and 0 <= seconds < math.inf
        config = TrainConfig.from_json(meta["config"]) if "config" in meta else self.config
        expected = replace(self.config, **{name: getattr(config, name) for name in LIVE})
        if not fine or math.isnan(best_loss) or config != expected:
            raise ValueError("where it stood")
        numbers = {"step": step, "seconds": seconds, "best_loss": best_loss, "best_epoch": best_epoch}
        beginning = single_line(meta.get(BEGINNING, ""))[:MAX_BEGINNING_CHARS]
        words = {"config": config.to_json()} | ({BEGINNING: beginning} if beginning else {})
        if ended := single_line(meta.get("ended", ""))[:MAX_ENDED_CHARS]:
            words["ended"] = ended
        if "unscored" in meta:
            words["unscored"] = _unscored(meta["unscored"], step).to_json()
        return {name: repr(value) for name, value in numbers.items()} | words


def _unscored(text: str, number: int) -> Step:
    """Return the checked step whose validation is not over, without evidence; raises ValueError if it is another."""
    found = Step.from_json(text)
    measured = (found.lr, found.train_loss, found.train_accuracy, found.seconds)
    if (found.step, type(found.epoch)) != (number, int) or not all(
        isinstance(value, (int, float)) and math.isfinite(value) for value in measured
    ):
        raise ValueError("the last step")
    return replace(found, evidence=())


def _kinds(tensors: Mapping[str, Tensor]) -> dict[str, tuple[torch.dtype, torch.Size]]:
    return {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}


def _unusable(name: str, cause: str) -> ArchiveError:
    return refusal(f"{name} cannot be used, because {cause}")
