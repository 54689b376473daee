"""What this machine computes on, in which precision and memory layout."""

import torch
from torch import nn

from core.errors import ConfigError


def pick_device(name: str) -> torch.device:
    """Return the device of that name, or for "auto" the fastest one present; raises `ConfigError` if it is missing."""
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if present[device])
    if not present[name]:
        raise ConfigError(f'This machine has no {name} device: choose "auto".')
    return torch.device(name)


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the number format of that name, or for "auto" bfloat16 where the hardware multiplies it.

    Without such instructions bfloat16 is emulated and ten times slower than float32 (measured), so a processor is
    asked for them; so are GPUs before Ampere.
    """
    if name == "fp32":
        return torch.float32
    if name == "bf16":
        return torch.bfloat16
    if device.type == "cpu":
        can = torch.cpu.get_capabilities()
        fast = bool(can.get("avx512_bf16") or can.get("amx_bf16") or can.get("bf16"))
    else:
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if fast else torch.float32


def pick_layout(model: nn.Module, device: torch.device) -> torch.memory_format:
    """Return how images and weights of a training lie in memory: with channels last, which is faster, where it is safe.

    On a processor oneDNN 3.12 (in torch 2.13) computes the weights' gradient of a strided 1×1 convolution with channels
    last in a scratch buffer that it books for each channel and addresses in blocks of 16: below 16 channels it writes
    past the end (https://github.com/uxlfoundation/oneDNN/issues/6035).
    """
    unsafe = device.type == "cpu" and any(
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and module.stride != (1, 1)
        and module.in_channels < 16
        for module in model.modules()
    )
    return torch.contiguous_format if unsafe or device.type == "mps" else torch.channels_last
