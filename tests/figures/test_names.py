"""A package's public names are what they seem, in whatever order its modules were imported."""

import importlib
import pkgutil
from types import ModuleType

import pytest


@pytest.mark.parametrize("package", ["core.probe", "core.explain", "core.evaluation", "core.figures"])
def test_no_public_name_is_hidden_by_a_module(package: str) -> None:
    parent = importlib.import_module(package)
    for module in pkgutil.iter_modules(parent.__path__):
        importlib.import_module(f"{package}.{module.name}")
    for name in parent.__all__:
        assert not isinstance(getattr(parent, name), ModuleType), name
