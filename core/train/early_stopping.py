"""Early stopping: by time, by target accuracy, or by patience on the validation loss."""

from collections.abc import Mapping

from core.train.config import TrainConfig
from core.train.metrics import Score


class Budgets:
    """Decides when a training ends early; its state goes into the checkpoints."""

    def __init__(self) -> None:
        self.best_loss, self.best_epoch = float("inf"), 0

    def verdict(self, config: TrainConfig, epoch: int, seconds: float, valid: Score | None) -> str:
        """Return one sentence on why the training ends after this update, or nothing.

        Args:
            config: The limits.
            epoch: The epoch of the update, from 1.
            seconds: Training time so far.
            valid: The score after this epoch, on its last update only.
        """
        if valid is not None:
            if valid.loss < self.best_loss:
                self.best_loss, self.best_epoch = valid.loss, epoch
            if config.target_accuracy and valid.accuracy >= config.target_accuracy:
                return f"It reached the target: {valid.accuracy:.1%} of the validation images after epoch {epoch}."
            if config.patience and epoch - self.best_epoch >= config.patience:
                return f"It stopped early: the validation loss has not been lower since epoch {self.best_epoch}."
        if config.max_seconds and seconds >= config.max_seconds:
            return f"Its time was up: {config.max_seconds:g} seconds of training."
        return ""

    def to_meta(self) -> dict[str, str]:
        """Return the state as checkpoint metadata."""
        return {"best_loss": repr(self.best_loss), "best_epoch": str(self.best_epoch)}

    def restore(self, meta: Mapping[str, str]) -> None:
        """Restore the state that `to_meta` returned; checkpoints of earlier versions hold none."""
        self.best_loss = float(meta.get("best_loss", "inf"))
        self.best_epoch = int(meta.get("best_epoch", "0"))
