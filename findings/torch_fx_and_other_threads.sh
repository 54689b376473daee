#!/usr/bin/env bash
# torch 2.13.0: while one thread traces a network with torch.fx, no other thread can run one.
#
# Expected: tracing looks at one module; what other threads compute has nothing to do with it.
# Happens: for as long as a trace lasts, torch.fx puts a function of its own in the place of `nn.Module.__call__`, for the
#   whole process. A network that another thread runs meanwhile is taken for a part of the traced one and raises.
# Cause: `Tracer.trace` patches the class, not the instance (torch/fx/_symbolic_trace.py, `_Patcher`).
# Seen: NameError: module is not installed as a submodule
# ConvScope: one trace at a time, and calls from other threads are passed through (core/model/following.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import threading

import torch
from torch import fx, nn

started, finish = threading.Event(), threading.Event()


class Slow(nn.Module):
    def forward(self, x):
        started.set()
        finish.wait(30)
        return x * 2


before = nn.Module.__call__
other = nn.Linear(2, 2)
tracing = threading.Thread(target=lambda: fx.symbolic_trace(Slow()))
tracing.start()
started.wait(30)
replaced, error = nn.Module.__call__ is not before, ""
try:
    other(torch.ones(1, 2))
except Exception as raised:
    error = f"{type(raised).__name__}: {raised}"
finish.set()
tracing.join()
print("Module.__call__ is replaced while another thread traces:", replaced)
print("a network of this thread:", error or "runs")
print("a network of this thread, afterwards:", tuple(other(torch.ones(1, 2)).shape))
sys.exit(0 if replaced and error else 1)
PYTHON
