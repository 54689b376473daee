from .loss_case import Case as Case
from .torch_reference import torch_loss as torch_loss
from .torch_reference import torch_weights as torch_weights

__all__ = ["Case", "torch_loss", "torch_weights"]
