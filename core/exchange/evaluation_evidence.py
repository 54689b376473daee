"""Measured accuracy of a run's network for its model card, and the limits of these measurements."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.runs.records import Run, Status
from core.runs.scores import accuracy_text
from core.train.config import AUGMENTATIONS, TrainConfig


@dataclass(frozen=True)
class Row:
    """One line of what was measured, in words: "–" for what is not known.

    Attributes:
        split: On which split: "training", "validation" or "test".
        title: On which images, and when.
        count: How many there are.
        accuracy: Which share of them is classified rightly.
        interval: Wilson's 95% interval of it.
        loss: The mean loss.
    """

    split: str
    title: str
    count: str
    accuracy: str
    interval: str
    loss: str


def measured(run: Run) -> tuple[Row, ...]:
    """Return the recorded accuracies of a run: on training batches, validation and test images."""
    sizes = run.dataset_info.split_sizes if run.dataset_info else (0, 0, 0)
    rows = [
        _row(
            "training", "batches of the last epoch, while it learned from them", 0, run.train_accuracy, run.train_loss
        ),
        _row("validation", "validation images, after the last epoch", sizes[1], run.valid_accuracy, run.valid_loss),
        _row("test", "test images, once, at the end", sizes[2], run.test_accuracy, run.test_loss),
    ]
    return tuple(row for row in rows if row)


def _row(split: str, title: str, images: int, accuracy: float | None, loss: float | None) -> Row | None:
    if accuracy is None:
        return None
    count = f"{images:,}" if images else "–"
    return Row(
        split,
        title,
        count,
        accuracy_text(accuracy, images),
        interval(accuracy, images),
        "–" if loss is None else f"{loss:.4f}",
    )


def interval(accuracy: float, images: int) -> str:
    """Return Wilson's 95% interval of a share of so many images: "95.1–98.2%"; "–" if their number is not known."""
    from scipy.stats import binomtest

    if not images:
        return "–"
    bounds = binomtest(round(accuracy * images), images).proportion_ci(0.95, method="wilson")
    return f"{100 * bounds.low:.1f}–{100 * bounds.high:.1f}%"


def limits(run: Run) -> Iterator[str]:
    """Yield the known limitations of a run's network, one sentence each."""
    config = TrainConfig.from_mapping(run.config)
    shape = " × ".join(map(str, run.spec.input_shape))
    yield f"It gives every image one of its {run.spec.num_classes} classes, whatever the image shows."
    yield f"It takes images of {shape} (channels, height, width) and no others."
    if config.wrong_labels:
        yield f"{config.wrong_labels:.0%} of the labels that it learned from were wrong on purpose."
    if config.train_images:
        yield f"It learned from {config.train_images:,} images only."
    if not any(getattr(config, name) for name in AUGMENTATIONS):
        yield "The images that it learned from were not varied: no flip, shift, rotation, crop, jitter or cut-out."
    if run.status is not Status.FINISHED:
        yield f"Its training did not finish: it is {run.status} after {run.step:,} of {run.total_steps:,} batches."
    if run.train_accuracy is not None and run.valid_accuracy is not None:
        gap = run.train_accuracy - run.valid_accuracy
        yield f"Its accuracy on training batches is {_points(gap)} its accuracy on validation images."


def _points(gap: float) -> str:
    if abs(gap) < 0.0005:
        return "the same as"
    return f"{abs(gap) * 100:.1f} points {'above' if gap > 0 else 'below'}"


def untested(run: Run) -> Iterator[str]:
    """Yield what was not measured in a run, one sentence each."""
    if run.test_accuracy is None:
        yield "The test images: nothing of them is recorded."
        splits = "the validation images" if run.valid_accuracy is not None else ""
    else:
        splits = "the validation and test images"
    yield f"Images from anywhere else than {splits} of its data set." if splits else "Images of any kind."
    yield "Images that show none of its classes."
    yield "Images that were changed: noise, blur, darkness, compression, or a change made to mislead it."
