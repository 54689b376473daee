"""What a visitor costs the server: a load of each page, a tick of the live page while a run really trains, and fifty.

`python -m benchmarks.visits [repeats] [checkout python]` takes turns with another checkout, for instance of an earlier
version, whose requirements that interpreter has. Processor time is that of the server's own process: it is inflated on
a busy machine, for both alike. Linux only.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.server import ROOT, Server, serving
from benchmarks.table import print_table
from benchmarks.visitor import Visitor

TICKS = 10  # of one turn
WATCHERS, WATCHED = 50, 20  # of one run, for so many seconds
SETTLING = 20  # seconds at most until a page has computed what it shows
PACE = 20.0  # batches a second, for all alike
FORMER = {
    "explain": "saliency",
    "embedding": "atlas",
    "classical_vision": "classical",
    "attacks_concepts": "beyond",
}  # addresses until version 0.4
PAGES = (
    *("home", "data", "build", "train", "runs", "compress", "filters", "feature_maps", "maths", "evaluate", "classify"),
    *FORMER,
)
_TRAIN = """
import sys
from core.model.presets import preset
from core.runs.store import RunStore
from core.train.config import TrainConfig
store = RunStore()
run = store.create(preset("tutorial", (1, 28, 28), 10), TrainConfig(epochs=int(sys.argv[1])), "mnist5k")
store.set_pace(run, float(sys.argv[2]))
print(run)
"""
_STEP = "import sys, time; from core.runs.store import RunStore; print(RunStore().get(sys.argv[1]).step, time.time())"
_STOP = "import sys; from core.runs.store import RunStore; RunStore().request(sys.argv[1], 'stop'); print()"


@dataclass(frozen=True)
class Contender:
    """A served checkout, with a run that is trained and one that trains for as long as it is asked."""

    server: Server
    root: Path
    python: str

    def do(self, script: str, *arguments: str) -> str:
        """Run a script on the store of this server and return what it prints."""
        environment = {"CONVSCOPE_HOME": str(self.server.home), "PYTHONPATH": str(self.root), "PATH": ""}
        command = [self.python, "-c", script, *arguments]
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def train(self, epochs: int, pace: float, steps: int) -> str:
        """Have the server's engine train a run, and return its id after so many steps."""
        run = self.do(_TRAIN, str(epochs), str(pace))
        while self.step(run)[0] < steps:
            time.sleep(1)
        return run

    def step(self, run: str) -> tuple[int, float]:
        """Return how many steps a run has done, and at which second that was."""
        step, moment = self.do(_STEP, run).split()
        return int(step), float(moment)

    def speed(self, run: str, seconds: float) -> float:
        """Return the steps a second that a run does from now on."""
        first, began = self.step(run)
        time.sleep(seconds)
        last, ended = self.step(run)
        return (last - first) / (ended - began)

    def visitor(self, page: str, run: str) -> Visitor:
        """Return a visitor of a page of `PAGES`."""
        address = FORMER.get(page, page) if (self.root / "pages" / f"{FORMER.get(page)}.py").exists() else page
        return Visitor(self.server.url, "" if page == "home" else address, run=run)


def loads(contenders: Mapping[str, Contender], runs: Mapping[str, str], repeats: int) -> None:
    """Take turns in loading each page with a trained run, whose caches are warm."""
    for page in PAGES:
        spent: dict[str, list[float]] = {name: [] for name in contenders}
        sizes = {}
        for turn in range(repeats + 1):
            for name, contender in contenders.items():
                before = contender.server.processor_seconds()
                with contender.visitor(page, runs[name]) as visitor:
                    answer = visitor.load()
                    for _ in range(SETTLING if not turn else 0):  # what is computed in the background is there then
                        if not visitor.beat():
                            break
                        time.sleep(1)
                    time.sleep(0.3)
                if turn:
                    spent[name].append(1000 * (contender.server.processor_seconds() - before))
                sizes[name] = f"{answer.messages} messages, {answer.bytes / 1000:.0f} kB"
        print_table(f"{page}: processor time of a load ({'; '.join(sizes.values())})", "ms", spent)


def ticks(contenders: Mapping[str, Contender], repeats: int) -> None:
    """Take turns in watching a run that trains."""
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    messages, sizes = ({name: list[float]() for name in contenders} for _ in range(2))
    with ExitStack() as stack:
        visitors, runs = {}, {}
        for name, contender in contenders.items():
            runs[name] = contender.train(1000, PACE, 200)
            visitors[name] = stack.enter_context(contender.visitor("train", runs[name]))
            visitors[name].load()
        for turn in range(repeats + 1):
            for name, contender in contenders.items():
                visitors[name].beat()
                before = contender.server.processor_seconds()
                time.sleep(2)
                idle = (contender.server.processor_seconds() - before) / 2
                began, before = time.monotonic(), contender.server.processor_seconds()
                answers = []
                for _ in range(TICKS):
                    answers.append(visitors[name].beat())
                    time.sleep(0.5)
                used = contender.server.processor_seconds() - before - idle * (time.monotonic() - began)
                if turn:
                    spent[name].append(1000 * used / TICKS)
                    messages[name].append(sum(answer.messages for answer in answers if answer) / TICKS)
                    sizes[name].append(sum(answer.bytes for answer in answers if answer) / TICKS / 1000)
    for name, contender in contenders.items():
        contender.do(_STOP, runs[name])
    print_table("Processor time of a live tick", "ms", spent)
    print_table("Messages of a live tick", "", messages)
    print_table("Size of a live tick", "kB", sizes)


def crowd(contenders: Mapping[str, Contender], repeats: int) -> None:
    """Take turns in having many watch one run that trains as fast as it can."""
    rates, late, slowed, used = ({name: list[float]() for name in contenders} for _ in range(4))
    for _ in range(repeats):
        for name, contender in contenders.items():
            run = contender.train(1000, 0.0, 200)
            alone = contender.speed(run, WATCHED)
            before = contender.server.processor_seconds()
            with ThreadPoolExecutor(WATCHERS + 1) as pool:
                until = time.monotonic() + WATCHED + 10
                watching = [pool.submit(_watch, contender, run, until) for _ in range(WATCHERS)]
                time.sleep(10)  # until all have loaded the page
                watched = contender.speed(run, WATCHED)
                answers = [each.result() for each in watching]
            used[name].append((contender.server.processor_seconds() - before) / (WATCHED + 10))
            contender.do(_STOP, run)
            rates[name].append(min(len(each) for each in answers) / WATCHED)
            late[name].append(1000 * statistics.quantiles([t for each in answers for t in each], n=20)[-1])
            slowed[name].append(watched / alone)
    print_table(f"Ticks a second of the slowest of {WATCHERS} who watch one run", "1/s", rates)
    print_table(f"Time that 95 % of the ticks of {WATCHERS} stay below", "ms", late)
    print_table(f"Speed of a training that {WATCHERS} watch, to its own unwatched", "", slowed)
    print_table(f"Cores that the server takes for {WATCHERS}", "", used)


def _watch(contender: Contender, run: str, until: float) -> list[float]:
    """Ask for a tick each second, and return how long each took within the last `WATCHED` seconds."""
    times = []
    with contender.visitor("train", run) as visitor:
        visitor.load()
        while (began := time.monotonic()) < until:
            answer = visitor.beat()
            if answer is not None and began >= until - WATCHED:
                times.append(answer.seconds)
            time.sleep(max(0.0, 1 - (time.monotonic() - began)))
    return times


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    checkouts = {"this": (ROOT, sys.executable)}
    if len(sys.argv) > 3:
        checkouts["other"] = (Path(sys.argv[2]).resolve(), sys.argv[3])
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        contenders = {}
        for name, (root, python) in checkouts.items():
            server = stack.enter_context(serving(root / "app.py", Path(folder) / name, root=root, python=python))
            contenders[name] = Contender(server, root, python)
            with Visitor(server.url, "") as visitor:
                visitor.load()  # which starts the engine
        runs = {name: contender.train(2, 0.0, 100) for name, contender in contenders.items()}
        time.sleep(15)  # what the app loads in the background is loaded
        loads(contenders, runs, repeats)
        ticks(contenders, repeats)
        crowd(contenders, max(1, repeats // 2))


if __name__ == "__main__":
    main()
