"""A network to experiment on without touching the original."""

import copy

from torch import nn


def twin_of(model: nn.Module) -> nn.Module:
    """Copy a network's modules but share their weights, in evaluation mode.

    What is done to the copy's hooks and modes never reaches the original, in this thread or another.
    """
    weights = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return copy.deepcopy(model, weights).eval()
