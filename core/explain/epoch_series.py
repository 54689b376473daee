"""What a training says of one picture at its epochs, and since when for the same reason, in sentences (Markdown)."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.explain.epochs import ALIKE, EpochExplanation, MissingEpoch, settled, similarity_to_last, thinned
from core.inference.network import Network


@dataclass(frozen=True, eq=False)
class EpochSeries:
    """What a run says of a picture at its epochs.

    Attributes:
        network: Whose training it is.
        moments: One for each epoch, in order, at least one.
        kept: How many epochs there are, of which these may be a part.
    """

    network: Network
    moments: tuple[EpochExplanation | MissingEpoch, ...]
    kept: int

    def at(self, moment: EpochExplanation | MissingEpoch) -> float:
        """Return the place of a moment on an axis of epochs."""
        run = self.network.require_run()
        return run.step / max(1, run.steps_per_epoch) if moment.epoch is None else float(moment.epoch)


def epochs_to_show(network: Network, most: int) -> tuple[int | None, ...]:
    """Return at most so many of the epochs that a training kept, in order, spread evenly.

    One more, None, stands for its latest weights where it was stopped within an epoch.
    """
    run, epochs = network.require_run(), network.epochs
    shown: tuple[int | None, ...] = thinned(epochs, most)
    within_epoch = not run.status.active and run.step != epochs[-1] * run.steps_per_epoch
    return (*shown, None) if within_epoch else shown


def likeness_sentence(series: EpochSeries) -> str:
    """Say since which epoch the map stays like the last one."""
    values = similarity_to_last(series.moments)
    if values[-1] is None:
        return "Its last map is blank, so the others cannot be likened to it."
    if len(values) < 2:
        return "There is only one map yet: the course begins with the next epoch."
    place = settled(values)
    if place is None:
        before = "cannot be likened to it" if values[-2] is None else f"has a rank correlation of only {values[-2]:.2f}"
        return f"**Its map changes up to the end**: the one before the last {before}."
    if series.moments[place].epoch == 0:
        return (
            "**Already the untrained network's map is like the last one** (rank correlation "
            f"{values[0]:.2f}): it shows the picture more than what was learned."
        )
    begin = since(series.moments[place]).capitalize()
    return f"**{begin} its map stays alike**: rank correlation {ALIKE} or more with the last."


def between(one: EpochSeries, other: EpochSeries) -> str:
    """Say in a sentence how alike the last maps of two runs are; empty where there is none to compare."""
    alike = similarity_to_last((one.moments[-1], other.moments[-1]))[0]
    return "" if alike is None else f"In the end the maps of A and B have a rank correlation of {alike:.2f}."


def promise_kept(moments: Sequence[EpochExplanation]) -> str:
    """Say what the method promises its values to sum to, and which maps fall short of it; empty if it does not."""
    gaps = [moment.gap for moment in moments if moment.gap]
    if not gaps:
        return ""
    short = [gap for gap in gaps if gap.shortfall]
    if not short:
        return f"{gaps[0].promise.words} All of these maps keep to it."
    worst = max(short, key=lambda gap: gap.share)
    count = f"{len(short)} of these {len(gaps)} maps fall short of it."
    return f"{worst.promise.words} {count} The farthest: {worst.shortfall}"


def since(moment: EpochExplanation | MissingEpoch) -> str:
    """Say from when on something holds."""
    return "in its latest weights" if moment.epoch is None else f"from epoch {moment.epoch} on"
