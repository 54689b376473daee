#!/usr/bin/env bash
# Captum 0.9.0: DeepLIFT breaks its completeness axiom where the windows of a max pooling overlap.
#
# The attributions of DeepLift should sum to f(x) - f(baseline). With MaxPool2d(3, stride=2) they do not; with
# MaxPool2d(3, stride=3), the same code is exact. Source, in own words: the rule for max pooling sends each window's share
# back with max_unpool2d. Where two windows take their maximum from one place, max_unpool2d keeps only the last of the two
# values, while a gradient has to add them. Captum's own convergence delta shows it.
# Output seen: "stride 3: gap 0.0000 of -0.9678 (0.0%)", "stride 2: gap 0.2409 of -0.0454 (530.2%)".
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 captum==0.9.0
"$place/venv/bin/python" - <<'PY'
import warnings

import torch
from captum.attr import DeepLift
from torch import nn

warnings.filterwarnings("ignore")
shares = {}
for stride in (3, 2):
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(3, stride), nn.Flatten())
    image, start = torch.randn(1, 3, 17, 17), torch.zeros(1, 3, 17, 17)
    net = nn.Sequential(*body, nn.Linear(body(image).shape[1], 1)).eval()
    values = DeepLift(net).attribute(image, start, target=0)
    change = float((net(image) - net(start)).detach())
    gap = float(values.detach().sum()) - change
    shares[stride] = abs(gap / change)
    print(f"stride {stride}: gap {gap:.4f} of {change:.4f} ({shares[stride]:.1%})")
assert shares[3] < 1e-3 and shares[2] > 1e-2, "Captum behaves otherwise now"
PY
