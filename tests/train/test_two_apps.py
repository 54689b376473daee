"""Two apps on one data directory: each run has one worker, and whoever asks, it hears."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from core.runs.records import Status
from core.runs.store import RunStore
from core.train.engine import Engine
from tests.train.trials import LONG, ROOT, SPEC, expected_losses, losses, until

APP = (
    "import sys\nfrom core.train.engine import Engine\nfrom core.runs.store import RunStore\n"
    "Engine._keep_spare = lambda self: None\n"
    "listen = Engine._check_workers\nimport time\n"
    "Engine._check_workers = lambda self: (listen(self), print('looked', time.monotonic(), flush=True))\n"
    "engine = Engine(RunStore(), slots=1, runs=1)\nprint('owner', engine.owner, flush=True)\nsys.stdin.read()\n"
)


@pytest.fixture
def store(home, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_THREADS", "1")
    store = RunStore()
    yield store
    store.close()


@pytest.fixture
def other_app(store):
    """An app in a process of its own."""
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    app = subprocess.Popen([sys.executable, "-c", APP], env=surroundings, cwd=ROOT, **pipes)
    yield app
    app.kill()
    app.communicate()


def said(app, word: str) -> Iterator[str]:
    """Yield what another app says under a word, when it says so."""
    return (line.split()[1] for line in app.stdout if line.startswith(word))


def look(store, run_id: str, status: Status, step: int = 0):
    """Wait until a run has this status and so many steps."""

    def there():
        run = store.get(run_id)
        return run if run.status is status and run.step >= step else None

    return until(there)


def test_two_apps_share_the_runs_and_the_end_of_one_is_not_that_of_the_other(store, other_app, monkeypatch):
    there = next(said(other_app, "owner"))
    first = store.create(SPEC, LONG, "digits")
    look(store, first, Status.RUNNING, 3)
    monkeypatch.setattr(Engine, "_keep_spare", lambda self: None)  # nor there: both cores are wanted
    here = Engine(store, slots=1, runs=1)
    try:
        here.request(first, "pause")  # asked here, done there
        paused = look(store, first, Status.PAUSED)
        other_app.send_signal(signal.SIGSTOP)  # it takes no run now; its worker still holds the paused one
        here.request(first, "resume")
        look(store, first, Status.RUNNING, paused.step + 10)
        assert store.worker.requests(first).owner == here.owner
        other_app.send_signal(signal.SIGCONT)  # and it sees that its worker has left
        second = store.create(SPEC, LONG, "digits")
        look(store, second, Status.RUNNING, 5)
        assert store.worker.requests(second).owner == there  # no more may run here
        assert store.get(first).status is Status.RUNNING
        now, looks, listen = time.monotonic(), [], here._check_workers
        monkeypatch.setattr(here, "_check_workers", lambda: (listen(), looks.append(1)))
        until(lambda: len(looks) >= 2)  # both engines look on
        assert len(list(islice((at for at in said(other_app, "looked") if float(at) > now), 2))) == 2
        assert {store.get(run_id).status for run_id in (first, second)} == {Status.RUNNING}
    finally:
        here.close()
    assert store.get(first).status is Status.QUEUED  # it waits for whoever has room
    going = look(store, second, Status.RUNNING, store.get(second).step + 5)
    other_app.kill()  # nobody can tidy up: its worker sees its input end
    look(store, second, Status.QUEUED, going.step)
    assert store.checkpoint(second).exists()
    for run_id in (first, second):
        curve = losses(store, run_id)
        assert curve == pytest.approx(expected_losses(LONG, len(curve)), rel=1e-3)
