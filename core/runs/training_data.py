"""The data set of a run: its stored description, and its images where they are on this machine."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from core.data.arrays import is_stored
from core.data.catalog import DATASETS
from core.data.dataset_info import DatasetInfo
from core.errors import DataError
from core.runs.records import Run

if TYPE_CHECKING:
    from core.data.datasets import Dataset


def dataset_title(run: Run) -> str:
    """Return what people call the data set of a run, here and now where it is here."""
    info = DATASETS.get(run.dataset) or run.dataset_info
    return info.title if info else run.dataset


def why_no_images(run: Run) -> str:
    """Return one sentence on why the images of a run's data set are not at hand, or nothing; none are downloaded."""
    info = DATASETS.get(run.dataset)
    if info is None and run.foreign:
        return (
            "The images that this network learned from in another program are not on this computer: where they are a "
            "data set here, open its file again and choose that one."
        )
    if info is None:
        return (
            f"The images of {dataset_title(run)} are not on this computer: bring them in on the page Runs if they came "
            "with the run, or the same files again, under this name, on the page Data."
        )
    if (info.input_shape, len(info.class_names)) != (run.spec.input_shape, run.spec.num_classes):
        return f"The data set {info.title} has other images or classes than this network: choose another run."
    if info.download_mb and not is_stored(run.dataset):
        return f"The images of {info.title} are not here yet: download them on the page Data."
    return ""


def images_of(run: Run, load: "Callable[[str], Dataset] | None" = None) -> "Dataset":
    """Return the data set that a run learned from, with the pixel values that its network takes.

    Args:
        run: The run.
        load: What loads a data set; by default `core.data.load_dataset`.

    Raises:
        DataError: Its images are not at hand, or of another shape.
    """
    from core.data.datasets import load_dataset

    if reason := why_no_images(run):
        raise DataError(reason)
    dataset = as_recorded(run, (load or load_dataset)(run.dataset)).scaled(run.config.get("inputs", "standard"))
    if dataset.input_shape != run.spec.input_shape:
        sizes = [" × ".join(map(str, shape)) for shape in (run.spec.input_shape, dataset.input_shape)]
        raise DataError(f"This network looks at pictures of {sizes[0]}, and its data set now has {sizes[1]}.")
    return dataset


def as_recorded(run: Run, dataset: "Dataset") -> "Dataset":
    """Return a data set with the mean and deviation that a run was trained with, where these are recorded."""
    info = run.dataset_info
    if info is None or not info.mean or len(info.mean) != len(dataset.mean):
        return dataset
    return replace(dataset, mean=info.mean, std=info.std)


def why_no_scale(run: Run) -> str:
    """Return one sentence on why it is not known how the pixels of a run's pictures are normalised, or nothing."""
    return "" if run.dataset_info is not None and run.dataset_info.mean else why_no_images(run)


def info_of(run: Run, load: "Callable[[str], Dataset] | None" = None) -> DatasetInfo:
    """Return what is known of a run's data set, with the mean and deviation of its channels.

    Args:
        run: The run.
        load: What loads a data set where the run does not carry them; by default `core.data.load_dataset`.

    Raises:
        DataError: They are not known.
    """
    info = run.dataset_info
    if info is not None and info.mean and info.input_shape == run.spec.input_shape:
        return info
    if reason := why_no_images(run):
        raise DataError(reason)
    from core.data.datasets import load_dataset

    data = (load or load_dataset)(run.dataset)
    return replace(data.info, mean=data.mean, std=data.std)


def scale_of(run: Run, load: "Callable[[str], Dataset] | None" = None) -> "Dataset":
    """Return a run's data set without its images: what turns pixels into the values that its network takes.

    Arguments and errors are those of `info_of`.
    """
    from core.data.datasets import without_images

    return without_images(info_of(run, load)).scaled(run.config.get("inputs", "standard"))


def learned_light_on_dark(run: Run, load: "Callable[[str], Dataset] | None" = None) -> bool:
    """Say whether a network for grey pictures learned from light strokes on black, by the mean of its pixels.

    Dark ink on light paper is then swapped before it goes in. Arguments and errors are those of `info_of`.
    """
    return run.spec.input_shape[0] == 1 and info_of(run, load).mean[0] < 0.5
