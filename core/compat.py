"""The one place that knows of torch and torchvision builds that do not match."""

import importlib.util
import threading
from types import ModuleType
from typing import Any

_schemas: Any = None
_lock = threading.Lock()  # two threads that meet here first would declare the same operators twice


def import_torchvision() -> ModuleType:
    """Import torchvision, also where its compiled operators were built for another torch.

    Such a wheel fails with "operator torchvision::nms does not exist". Everything ConvScope uses is plain Python,
    so declaring the missing operators is enough there; a matching pair of wheels never gets here.
    """
    global _schemas
    with _lock:
        try:
            import torchvision
        except RuntimeError as error:
            if "torchvision::nms" not in str(error) or importlib.util.find_spec("torchvision") is None:
                raise
            import torch

            _schemas = torch.library.Library("torchvision", "DEF")  # its declarations live as long as it does
            for name in ("nms", "qnms"):
                _schemas.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            import torchvision
        return torchvision
