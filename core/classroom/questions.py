"""Questions whose answers a visitor's own network gives: a guess first, then its numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.formatting import dimensions, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from core.explain.metrics.deletion_insertion import RemovalCurve
    from core.runs.records import Run

BANDS = (0.5, 0.8, 0.95)  # where one range of accuracies ends and the next begins
GONE = 0.1  # share of the pixels that are made grey: the tenth that the question speaks of


@dataclass(frozen=True)
class Question:
    """A question with options to choose from.

    Attributes:
        text: The question, plain text.
        options: What can be guessed; all differ.
        right: Index of the right one; None while nobody knows.
        because: Why that is so, in this network's numbers, plain text.
    """

    text: str
    options: tuple[str, ...]
    right: int | None
    because: str


def how_good(run: "Run") -> Question:
    """Ask how good a training is on its validation images; nobody knows before the end of its first epoch."""
    lowest, *middle, highest = [f"{band:.0%}" for band in BANDS]
    options = (f"Below {lowest}", *map(" to ".join, zip((lowest, *middle), (*middle, highest), strict=True)))
    options += (f"{highest} or more",)
    classes, accuracy = run.spec.num_classes, run.valid_accuracy
    text = f"There are {classes} classes. How many of the validation images does it get right in the end?"
    if accuracy is None or run.status.active:
        return Question(text, options, None, "")
    right = sum(accuracy >= band for band in BANDS)
    because = f"It gets {share(accuracy)} right. Mere guessing would get about {share(1 / classes)}."
    return Question(text, options, right, because)


def filter_weights(kernels: "Mapping[str, Sequence[int]]") -> Question | None:
    """Ask how many weights one filter has, in the convolution whose filters look at the most maps.

    Args:
        kernels: Shape of the weights of each convolution, (filters, maps, rows, columns), by its name.

    Returns:
        None where there is no convolution.
    """
    if not kernels:
        return None
    name, (filters, maps, rows, columns) = max(kernels.items(), key=lambda item: item[1][1])
    weights = rows * columns * maps
    wrong = sorted({rows * columns, 2 * weights, filters * weights} - {weights})
    options = sorted([weights, *wrong])
    return Question(
        f"The filters of {name} are {rows} × {columns} and look at {maps} {'map' if maps == 1 else 'maps'}. "
        "How many weights has one of them, without its bias?",
        tuple(f"{option:,}" for option in options),
        options.index(weights),
        f"A filter has a slice for each map it looks at: {rows} × {columns} × {maps} = {weights:,}.",
    )


def numbers_made(name: str, before: "Sequence[int]", after: "Sequence[int]") -> Question:
    """Ask how many numbers a layer makes of a picture; shapes are (C, H, W) or (F,)."""
    counts = [_product(shape) for shape in (before, after)]
    options = sorted({counts[0], counts[1], max(1, counts[1] // 4), 4 * counts[1]})
    return Question(
        f"The picture is {counts[0]:,} numbers. How many numbers does {name} make of it?",
        tuple(f"{option:,}" for option in options),
        options.index(counts[1]),
        f"Its output is {dimensions(tuple(after))}: {counts[1]:,} numbers.",
    )


def mixed_up(counts: "np.ndarray", names: "Sequence[str]") -> Question | None:
    """Ask which class is taken for which other one most often; None where no image is taken for another class.

    Args:
        counts: Images of each true class (rows) by answer (columns), (K, K).
        names: Of the K classes.
    """
    errors = [(int(counts[row, column]), row, column) for row in range(len(names)) for column in range(len(names))]
    errors = sorted((error for error in errors if error[1] != error[2]), key=lambda error: (-error[0], *error[1:]))
    count, row, column = errors[0]
    rarer = [error for error in errors if error[0] < count]
    if not count or not rarer:
        return None
    chosen = sorted([errors[0], rarer[len(rarer) // 2], rarer[-1]], key=lambda error: error[1:])
    options = dict.fromkeys(f"“{names[true]}” taken for “{names[answer]}”" for _, true, answer in chosen)
    right = f"“{names[row]}” taken for “{names[column]}”"
    if len(options) < 2:
        return None
    return Question(
        "Which of these mistakes does it make most often?",
        tuple(options),
        tuple(options).index(right),
        f"{count:,} of {int(counts[row].sum()):,} images of “{names[row]}” are taken for “{names[column]}”.",
    )


def pixels_gone(curve: "RemovalCurve", name: str) -> Question:
    """Ask what becomes of a class's probability once the most important pixels are gone.

    Args:
        curve: Deletion in the order of a map.
        name: Of the class.
    """
    before, after = curve.at(0), curve.at(GONE)
    options = ("It falls by more than half", "It falls, but by less than half", "It stays, or rises")
    right = 0 if after < before / 2 else 1 if after < 0.99 * before else 2
    return Question(
        "The tenth of the pixels that the map calls most important is made grey. "
        f"What does the probability of “{name}” do?",
        options,
        right,
        f"It goes from {share(before)} to {share(after)}.",
    )


def _product(shape: "Sequence[int]") -> int:
    product = 1
    for size in shape:
        product *= size
    return product
