"""What this machine computes on, and in which precision."""

import torch

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
