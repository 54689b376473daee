"""Compressed networks to and from safetensors files: tensors, and the spec as JSON in the metadata."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from core.compression.quantization import blank_int8
from core.errors import SpecError, StorageError
from core.model.build import build_model
from core.model.spec import ModelSpec

_DAMAGED = "This is no compressed network of ConvScope, or the file is damaged: download it again."
_ABOUT = "convscope"  # one entry: the order of several is that of chance
_FLOAT, _INT8 = "float32", "int8"


def to_file(spec: ModelSpec, model: nn.Module) -> bytes:
    """Return a network as a safetensors file whose metadata say in JSON its stack ("spec") and its "numbers".

    Of a network in floats the tensors are those of its `state_dict`. Of one in whole numbers every layer has
    "weight" (int8), "weight_scale" (one for each filter), "bias", and "scale" and "zero_point" of what it puts out.

    Args:
        spec: The stack that the network was made of.
        model: What `cut` or `quantize` returned, or any network of this stack.
    """
    whole = any(True for _ in _whole_layers(model))
    tensors = _int8_tensors(model) if whole else dict(model.state_dict())
    return save(
        {name: tensor.detach().contiguous() for name, tensor in tensors.items()},
        {_ABOUT: json.dumps({"spec": json.loads(spec.to_json()), "numbers": _INT8 if whole else _FLOAT})},
    )


def from_file(data: bytes) -> tuple[ModelSpec, nn.Module]:
    """Read what `to_file` wrote; the network gives the same logits.

    Raises:
        StorageError: It is anything else.
    """
    try:
        tensors, about = load(data), _metadata(data)
        spec = ModelSpec.from_json(json.dumps(about["spec"]))
        model: nn.Module = build_model(spec).eval()
        if about["numbers"] == _INT8:
            model = blank_int8(model)
            _fill(model, tensors)
        else:
            model.load_state_dict(tensors)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError, SpecError) as error:
        raise StorageError(_DAMAGED) from error
    return spec, model


def _metadata(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")  # the header of a safetensors file is JSON behind its length
    metadata: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][_ABOUT])
    return metadata


def _whole_layers(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield the int8 layers by name."""
    for name, module in model.named_modules():
        if hasattr(module, "set_weight_bias") and hasattr(module, "weight"):
            yield name, module


def _int8_tensors(model: nn.Module) -> dict[str, Tensor]:
    tensors = {}
    layers = dict(_whole_layers(model))
    for name, layer in layers.items():
        weight, bias = layer.weight(), layer.bias() if callable(layer.bias) else layer.bias
        tensors[f"{name}.weight"] = weight.int_repr()
        tensors[f"{name}.weight_scale"] = weight.q_per_channel_scales()
        if bias is not None:
            tensors[f"{name}.bias"] = bias
        tensors[f"{name}.scale"] = torch.tensor(layer.scale, dtype=torch.float64)
        tensors[f"{name}.zero_point"] = torch.tensor(layer.zero_point)
    rest = {name: value for name, value in model.state_dict().items() if not _of(name, layers)}
    return tensors | {name: value for name, value in rest.items() if isinstance(value, Tensor)}


def _of(name: str, layers: Mapping[str, Any]) -> bool:
    return any(name.startswith(f"{layer}.") for layer in layers)


def _fill(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load the tensors of a file into a network of the same modules."""
    layers, used = dict(_whole_layers(model)), set[str]()
    for name, layer in layers.items():
        weight, scales = tensors[f"{name}.weight"], tensors[f"{name}.weight_scale"]
        if weight.shape != layer.weight().shape or weight.dtype != torch.int8:
            raise ValueError(name)
        zeros = torch.zeros(len(scales), dtype=torch.int64)
        whole = torch._make_per_channel_quantized_tensor(weight, scales, zeros, 0)
        layer.set_weight_bias(whole, tensors.get(f"{name}.bias"))
        layer.scale, layer.zero_point = float(tensors[f"{name}.scale"]), int(tensors[f"{name}.zero_point"])
        used |= {f"{name}.{key}" for key in ("weight", "weight_scale", "bias", "scale", "zero_point")}
    own = model.state_dict()
    for name in set(tensors) - used:
        if own[name].shape != tensors[name].shape:
            raise ValueError(name)
        owner, _, key = name.rpartition(".")
        own[name].copy_(tensors[name])
        module = model.get_submodule(owner)
        if key not in dict(module.named_parameters(recurse=False)):  # those share their numbers with `own`
            setattr(module, key, own[name])
