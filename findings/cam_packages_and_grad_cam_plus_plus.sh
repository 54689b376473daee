#!/usr/bin/env bash
# torch-cam 0.5.0 and grad-cam 1.5.7: neither computes Grad-CAM++ as its paper defines it, and the two disagree.
#
# Equation 19 of arXiv:1710.11063, with g the gradient of the score in one place of a map A: the weight of that place is
# g² / (2 g² + g³ ΣA), summed over the whole map in ΣA. For g > 0 that is 1 / (2 + g ΣA). One would expect both packages
# to give this, perhaps up to a factor for the whole picture (they leave out the paper's exp(score), which is one).
#   torch-cam has Σ(A g³) in place of g³ ΣA: the same only where the gradient is equal all over a map, as it is before a
#     global average pooling; before a flatten and a dense layer it is another map.
#   grad-cam has the paper's sum, and adds 1e-6 to the denominator. Gradients of 0.001 are usual, and their square is as
#     large: the weights of weak places vanish, and scores in other units (logits divided by 100) give another map.
# Output seen (relative distance of the maps, each scaled to its largest value):
#   torch-cam from the paper: 0.062; with logits / 100: 0.043
#   grad-cam from the paper: 0.001; with logits / 100: 0.035
# Source: torchcam/methods/gradient.py, `GradCAMpp._get_weights`; pytorch_grad_cam/grad_cam_plusplus.py,
# `get_cam_weights`.
# ConvScope computes 1 / (2 + g ΣA) (core/explain/methods/gradient_cam.py), which needs no small number.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 torchvision==0.28.0 torchcam==0.5.0 grad-cam==1.5.7
"$place/venv/bin/python" - <<'PY'
import torch
from torch import nn

# Both import torchvision; where its wheel was built for another torch, declaring its operators lets that pass.
schemas = torch.library.Library("torchvision", "FRAGMENT")
try:
    import torchvision  # noqa: F401
except RuntimeError:
    for name in ("nms", "qnms"):
        schemas.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from pytorch_grad_cam import GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torchcam.methods import GradCAMpp


class Divided(nn.Sequential):
    """A network whose logits are divided by a number."""

    by = 1.0

    def forward(self, images):
        return super().forward(images) / self.by


torch.manual_seed(0)
net = Divided(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 64, 4)).eval()
image = torch.randn(1, 3, 8, 8)


def paper():
    maps = net[1](net[0](image)).detach().requires_grad_()
    (g,) = torch.autograd.grad(net[3](net[2](maps))[0, 1].double() / net.by, maps)
    weights = (g.relu() / (2 + g.relu() * maps.sum((2, 3), True))).sum((2, 3), True)
    return (weights * maps).sum(1).relu()[0].detach()


def torch_cam():
    with GradCAMpp(net, target_layer="1") as cam:
        return cam(1, net(image), normalized=False)[0][0].detach()


def grad_cam():
    targets = [ClassifierOutputTarget(1)]
    with GradCAMPlusPlus(model=net, target_layers=[net[1]]) as cam:
        cam(input_tensor=image, targets=targets)
        record = cam.activations_and_grads
        found = cam.get_cam_image(image, net[1], targets, record.activations[0].numpy(), record.gradients[0].numpy())
    return torch.from_numpy(found)[0].relu()


def distance(one, other):
    one, other = one / one.max(), other / other.max()
    return float((one - other).norm() / other.norm())


found = {}
for name, ask in (("torch-cam", torch_cam), ("grad-cam", grad_cam)):
    for by in (1.0, 100.0):
        net.by = by
        found[name, by] = distance(ask(), paper())
    print(f"{name} from the paper: {found[name, 1.0]:.3f}; with logits / 100: {found[name, 100.0]:.3f}")
assert found["torch-cam", 1.0] > 0.01 and found["grad-cam", 100.0] > 0.01, "one of the packages behaves otherwise now"
PY
