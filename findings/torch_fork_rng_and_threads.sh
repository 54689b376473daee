#!/usr/bin/env bash
# torch 2.13.0: `torch.random.fork_rng` neither shields a thread from others nor gives the state back when blocks overlap.
#
# Expected: inside the block one draws what one's own seed gives, and after it the global state is what it was before.
# Happens: there is one global generator for all threads. The end of another thread's block sets it in the middle of ours,
#   and our end sets what we found, which was the other's seed: afterwards it is not what it was before both.
# Cause: `fork_rng` saves and sets the process-wide state (torch/random.py); nothing in it knows of threads.
# Seen: own seed inside the block: False; global state as before: False
# ConvScope: networks are built from a generator of their own, and what can only draw from the global state takes turns.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import threading

import torch

inside, leave = threading.Event(), threading.Event()


def other() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        inside.set()
        leave.wait(30)


torch.manual_seed(0)
before = torch.get_rng_state()
thread = threading.Thread(target=other)
thread.start()
inside.wait(30)
with torch.random.fork_rng(devices=[]):
    torch.manual_seed(2)
    leave.set()
    thread.join()
    drawn = torch.rand(1)
own = bool(drawn == torch.rand(1, generator=torch.Generator().manual_seed(2)))
restored = bool(torch.equal(torch.get_rng_state(), before))
print("own seed inside the block:", own)
print("global state as before:", restored)
sys.exit(0 if not own and not restored else 1)
PYTHON
