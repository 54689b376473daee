"""The curves of a whole run in few points, by epoch and by seconds, for comparing it with others."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from core.runs.records import Run
from core.runs.store import RunStore
from core.runs.tables import METRICS, transaction

MAX_POINTS = 150
MAX_EPOCHS = 100


@dataclass(frozen=True)
class Spot:
    """Some neighbouring measurements: where the last of them lies, and their means.

    Attributes:
        epochs: Passes over the training images.
        seconds: Time spent training, pauses left out.
        loss, accuracy: The means.
    """

    epochs: float
    seconds: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Course:
    """The curves of a run: means over stretches of training batches, and the validation split after epochs."""

    train: tuple[Spot, ...]
    valid: tuple[Spot, ...]


def course(store: RunStore, run: Run) -> Course:
    """Return the curves of a run up to its present step: at most `MAX_POINTS` and `MAX_EPOCHS` points."""
    of_run = (METRICS.c.run_id == run.id, METRICS.c.step <= run.step)
    stretch = (METRICS.c.step - 1) // max(1, -(-run.step // MAX_POINTS))
    epochs = (METRICS.c.epoch - 1) // max(1, -(-run.epoch // MAX_EPOCHS))
    train = _means(stretch, METRICS.c.train_loss, METRICS.c.train_accuracy).where(*of_run)
    valid = _means(epochs, METRICS.c.valid_loss, METRICS.c.valid_accuracy).where(
        *of_run, METRICS.c.valid_loss.is_not(None), METRICS.c.valid_accuracy.is_not(None)
    )
    with transaction(store._engine) as connection:
        return Course(_spots(connection, train, run), _spots(connection, valid, run))


def _means(group: Any, loss: Any, accuracy: Any) -> Select[Any]:
    group = group.label("stretch")
    values = (func.max(METRICS.c.step), func.max(METRICS.c.seconds), func.avg(loss), func.avg(accuracy))
    return select(*values, group).group_by(group).order_by(group)


def _spots(connection: Connection, query: Select[Any], run: Run) -> tuple[Spot, ...]:
    scale = max(1, run.steps_per_epoch)
    return tuple(Spot(step / scale, *values) for step, *values, _ in connection.execute(query))
