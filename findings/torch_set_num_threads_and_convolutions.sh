#!/usr/bin/env bash
# torch 2.13.0 (CPU, OpenMP build, Linux): `torch.set_num_threads(1)` does not bind convolutions in other threads.
#
# Expected: it is a setting of the process; afterwards every operation in every thread computes on one core.
# Happens: a matrix product in a new thread does, and `torch.get_num_threads()` says 1 there; a convolution in a new
#   thread still uses all cores, until that thread has asked torch how many threads there are or has run an operation
#   that torch itself splits. Beside other work the second core mostly waits, spinning: a request of a web server, each
#   of which has a thread of its own, cost 1.6 times the processor time.
# Cause: OpenMP keeps the number for each thread by itself. Torch hands its own to a thread when that first comes to
#   its parallel loops (aten/src/ATen/Parallel.h, `lazy_init_num_threads`); oneDNN, which computes the convolution, asks
#   OpenMP and comes before that.
# Seen (two cores), milliseconds of other threads than the one that computes, in 1.5 s:
#   convolution: 730; matrix product: 0; convolution after torch.get_num_threads(): 10; with OMP_NUM_THREADS=1: 0
# ConvScope: the server sets OMP_NUM_THREADS before torch is imported (`core/train/process_tuning.py`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ "$(nproc)" -lt 2 ]; then echo "It takes two cores to see."; exit 0; fi
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat >"$folder/threads.py" <<'PYTHON'
import os
import sys
import threading
import time
from pathlib import Path

import torch


def ticks_of_others() -> int:
    own, spent = threading.get_native_id(), 0
    for task in Path("/proc/self/task").iterdir():
        if int(task.name) != own:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            spent += int(fields[11]) + int(fields[12])
    return spent


def work() -> None:
    if sys.argv[1] == "asked":
        torch.get_num_threads()
    before, until = ticks_of_others(), time.monotonic() + 1.5
    with torch.no_grad():
        while time.monotonic() < until:
            linear(rows) if sys.argv[1] == "linear" else convolution(images)
    print(round(1000 * (ticks_of_others() - before) / os.sysconf("SC_CLK_TCK")))


torch.set_num_threads(1)
convolution, images = torch.nn.Conv2d(32, 64, 3, padding=1), torch.randn(64, 32, 32, 32)
linear, rows = torch.nn.Linear(2048, 2048), torch.randn(512, 2048)
thread = threading.Thread(target=work)
thread.start()
thread.join()
PYTHON
measure() { env -u OMP_NUM_THREADS "${@:2}" "$folder/venv/bin/python" "$folder/threads.py" "$1"; }
new=$(measure new) linear=$(measure linear) asked=$(measure asked) one=$(measure new OMP_NUM_THREADS=1)
echo "convolution: $new; matrix product: $linear; convolution after torch.get_num_threads(): $asked; with OMP_NUM_THREADS=1: $one"
[ "$new" -gt 100 ] && [ "$linear" -lt 60 ] && [ "$asked" -lt 60 ] && [ "$one" -lt 60 ]
