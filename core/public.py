"""The names that a package offers, imported from its modules when they are first asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def offer(package: str, modules: Mapping[str, tuple[str, ...]]) -> tuple[Callable[[str], Any], list[str]]:
    """Return `__getattr__` (PEP 562) and `__all__` of a package.

    Importing the package itself stays cheap: many of its modules need torch.

    Args:
        package: Its dotted name.
        modules: The names that it offers, none that of a module below it, by the module that defines them: relative
            to the package, or from "core." on.
    """
    homes = {
        name: module if module.startswith("core.") else f"{package}.{module}"
        for module, names in modules.items()
        for name in names
    }

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return get, sorted(homes)
