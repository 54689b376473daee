"""How good a run's network is, in a few words: a share where many images were asked about, else a count."""

from core.data.catalog import DATASETS
from core.runs.records import Run

FEW_IMAGES = 100  # images: of fewer, a share to a tenth of a per cent claims what nobody knows
TOO_FEW = 20  # images: of fewer, even 95% right may by chance be 75% or 99.9% of all


def accuracy_text(share: float, images: int) -> str:
    """Write what share of some images is right: "97.4%", but "2 of 2" where they are few; 0 images if not known."""
    return f"{round(share * images):,} of {images:,}" if 0 < images < FEW_IMAGES else f"{share:.1%}"


def accuracy_cell(share: float | None, images: int) -> str | None:
    """Write an accuracy for a column that is aligned right and can be sorted by its text; None without one.

    Spaces sort before digits: shares are sorted by size, and counts come before all of them.
    """
    if share is None:
        return None
    text = accuracy_text(share, images)
    if text.endswith("%"):
        return text.rjust(len("100.0%"))
    return " " * len("100.0%") + text + ", too few" * bool(caution(images))


def caution(images: int) -> str:
    """Say in a sentence that an accuracy on so many images means little; nothing where it means something."""
    return f"{images:,} {'image is' if images == 1 else 'images are'} too few to tell." if 0 < images < TOO_FEW else ""


def test_accuracy_text(run: Run) -> str:
    """Write how many of its test images a run's network gets right; nothing before the end."""
    return "" if run.test_accuracy is None else accuracy_text(run.test_accuracy, split_size(run, 2))


def valid_accuracy_text(run: Run) -> str:
    """Write how many of its validation images a run's network gets right; nothing before the first epoch is over."""
    return "" if run.valid_accuracy is None else accuracy_text(run.valid_accuracy, split_size(run, 1))


def split_size(run: Run, split: int) -> int:
    """Return how many images there are in train (0), valid (1) or test (2) of a run's data set; 0 if not known."""
    info = run.dataset_info or DATASETS.get(run.dataset)
    return info.split_sizes[split] if info else 0
