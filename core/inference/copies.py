"""A network to experiment on without touching the original."""

from torch import nn

_OWN = [name for name, value in vars(nn.Module()).items() if isinstance(value, dict) and name != "_modules"]


def shallow_copy_for_hooks(model: nn.Module) -> nn.Module:
    """Copy a network's modules but share their weights, in evaluation mode.

    What is done to the copy's hooks and modes never reaches the original, in this thread or another. All else that a
    module holds is shared too: to change a weight of the copy, give it a parameter of its own.
    """
    return _copy(model, {})


def _copy(module: nn.Module, copies: dict[int, nn.Module]) -> nn.Module:
    if id(module) in copies:  # the same module in two places stays one
        return copies[id(module)]
    # Not `type(module)(…)` nor its `__new__`: that of a traced network makes a new class for every copy.
    twin: nn.Module = object.__new__(type(module))
    copies[id(module)] = twin
    held = twin.__dict__
    held.update(module.__dict__)
    for name in _OWN:  # the tables of weights and of hooks
        if held[name]:
            held[name] = held[name].copy()
        else:
            held[name] = type(held[name])()
    held["_modules"] = {
        name: None if child is None else _copy(child, copies) for name, child in module._modules.items()
    }
    held["training"] = False
    return twin
