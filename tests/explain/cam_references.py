"""Writes what pytorch-grad-cam makes of two small networks to tests/explain/cam_references.json.

In an environment of its own, because it wants packages that ConvScope does not:

    pip install -r requirements-dev.txt grad-cam==1.5.7
    python -m tests.explain.cam_references

Its maps are taken before they are scaled to 0..1, one value for each cell of the layer. The scores are made thirty
times as large, so that the 1e-6 in its denominator of Grad-CAM++ is lost in rounding beside the gradients squared.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.compat import import_torchvision
from tests.explain.test_cams import REFERENCES, TARGET, cases

import_torchvision()  # pytorch-grad-cam needs it


def reference(net: nn.Module, image: torch.Tensor, kind: type, layer: str) -> list[list[float]]:
    """Return one method's map (h, w) of one layer, cut at zero, as rows."""
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    targets, module = [ClassifierOutputTarget(TARGET)], net.get_submodule(layer)
    with kind(model=net, target_layers=[module]) as cam:
        cam(input_tensor=image[None], targets=targets)
        record = cam.activations_and_grads
        activations, gradients = record.activations[0], record.gradients
        slopes = gradients[0].numpy() if gradients else None
        values = cam.get_cam_image(image[None], module, targets, activations.numpy(), slopes, False)[0]
    rows: list[list[float]] = np.maximum(values, 0).astype(float).round(9).tolist()
    return rows


def main() -> None:
    """Write the file."""
    from pytorch_grad_cam import EigenCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM, XGradCAM

    kinds = {
        "grad_cam_pp": GradCAMPlusPlus,
        "xgrad_cam": XGradCAM,
        "layer_cam": LayerCAM,
        "score_cam": ScoreCAM,
        "eigen_cam": EigenCAM,
    }
    maps = {
        name: {
            method: reference(net, image, kind, case.full if method == "score_cam" else case.activation)
            for method, kind in kinds.items()
        }
        for name, case in cases().items()
        for net, image in [(case.network, case.image)]
    }
    versions = {package: version(package) for package in ("grad-cam", "torch", "numpy")}
    text = json.dumps({"made by": "tests/explain/cam_references.py", "versions": versions, "maps": maps})
    Path(REFERENCES).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
