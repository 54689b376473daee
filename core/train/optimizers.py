"""torch's optimisers by name, and their state as plain tensors."""

import inspect
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from core.errors import ConfigError, StorageError
from core.train.config import TrainConfig

_Maker = Callable[[nn.Module, TrainConfig], Optimizer]


def _eager(kind: type[Optimizer]) -> Callable[..., Optimizer]:
    """Return a kind of optimiser with torch's own methods, less the hooks around them for its compiler.

    They import that compiler when they are first called, which takes as long as all else that a training process
    loads, and nothing is compiled here.
    """
    hooked = ("add_param_group", "zero_grad", "state_dict", "load_state_dict", "step")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in hooked}
    methods["step"] = torch.no_grad()(methods["step"])
    return type(kind.__name__, (kind,), methods)


SGD, Adam, AdamW, RMSprop = map(_eager, (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop))


def _adam(model: nn.Module, config: TrainConfig) -> Optimizer:
    return Adam(trained_parameters(model), lr=config.lr, weight_decay=config.weight_decay, fused=True)


def _adamw(model: nn.Module, config: TrainConfig) -> Optimizer:
    return AdamW(trained_parameters(model), lr=config.lr, weight_decay=config.weight_decay, fused=True)


def _rmsprop(model: nn.Module, config: TrainConfig) -> Optimizer:
    return RMSprop(trained_parameters(model), lr=config.lr, weight_decay=config.weight_decay)


def _rolling(model: nn.Module, config: TrainConfig) -> Optimizer:
    return SGD(
        trained_parameters(model),
        lr=config.lr,
        momentum=config.momentum,
        nesterov=config.optimizer == "nesterov" and config.momentum > 0,
        weight_decay=config.weight_decay,
        fused=True,
    )


def _plain(model: nn.Module, config: TrainConfig) -> Optimizer:
    return SGD(trained_parameters(model), lr=config.lr, weight_decay=config.weight_decay, fused=True)


MAKERS: dict[str, _Maker] = {
    "adam": _adam,
    "adamw": _adamw,
    "rmsprop": _rmsprop,
    "nesterov": _rolling,
    "momentum": _rolling,
    "sgd": _plain,
    "gd": _plain,
}


def trained_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Return the weights of a network that training changes: all but those of a frozen backbone."""
    return [weight for weight in model.parameters() if weight.requires_grad]


def make_optimizer(model: nn.Module, config: TrainConfig) -> Optimizer:
    """Return torch's optimiser of that name for the weights of `model` that train.

    Raises:
        ConfigError: There are none.
    """
    if not trained_parameters(model):
        raise ConfigError("Nothing in this network can learn: add a dense layer, or let blocks of the backbone train.")
    return MAKERS[config.optimizer](model, config)


def adjust_optimizer(optimizer: Optimizer, config: TrainConfig) -> None:
    """Change the settings of an optimiser; the learning rate is set for each update anyway."""
    for group in optimizer.param_groups:
        group["weight_decay"] = config.weight_decay
        if config.optimizer in ("momentum", "nesterov"):
            group["momentum"] = config.momentum
            group["nesterov"] = config.optimizer == "nesterov" and config.momentum > 0


def optimizer_state(optimizer: Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's state as tensors named "<parameter number>.<quantity>"."""
    state = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": value
        for number, values in state.items()
        for name, value in values.items()
        if isinstance(value, Tensor)
    }


def load_optimizer_state(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Load what `optimizer_state` returned; raises `StorageError` if it does not fit the weights."""
    whole = optimizer.state_dict()
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        if not name:
            continue
        fits = number.isdigit() and int(number) < len(parameters)
        if not fits or value.shape not in (torch.Size([]), parameters[int(number)].shape):
            raise StorageError("The checkpoint's optimiser belongs to another training: start a new run.")
        weight = parameters[int(number)]
        if value.shape == weight.shape:  # fused updates pair them by their place in memory, not by index
            value = torch.empty_like(weight, dtype=value.dtype, device="cpu").copy_(value)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
