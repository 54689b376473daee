"""Packages that ConvScope can do without: one thing each is not made where one is missing, in one sentence."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import MissingPackageError

# By the name that is imported: the package, and what needs it.
EXTRAS = {
    "umap": ("umap-learn", "UMAP"),
    "tensorboard": ("tensorboard", "a TensorBoard file"),
    "vl_convert": ("vl-convert-python", "a picture of the curves"),
    "onnx": ("onnx", "an ONNX file"),
    "h5py": ("h5py", "a Keras file"),
}


@contextmanager
def extra(module: str) -> Iterator[None]:
    """Import one of `EXTRAS` inside this; raises `MissingPackageError` where that fails."""
    try:
        yield
    except ImportError as error:
        raise MissingPackageError(_sentence(module)) from error


def why_missing(module: str) -> str:
    """Return the sentence for one of `EXTRAS` that is not installed, "" where it is; nothing is imported."""
    try:
        return "" if importlib.util.find_spec(module) else _sentence(module)
    except ImportError:
        return _sentence(module)


def _sentence(module: str) -> str:
    package, what = EXTRAS[module]
    return f"The package {package} is not installed here, and {what} needs it: pip install {package}."
