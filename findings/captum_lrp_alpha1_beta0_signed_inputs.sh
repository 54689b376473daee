#!/usr/bin/env bash
# Captum 0.9.0: the LRP rule Alpha1_Beta0_Rule gives negative relevance to a positive score where inputs are negative.
#
# The rule of Bach et al. 2015 (equation 60, alpha = 1, beta = 0) shares out by positive products z+ = x+ w+ + x- w-, so a
# positive score has no negative share. Captum clamps the weights at zero and takes every input as it is: a negative input
# with a positive weight counts as a negative product, and one with a negative weight not at all. The two agree only for
# inputs that are not negative, which the first layer of a network for normalised images never has. zennit 0.5.1 does as
# the paper says.
# Output seen: 22 % of Captum's values are negative, none of those by the paper's formula.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 captum==0.9.0
"$place/venv/bin/python" - <<'PY'
import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(200, 1, bias=False))
weight = net[0].weight.detach()
image = torch.randn(1, 200)
if net(image) < 0:
    image = -image
net[0].rule = Alpha1_Beta0_Rule()
found = LRP(net).attribute(image, target=0).detach()
products = (image * weight).clamp(min=0)
paper = products / products.sum() * net(image).detach()
for name, values in (("Captum", found), ("paper", paper)):
    print(f"{name}: {float((values < 0).float().mean()):.0%} of the values are negative")
print("largest relative difference from the paper's rule:", float((found - paper).abs().max() / paper.abs().max()))
assert (found < 0).float().mean() > 0.1 and not (paper < 0).any(), "Captum behaves otherwise now"
PY
