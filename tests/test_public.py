"""What the packages of core offer by name."""

from importlib import import_module
from pathlib import Path

import pytest

from tests.test_architecture import ROOT

PACKAGES = [
    path.parent for path in sorted((ROOT / "core").glob("*/__init__.py")) if "offer(" in path.read_text("utf-8")
]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_name_that_a_package_offers_is_there_and_no_module(package: Path) -> None:
    offered = import_module(f"core.{package.name}")
    assert len(offered.__all__) == len(set(offered.__all__)) > 0
    assert not set(offered.__all__) & {path.stem for path in package.iterdir()}
    assert all(getattr(offered, name) is not None for name in offered.__all__)


INTERFACE = {
    "data": {"DATASETS", "Dataset", "decode_image", "import_images", "load_dataset"},
    "model": {"PRESETS", "ModelSpec", "build_model", "preset", "summarize", "to_python"},
    "train": {"TrainConfig", "train"},
    "runs": {"RunStore"},
    "inference": {"Network"},
    "probe": {"capture_activations", "filters", "receptive_field", "top_images"},
    "maths": {"conv2d_backward", "conv2d_forward"},
    "explain": {"METHODS", "Attribution", "attribute", "predict"},
}


@pytest.mark.parametrize("package", INTERFACE)
def test_notebooks_find_what_they_call(package: str) -> None:
    assert INTERFACE[package] <= set(import_module(f"core.{package}").__all__)


def test_a_name_that_is_not_offered_is_refused() -> None:
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from core.data import nothing  # noqa: F401
