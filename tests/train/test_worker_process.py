"""Workers that cannot be started or cannot begin a run: said once a cause, and by the run; tried ever more rarely."""

import io
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core.model.layers import Dense, Flatten
from core.model.spec import ModelSpec
from core.runs import transactions
from core.runs.records import INTERNAL, Status
from core.runs.store import RunStore
from core.train import engine as scheduler
from core.train import worker
from core.train.config import TrainConfig
from core.train.engine import Engine
from core.train.messages import Order, Watched, read_order
from core.train.worker_process import WorkerProcess
from tests.runs.holder import locked
from tests.train.trials import until

ROOT = Path(__file__).resolve().parents[2]
SPEC = ModelSpec("Small", (1, 8, 8), 10, (Flatten(), Dense(10)))
CONFIG = TrainConfig(epochs=1, batch_size=32, train_images=64, precision="fp32", device="cpu")
WAITS, GOES_ON = "The queue waits: ", "The queue goes on."


class Clocked(Engine):
    """An engine that looks when it is told to, at a time of ours, and remembers when it started a worker."""

    def __init__(self, store: RunStore) -> None:
        self.now, self.starts = 0.0, []
        super().__init__(store, slots=1, clock=lambda: self.now)

    def _look_after(self) -> None:
        pass

    def looks(self, number: int, seconds: float) -> None:
        """Look so many times; what a worker has to say by itself has been said before each."""
        for _ in range(number):
            for process in self._workers:
                process.wait(20.0)
            self._look()
            self.now += seconds


@pytest.fixture
def engine(home, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_THREADS", "1")
    store = RunStore(f"sqlite:///{home / 'runs.db'}", tmp_path / "weights")
    engine = Clocked(store)

    def start(folder):
        engine.starts.append(engine.now)
        return WorkerProcess(folder)

    monkeypatch.setattr(scheduler, "WorkerProcess", start)
    yield engine
    engine.close()
    store.close()


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Return what lets a shell script be started in place of workers."""

    def put(script: str) -> None:
        path = tmp_path / "worker"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(path))

    return put


def said(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_spare_that_cannot_be_started_is_said_once_and_tried_ever_more_rarely(engine, stand_in, caplog, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    engine.looks(250, 5.0)
    gaps = [later - earlier for earlier, later in zip(engine.starts, engine.starts[1:], strict=False)]
    assert gaps == [15.0, 25.0, 50.0, 100.0, 195.0, 305.0, 305.0]  # 12, 24, 48, … 300 seconds, at the next look
    (line,) = said(caplog)
    assert line.startswith(f"{WAITS}No worker could be started (No such file")
    caplog.clear()
    stand_in("read order && echo begun 1")  # by now one can be started
    engine.now += scheduler.MAX_SPARE_SECONDS
    engine._look()
    assert engine.starts[-1] == engine.now
    engine._look()
    assert said(caplog) == []  # but none has begun a run yet
    engine.store.create(SPEC, CONFIG, "digits")
    engine._look()
    (given,) = engine._workers
    given.wait(20.0)
    engine._look()
    assert said(caplog) == [GOES_ON]
    assert engine._spare_after == scheduler.SPARE_AFTER_SECONDS  # nor will the next one wait long


def test_a_spare_that_ends_says_why_once_a_cause_and_is_tried_ever_more_rarely(engine, stand_in, caplog):
    stand_in("echo 'The first reason.'; exit 1")
    engine.looks(40, 5.0)
    assert engine.starts == [0.0, 15.0, 40.0, 90.0, 190.0]
    stand_in("echo 'The second reason.'; exit 1")
    engine.looks(100, 5.0)
    stand_in("kill -9 $$")
    engine.looks(100, 5.0)
    assert said(caplog) == [
        f"{WAITS}The first reason.",
        f"{WAITS}The second reason.",
        f"{WAITS}A waiting worker was ended by SIGKILL (often because memory ran out): see worker.log.",
    ]


def test_a_folder_that_cannot_be_written_is_said_once_and_by_the_run(engine, caplog):
    engine.store.folder.mkdir(exist_ok=True)
    engine.store.folder.rmdir()
    engine.store.folder.write_text("in the way")
    engine.looks(30, 5.0)
    run_id = engine.store.create(SPEC, CONFIG, "digits")
    engine.looks(1, 5.0)
    run = engine.store.get(run_id)
    assert run.status is Status.INTERRUPTED and "cannot be written" in run.message
    (line,) = said(caplog)
    assert line == f"{WAITS}{run.message}"


def test_wrong_settings_interrupt_the_run_that_waits_and_say_so(engine, caplog, monkeypatch):
    runs = [engine.store.create(SPEC, CONFIG, "digits") for _ in range(2)]
    monkeypatch.setenv("CONVSCOPE_THREADS", "many")
    engine.looks(1, 0.5)
    assert [engine.store.get(run_id).status for run_id in runs] == [Status.INTERRUPTED, Status.QUEUED]
    engine.looks(5, 0.5)  # the queue is not emptied at once
    messages = [engine.store.get(run_id).message for run_id in runs]
    assert messages == ["CONVSCOPE_THREADS must be a whole number of at least 1, not 'many'."] * 2
    assert said(caplog) == [f"{WAITS}{messages[0]}"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("read order; echo 'It has no torch.'; exit 1", "It has no torch."),
        ("read order; exit 3", "Its worker ended with code 3: press Resume to go on from the last checkpoint."),
    ],
)
def test_what_a_worker_ends_with_is_the_message_of_its_run(engine, stand_in, script, message):
    stand_in(script)
    run_id = engine.store.create(SPEC, CONFIG, "digits")
    engine.looks(2, 0.5)
    run = engine.store.get(run_id)
    assert run.status is Status.INTERRUPTED and run.message.startswith(message)


def test_a_worker_hears_which_of_its_runs_are_watched_when_that_changes(engine, stand_in, tmp_path):
    stand_in(f"cat > {tmp_path / 'heard'}")
    watched, _ = (engine.store.create(SPEC, CONFIG, "digits") for _ in range(2))
    engine._look()
    for _ in range(2):
        engine.watch(watched)
        engine._look()
        engine.now += scheduler.WATCHED_SECONDS
    engine.now += 1.0
    engine._look()
    (worker,) = engine._workers
    (number,) = (order.number for order in worker.orders.values() if order.run == watched)
    worker.end_input()
    worker.wait(20.0)
    heard = [read_order(line) for line in (tmp_path / "heard").read_text().splitlines()]
    assert [order.numbers for order in heard if isinstance(order, Watched)] == [(number,), ()]


def test_a_worker_killed_before_it_begins_is_no_runs_fault_unless_none_begins(engine, stand_in):
    stand_in("read order; kill -9 $$")
    run_id = engine.store.create(SPEC, CONFIG, "digits")
    engine.looks(scheduler.STARTS, 0.5)
    assert engine.store.get(run_id).status is Status.RUNNING
    engine.looks(1, 0.5)
    run = engine.store.get(run_id)
    assert run.status is Status.INTERRUPTED and run.message.startswith("Its worker was ended by SIGKILL")


def test_a_run_that_ends_two_workers_at_the_same_place_waits_to_be_resumed_and_the_others_go_on(engine, stand_in):
    number = "n=${order#*: }; n=${n%%,*}; echo begun $n"
    stand_in(f"read order; {number}; read order; {number}; echo turn $n; kill -9 $$")
    innocent, guilty = (engine.store.create(SPEC, CONFIG, "digits") for _ in range(2))
    engine.looks(2, 0.5)  # a worker is given both and dies, and so is another
    engine.store.change(guilty, step=1)  # it had got further: so it may have been anybody's fault
    engine.looks(1, 0.5)
    assert [engine.store.get(run_id).status for run_id in (innocent, guilty)] == [Status.RUNNING] * 2
    engine.looks(1, 0.5)
    run = engine.store.get(guilty)
    assert (run.status, run.failure) == (Status.INTERRUPTED, INTERNAL)
    assert run.message.startswith("Two workers in a row ended in its turns at the same place, this one was ended by")
    assert engine.store.get(innocent).status is Status.RUNNING
    assert engine.workers().keys() == {innocent}


def test_what_a_worker_reports_while_the_database_is_held_is_heard_once_it_is_free(engine, stand_in, home, monkeypatch):
    monkeypatch.setattr(transactions, "WAIT_SECONDS", 0.05)
    python = sys.executable
    stand_in("read order; echo begun 1; echo failed 1 It cannot be.; read more")
    run_id = engine.store.create(SPEC, CONFIG, "digits")
    engine._look()
    until(lambda: len(engine._workers[0]._reports) == 2)
    monkeypatch.setattr(sys, "executable", python)
    with locked(home):
        assert not engine._look()
        assert engine.store.get(run_id).status is Status.RUNNING
    engine._look()
    assert (engine.store.get(run_id).status, engine.store.get(run_id).message) == (Status.INTERRUPTED, "It cannot be.")
    assert engine.workers() == {}


def test_a_run_that_does_not_fit_waits_and_has_the_memory_of_one_that_pauses(engine, stand_in, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_MEMORY_MB", "1")  # but one run alone always has a worker
    stand_in(f"while read order; do echo \"$order\" >> '{tmp_path}/orders'; echo begun 1; done")
    first, second = (engine.store.create(SPEC, CONFIG, "digits") for _ in range(2))
    engine._look()
    assert engine.workers().keys() == {first} and engine.store.get(second).status is Status.QUEUED
    engine.store.request(first, "pause")
    assert engine.store.worker.hold(first, engine.owner)
    engine._look()
    until(lambda: (tmp_path / "orders").read_text().endswith('{"release": 1}\n'))
    assert engine.store.get(second).status is Status.QUEUED  # until the worker has said that it has left the other


@pytest.fixture
def served(monkeypatch):
    """Return what lets the worker's own code serve one order in this process: what it says until it is done with it."""
    monkeypatch.setattr(os, "nice", lambda by: by, raising=False)
    monkeypatch.setenv("CONVSCOPE_THREADS", "1")

    def serve(order: str) -> list[str]:
        said: list[str] = []
        reading, writing = os.pipe()
        with open(reading) as lines, open(writing, "w") as lifeline:  # noqa: PTH123

            def say(line: str) -> None:
                said.append(line)
                if line.startswith(("left", "failed")):
                    lifeline.close()  # as an engine does that needs it no longer

            print(order, file=lifeline, flush=True)
            assert worker.serve(lines, say, lambda path: None, threading.Event()) == 0
        return said

    return serve


def test_a_store_of_another_folder_trains_into_its_own(engine, stand_in, served, home, tmp_path):
    stand_in(f"read order; echo \"$order\" > '{tmp_path}/order'")
    run_id = engine.store.create(SPEC, CONFIG, "digits")
    engine.looks(1, 0.5)
    engine._workers[0].wait(20.0)
    assert served((tmp_path / "order").read_text()) == ["begun 1\n", "turn 1\n", "left 1\n"]
    assert engine.store.get(run_id).status is Status.FINISHED
    assert engine.store.epochs(run_id) == (0, 1)
    assert not (home / "runs").exists()


def test_a_worker_says_what_keeps_it_from_a_run(served, tmp_path):
    (tmp_path / "runs.db").write_bytes(b"this is no database" * 100)
    order = Order(7, "0123456789", "me", f"sqlite:///{tmp_path / 'runs.db'}", str(tmp_path))
    (said,) = served(order.to_line())
    assert said.startswith("failed 7 The run database is damaged: move ")
    (said,) = served(replace(order, url="nonsense").to_line())
    assert said.startswith("failed 7 CONVSCOPE_DATABASE_URL cannot be used")
    (tmp_path / "runs.db").unlink()
    assert served(order.to_line()) == ["left 7\n"]  # it was deleted


@pytest.mark.parametrize(
    ("surroundings", "sentence"),
    [
        ({"CONVSCOPE_THREADS": "x"}, "CONVSCOPE_THREADS must be a whole number of at least 1, not 'x'."),
        ({"CONVSCOPE_HOME": "~nobody-of-this-name"}, "The data directory cannot be found"),
        ({}, "Its worker could not train (ImportError: a library of it is missing): worker.log"),
    ],
)
def test_a_worker_that_cannot_load_says_so_on_its_pipe_and_the_rest_in_its_log(surroundings, sentence, tmp_path):
    (tmp_path / "torch.py").write_text("print('noise')\nraise ImportError('a library\\nof it is missing')")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "core.train.worker", "--orders"],
        cwd=tmp_path,
        env={**os.environ, **surroundings, "PYTHONPATH": path},
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith(sentence)
    assert ("noise" in done.stderr) == ("Traceback" in done.stderr) == (not surroundings)


def test_a_worker_without_a_run_leaves_quietly(monkeypatch):
    monkeypatch.setattr(os, "nice", lambda by: by, raising=False)
    monkeypatch.setenv("CONVSCOPE_THREADS", "1")
    words: list[str] = []
    assert worker.serve(io.StringIO(""), words.append, lambda path: None, threading.Event()) == 0
    assert words == []
