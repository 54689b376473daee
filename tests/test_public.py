"""What the packages of core offer by name."""

from importlib import import_module
from types import ModuleType

import pytest

from tests.test_architecture import ALLOWED


def test_every_name_that_a_package_offers_is_there() -> None:
    for package in ALLOWED:
        offered = import_module(f"core.{package}")
        assert offered.__all__
        for name in offered.__all__:
            assert not isinstance(getattr(offered, name), ModuleType), f"core.{package}.{name}"


def test_the_interface_of_the_design_is_offered() -> None:
    from core.data import DATASETS, decode_image, import_images, load_dataset  # noqa: F401
    from core.explain import METHODS, Attribution, attribute, predict  # noqa: F401
    from core.inference import Network  # noqa: F401
    from core.maths import conv2d_backward, conv2d_forward  # noqa: F401
    from core.model import PRESETS, ModelSpec, build_model, preset, summarize, to_python  # noqa: F401
    from core.probe import capture_activations, filters, receptive_field, top_images  # noqa: F401
    from core.runs import RunStore  # noqa: F401
    from core.train import TrainConfig, train  # noqa: F401


def test_a_name_that_is_not_offered_is_refused() -> None:
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from core.data import nothing  # noqa: F401
