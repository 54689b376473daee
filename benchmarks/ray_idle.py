"""What Ray costs at rest: `python -m benchmarks.ray_idle [STARTS]`.

The app's engine on Ray, on this machine with one worker, against the engine that starts its own: seconds from its start
to a worker that says it is there, resident and proportional memory of all processes at rest, those with torch by
themselves, processor seconds of the start and of ten seconds at rest; then what is left behind once it is closed.
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.queue import processor_seconds
from benchmarks.ray_cluster import descendants, until
from benchmarks.table import print_table
from core.runs.store import RunStore
from core.train.engines import start_engine

REST_SECONDS = 10.0
ENDING_SECONDS = 3.0  # a process that was killed is still there for a moment
MB = 1024.0  # kB


def memory(pid: int) -> float:
    """Return the memory of a process in MB, with its part of what it shares; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / MB


def name(pid: int) -> str:
    """Return what a process of Ray's or ours is called."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return "gone"
    known: tuple[str, ...] = (
        "core.train.worker",
        "core.train.ray_launcher",
        "gcs_server",
        "raylet/raylet",
        "ray::Worker",
        "ray::IDLE",
    )
    known += ("log_monitor", "monitor.py", "dashboard/agent.py", "runtime_env/agent/main.py", "dashboard.py")
    return next((each for each in known if each in words), words[:60])


def left_behind() -> set[str]:
    """Return what lies in the places that Ray uses."""
    places = (Path("/dev/shm"), Path("/tmp/ray"), Path.home() / ".ray", Path("/tmp"))
    return {str(path) for place in places if place.is_dir() for path in place.iterdir() if _is_rays(path)}


def _is_rays(path: Path) -> bool:
    if path.parent.name == "shm":
        return path.name.startswith(("plasma", "ray", "sem.", "shm"))
    return path.parent.name in ("ray", ".ray") or path.name.startswith("convscope-ray-")


def start(engine_name: str) -> dict[str, float]:
    """Start an engine, measure it at rest and close it."""
    os.environ["CONVSCOPE_ENGINE"] = engine_name
    before = left_behind()
    store = RunStore()
    began = time.monotonic()
    engine = start_engine(store)
    own = os.getpid()
    until(lambda: any("core.train.worker" in name(pid) for pid in descendants(own)), "a worker starts")
    seconds = time.monotonic() - began
    time.sleep(REST_SECONDS)  # until all is loaded
    pids = [pid for pid in descendants(own) if pid != own]
    used = sum(map(processor_seconds, pids))
    time.sleep(REST_SECONDS)
    rest = sum(map(processor_seconds, pids)) - used
    sizes = {pid: memory(pid) for pid in pids}
    for pid, size in sizes.items():
        print(f"    {size:6.0f} MB  {name(pid)}")
    torch = sum(size for pid, size in sizes.items() if name(pid) == "core.train.worker")
    began = time.monotonic()
    engine.close()
    closing = time.monotonic() - began
    store.close()
    rays = [pid for pid in pids if Path(f"/proc/{pid}").is_dir()]
    print(
        f"    left behind: processes {[name(pid) for pid in rays]}, files {sorted(left_behind() - before)}", flush=True
    )
    return {
        "seconds to a worker's start": seconds,
        "memory without torch, MB": sum(sizes.values()) - torch,
        "memory of torch's process, MB": torch,
        "processor seconds of the start": used,
        "processor seconds in 10 s at rest": rest,
        "seconds to close": closing,
    }


def main(argv: Sequence[str]) -> None:
    """Measure and print."""
    starts = int(argv[0]) if argv else 3
    os.environ |= {"CONVSCOPE_SLOTS": "1", "CONVSCOPE_THREADS": "1"}
    seen: dict[str, list[dict[str, float]]] = {"local": [], "ray": []}
    for _ in range(starts):
        for engine in seen:
            with tempfile.TemporaryDirectory() as home:
                os.environ["CONVSCOPE_HOME"] = home
                print(engine)
                seen[engine].append(start(engine))
    for key in seen["ray"][0]:
        print_table(key, key, {engine: [each[key] for each in figures] for engine, figures in seen.items()})


if __name__ == "__main__":
    main(sys.argv[1:])
