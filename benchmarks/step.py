"""What a training step costs a user: the run in its worker process, against an earlier version and the Keras script.

    python -m benchmarks.step [--former FOLDER PYTHON] [--keras PYTHON] [--rounds 7] [--images 1600]
                              [--threads 1 2] [--precision fp32 bf16]

Each contender is a process group of its own that trains an epoch of the tutorial's network, validation included, in
its turn and is stopped in the others' turns. The run is the app's: created in a store, claimed by the engine, trained,
recorded and checkpointed by its worker, while its record is followed. `FOLDER` is a checkout of another version
and `PYTHON` an interpreter with what it requires; that of Keras is of an environment made from
`benchmarks/requirements-keras.txt`, and computes in float32. Wall time means little on a busy machine; processor
time is that of the whole group. For a processor without AVX-512: `ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2`.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from benchmarks.table import print_table
from benchmarks.tutorial import write_images
from core.data.datasets import load_dataset

ROOT = Path(__file__).resolve().parents[1]
OURS, FORMER, KERAS = "the run in its worker", "the former version's", "Keras, the tutorial's script"
WARM_TURNS = 2


class Contender:
    """A process group that trains an epoch for each line that it is sent, and stands still otherwise."""

    def __init__(self, command: list[str], folder: Path, surroundings: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **surroundings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def turn(self) -> tuple[float, float]:
        """Train an epoch; return its seconds, and those of the processor."""
        assert self._process.stdin is not None and self._process.stdout is not None
        before, began = self._processor_seconds(), time.perf_counter()
        os.killpg(self._process.pid, signal.SIGCONT)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        seconds = time.perf_counter() - began
        os.killpg(self._process.pid, signal.SIGSTOP)
        if not answer:
            raise SystemExit("A contender ended: see above.")
        return seconds, self._processor_seconds() - before

    def _processor_seconds(self) -> float:
        """Return the processor time of all processes of the group so far."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self._process.pid:
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> "Contender":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def measure(arguments: argparse.Namespace, threads: int, precision: str, folder: Path) -> None:
    """Take turns and print images per second of the clock and of the processor."""
    surroundings = {"CONVSCOPE_THREADS": str(threads), "CONVSCOPE_DATABASE_URL": ""}
    script = str(ROOT / "benchmarks" / "step_run.py")
    commands = {OURS: ([sys.executable, "-P", script, str(arguments.images), precision], ROOT)}
    if arguments.former:
        place, python = arguments.former
        commands[FORMER] = ([python, "-P", script, str(arguments.images), precision], Path(place))
    if arguments.keras:
        keras = str(ROOT / "benchmarks" / "keras_tutorial.py")
        commands[KERAS] = ([arguments.keras, "-P", keras, str(folder), str(threads), "0"], ROOT)
    wall: dict[str, list[float]] = {name: [] for name in commands}
    processor: dict[str, list[float]] = {name: [] for name in commands}
    with ExitStack() as stack:
        contenders = {}
        for number, (name, (command, place)) in enumerate(commands.items()):
            own = {**surroundings, "CONVSCOPE_HOME": str(folder / f"{threads}-{precision}-{number}")}
            contenders[name] = stack.enter_context(Contender(command, place, own))
            contenders[name].turn()  # others wait until it trains
        for turn in range(WARM_TURNS + arguments.rounds):
            for name, contender in contenders.items():
                seconds, busy = contender.turn()
                if turn >= WARM_TURNS:
                    wall[name].append(arguments.images / seconds)
                    processor[name].append(arguments.images / busy)
    against = FORMER if arguments.former else KERAS if arguments.keras else None
    what = f"{precision}, {threads} thread{'s' if threads > 1 else ''}"
    print_table(f"By the clock, {what}", "images/s", wall, against=against)
    print_table(f"By the processor, {what}", "images/s", processor, against=against)
    if arguments.former and arguments.keras:
        print_table(f"By the clock, {what}", "images/s", wall, against=KERAS)
        print_table(f"By the processor, {what}", "images/s", processor, against=KERAS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--former", nargs=2, metavar=("FOLDER", "PYTHON"))
    parser.add_argument("--keras", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=1600)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"])
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no contender stays behind, stopped
    import torch

    limits = [
        f"{name}={os.environ[name]}" for name in ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY") if name in os.environ
    ]
    print(" ".join(["torch sees", torch.backends.cpu.get_cpu_capability(), *limits]), f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = home
        write_images(load_dataset("shapes", limit=arguments.images), Path(home))
        for precision in arguments.precision:
            for threads in arguments.threads:
                measure(arguments, threads, precision, Path(home))


if __name__ == "__main__":
    main()
