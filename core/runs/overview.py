"""The first look at a long run: its curve in stretches that the database averages, and some of its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, Connection, FromClause, and_, func, literal, select, true

from core.runs.records import Metric
from core.runs.tables import METRICS

LONG = 10_000  # steps from which on a run is not read step by step
WHOLE, MOST = 1000, 4000  # so many first steps are kept one by one, and at most so many in all where epochs allow it
_PARTS, _STEPS = 8, 32  # of a long stretch, so many parts are looked at, and so many steps of each
_TIMED, _VALIDATIONS = 64, 3  # steps before each of the last validations, which tell what these cost

METRIC_COLUMNS = [METRICS.c[name] for name in Metric.__dataclass_fields__]


@dataclass(frozen=True)
class Stretch:
    """Neighbouring steps as one: the last of them, how many they are, their means, and the last learning rate."""

    step: int
    count: int
    loss: float
    accuracy: float
    lr: float


@dataclass(frozen=True)
class Overview:
    """A run of many steps in few numbers.

    Attributes:
        width: Steps of each stretch but the last.
        stretches: By their index; those without a recorded step are missing. The mean of a stretch of more than 256
            steps is that of 256 of them, evenly spread.
        steps: The first thousand steps, all that end an epoch, and of the others the last ones and every so manieth.
        stride: Which of the others: the multiples of this.
        last: The last step.
    """

    width: int
    stretches: dict[int, Stretch]
    steps: tuple[Metric, ...]
    stride: int
    last: Metric


def overview(connection: Connection, run_id: str, points: int) -> Overview | None:
    """Return the overview of a run's steps in at most so many stretches, or None if it has fewer than `LONG`.

    It costs about the same however long the run is, save for the steps that end an epoch.
    """
    last = connection.execute(select(func.max(METRICS.c.step)).where(METRICS.c.run_id == run_id)).scalar_one()
    if last is None or last < LONG:
        return None
    width = 1
    while -(-last // width) > points:
        width *= 2
    ends = _read(connection, run_id, METRICS.c.valid_loss.is_not(None) & METRICS.c.valid_accuracy.is_not(None))
    stride = 1
    while _kept(stride, last, ends) > MOST and stride < MOST:
        stride *= 2
    validated = [end.step for end in ends[-_VALIDATIONS:]]
    windows = [(1, WHOLE), (last - WHOLE + 1, last), *((step - _TIMED, step) for step in validated)]
    single = [one for window in windows for one in _read(connection, run_id, METRICS.c.step.between(*window))]
    spread = _every(connection, run_id, stride, last)
    steps = {metric.step: metric for metric in (*ends, *single, *spread)}
    return Overview(
        width=width,
        stretches=_stretches(connection, run_id, width, last),
        steps=tuple(steps[step] for step in sorted(steps)),
        stride=stride,
        last=steps[last],
    )


def _kept(stride: int, last: int, ends: Sequence[Metric]) -> int:
    """Return how many steps `thinned` keeps of a run without gaps, whose epochs end with these."""
    late = [end.step for end in ends if end.step > WHOLE]
    return WHOLE + last // stride - WHOLE // stride + sum(step % stride > 0 for step in late)


def _read(connection: Connection, run_id: str, which: Any) -> list[Metric]:
    query = select(*METRIC_COLUMNS).where(METRICS.c.run_id == run_id, which).order_by(METRICS.c.step)
    return [Metric(*row) for row in connection.execute(query)]


def _every(connection: Connection, run_id: str, stride: int, last: int) -> list[Metric]:
    """Return the steps at the multiples of a stride."""
    places = numbers(last // stride + 1)
    step = places.c.number * stride
    joined, metrics = with_steps(connection, places, run_id, step, step)
    columns = [metrics[column.name] for column in METRIC_COLUMNS]
    return [Metric(*row) for row in connection.execute(select(*columns).select_from(joined))]


def _stretches(connection: Connection, run_id: str, width: int, last: int) -> dict[int, Stretch]:
    part = max(1, width // _PARTS)
    places = numbers(-(-last // part))
    first = places.c.number * part + 1
    joined, metrics = with_steps(connection, places, run_id, first, first + (min(part, _STEPS) - 1))
    index = ((places.c.number * part) // width).label("index")
    means = (
        select(
            index,
            func.max(metrics.step),
            func.avg(metrics.train_loss),
            func.avg(metrics.train_accuracy),
            func.max(metrics.lr),
        )
        .select_from(joined)
        .group_by(index)
    )
    rates = {metric.step: metric.lr for metric in _every(connection, run_id, width, last)}
    stretches = {}
    for place, seen, loss, accuracy, rate in connection.execute(means):
        end = min((place + 1) * width, last)
        step = end if end in rates or end == last else seen
        stretches[place] = Stretch(step, end - place * width, loss, accuracy, rates.get(end, rate))
    return stretches


def numbers(count: int) -> CTE:
    """Return a table of the numbers from 0 up to `count`, without it."""
    rows = select(literal(0).label("number")).cte("numbers", recursive=True)
    return rows.union_all(select(rows.c.number + 1).where(rows.c.number < count - 1))


def with_steps(connection: Connection, rows: FromClause, run_id: Any, first: Any, last: Any) -> tuple[FromClause, Any]:
    """Return rows joined to the steps of a run from `first` to `last`, which may differ by row, and the steps' columns.

    A server that has not yet counted the rows of the table might compare every row with every step of the run, so it is
    told to look the steps up for each row: a subquery with an offset is not taken apart.
    """
    steps = and_(METRICS.c.run_id == run_id, METRICS.c.step.between(first, last))
    if connection.dialect.name == "sqlite":
        return rows.join(METRICS, steps), METRICS.c
    beside = select(METRICS).where(steps).offset(0).lateral("steps")
    return rows.join(beside, true()), beside.c


def thinned(metrics: Sequence[Metric], stride: int) -> tuple[list[Metric], int]:
    """Leave out steps of a long run until at most `MOST` are left; also return by which stride the rest goes.

    Those stay that are among the first `WHOLE`, that end an epoch, or whose number is a multiple of the stride.
    """
    staying = [metric for metric in metrics if _stays(metric, stride)]
    while len(staying) > MOST and stride < MOST:
        stride *= 2
        staying = [metric for metric in staying if _stays(metric, stride)]
    return staying, stride


def _stays(metric: Metric, stride: int) -> bool:
    return metric.step <= WHOLE or metric.valid_loss is not None or metric.step % stride == 0
