"""The training images of a run, as its network receives them."""

from typing import TYPE_CHECKING

from core.errors import RunError
from core.runs import training_data
from core.runs.records import Run
from pages.shared.maps import dimensions
from pages.shared.pretrained import NO_IMAGES, Pretrained
from pages.shared.state import dataset

if TYPE_CHECKING:
    from core.data.datasets import Dataset


def why_no_images(run: Run) -> str:
    """Return one sentence on why the images that a network learned from are not here, or nothing."""
    return NO_IMAGES if isinstance(run, Pretrained) else training_data.why_no_images(run)


def training_set(run: Run) -> "Dataset":
    """Return the data set that a run learned from, with its pixel values.

    Raises:
        ConvScopeError: The images cannot be read, or are of another shape than the network's.
    """
    if reason := why_no_images(run):
        raise RunError(reason)
    found = dataset(run.dataset).scaled(run.config.get("inputs", "standard"))
    if found.input_shape != run.spec.input_shape:
        sizes = dimensions(run.spec.input_shape), dimensions(found.input_shape)
        raise RunError(f"This network looks at pictures of {sizes[0]}, and its data set now has {sizes[1]}.")
    return found
