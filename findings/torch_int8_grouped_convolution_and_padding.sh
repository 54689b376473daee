#!/usr/bin/env bash
# torch 2.13.0, CPU, quantised engine "x86": a grouped int8 convolution leaves output rows without values where a row sees
# padding alone.
#
# With a padding as large as the kernel or larger, the outermost output rows see zeros only, so they are the bias: that is
# what the float convolution gives, and the int8 one with groups=1. With groups=2 and few channels a group, these rows are
# not written: they hold whatever was in that memory, other numbers at every call. Columns that see padding alone inside
# the other rows are right. Nothing is raised; a mean over the map, or the layer behind, takes the numbers for activations.
# Output seen (x86-64 with AVX-512): with groups=2, rows 0 and 11 of 12 are off by 6.2 where the largest value is 2.25, and
# differ from call to call; with groups=1 no value is off by more than 0.05.
# Kernels 2 and 3, stride 1 and 2, dilation 1 show it; larger kernels and dilations were not seen to.
# Source: quantized::conv2d, aten/src/ATen/native/quantized/cpu/qconv.cpp, which hands grouped convolutions to FBGEMM.
# ConvScope puts the zeros there by a layer of their own (core/compression/quantization.py, `_bordered`).
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 numpy
"$place/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn
from torch.ao import quantization

assert torch.backends.quantized.engine == "x86", "this machine has another engine"
broken = {}
for groups in (1, 2):
    torch.manual_seed(0)
    images = torch.randn(8, 2, 8, 8)
    wrapped = quantization.QuantWrapper(nn.Sequential(nn.Conv2d(2, 4, 3, padding=3, groups=groups))).eval()
    wrapped.qconfig = quantization.get_default_qconfig("x86")
    prepared = quantization.prepare(wrapped)
    with torch.no_grad():
        wanted = prepared(images)
        whole = quantization.convert(prepared)
        calls = [whole(images) for _ in range(20)]
    error = (calls[0] - wanted).abs().amax(dim=(0, 1, 3))  # of each row
    broken[groups] = [row for row, most in enumerate(error.tolist()) if most > 0.1 * float(wanted.abs().max())]
    same = all(torch.equal(calls[0], again) for again in calls)
    print(f"groups={groups}: off by at most {float(error.max()):.3g} (largest value {float(wanted.abs().max()):.3g}),")
    print(f"    wrong rows {broken[groups]} of {len(error)}, the same in every call: {same}")
assert not broken[1] and broken[2] == [0, 11], "torch behaves otherwise now"
PY
