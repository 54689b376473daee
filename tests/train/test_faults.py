"""Real processes that are killed, stopped and starved: no recorded step is lost and the state shown is true."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from core.runs.checkpoint import load_checkpoint
from core.runs.records import Status
from core.runs.store import RunStore
from core.train import engine as scheduler
from core.train import retry
from core.train.engine import Engine, HeartbeatMonitor
from core.train.runner import Runner
from tests.runs.holder import locked
from tests.train.trials import LONG, ROOT, SPEC, WIDE, config, expected_losses, losses, until

SHORT = config(15)


class Forks:
    """Starts training processes without waiting for torch; see `tests.train.forks`."""

    def __init__(self, home: Path) -> None:
        surroundings = {**os.environ, "CONVSCOPE_HOME": str(home), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.train.forks"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=ROOT, env=surroundings, **pipes)
        self.home = home
        *self.loaded, ready = self.process.stdout.readline().split()
        assert ready == "ready"

    def start(self, run_id: str, owner: str, *faults: str) -> int:
        """Train a run in a new process and return its id."""
        order = {"home": str(self.home), "run": run_id, "owner": owner, "faults": faults}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def forking(tmp_path_factory):
    forks = Forks(tmp_path_factory.mktemp("forks"))
    yield forks
    forks.process.kill()
    forks.process.communicate()


def test_a_training_process_loads_no_library_that_it_does_not_need(forking):
    """Torch's compiler alone would take it as long as all the rest."""
    assert forking.loaded == []


@pytest.fixture
def forks(forking, home):
    torch.set_num_threads(1)
    forking.home = home
    return forking


@pytest.fixture
def store(home):
    store = RunStore()
    yield store
    store.close()


@pytest.fixture
def onlooker(store, monkeypatch):
    """An engine of another app on the same data directory, which trains nothing itself."""
    monkeypatch.setattr(Engine, "_keep_spare", lambda self: None)
    monkeypatch.setattr(Engine, "_hand_out", lambda self: None)
    engine = Engine(store, slots=1)
    yield engine
    engine.close()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: gone(pid))


def resume(store, run_id: str, owner: str) -> None:
    """Hand a run whose worker was killed to another owner."""
    store.worker.worker_died(run_id, "Its worker was killed.")
    store.request(run_id, "resume")
    assert store.worker.claim(owner, 1) == run_id


def ended(store, run_id: str):
    """Wait until a run no longer trains, and return it."""
    return until(lambda: (run := store.get(run_id)).status is not Status.RUNNING and run)


def reached(store, run_id: str, step: int):
    """Wait until a run has recorded so many steps, and return it."""
    return until(lambda: (run := store.get(run_id)).step >= step and run)


def saved_step(store, run_id: str) -> int:
    """Return where the latest weights belong; they are whole, and no newer than the record."""
    checkpoint = load_checkpoint(store.checkpoint(run_id))
    assert all(torch.isfinite(weights).all() for weights in checkpoint.weights.values())
    step = int(checkpoint.meta["step"])
    assert step <= len(losses(store, run_id))
    return step


def stamp(store, run_id: str) -> int:
    """Return a number that changes with the latest weights; 0 while there are none."""
    latest = store.checkpoint(run_id)
    return latest.stat().st_ino if latest.exists() else 0


def parts(store, run_id: str) -> list[Path]:
    return list(store.checkpoint(run_id).parent.glob("*.part"))


@pytest.mark.parametrize(
    ("moment", "torn"), [("unwritten", False), ("half_written", True), ("written", True), ("named", False)]
)
def test_a_worker_killed_while_it_writes_weights_goes_on_from_whole_ones(forks, store, home, moment, torn):
    run_id = store.create(SPEC, SHORT, "digits", owner="first")
    worker = forks.start(run_id, "first", moment)
    until((home / "reached").exists)
    kill(worker)
    recorded = losses(store, run_id)
    assert 0 < len(recorded) < 150
    assert bool(parts(store, run_id)) is torn
    if moment == "unwritten":
        assert not store.checkpoint(run_id).exists()
    else:
        assert saved_step(store, run_id) > 0
    resume(store, run_id, "second")
    forks.start(run_id, "second")
    assert ended(store, run_id).status is Status.FINISHED
    assert not parts(store, run_id)
    assert losses(store, run_id)[: len(recorded)] == pytest.approx(recorded, rel=1e-4)
    assert losses(store, run_id) == pytest.approx(expected_losses(SHORT), rel=1e-4)


def test_a_worker_killed_at_any_moment_loses_no_recorded_step(forks, store):
    run_id, chance, before = store.create(SPEC, LONG, "digits", owner="0"), random.Random(5), 0
    for round_ in range(8):
        if round_:
            resume(store, run_id, str(round_))
        known = stamp(store, run_id)
        worker = forks.start(run_id, str(round_), "quick")
        until(lambda known=known: stamp(store, run_id) != known)
        time.sleep(chance.uniform(0.0, 0.15))
        kill(worker)
        step = saved_step(store, run_id)
        assert step >= before
        before = step
    curve = losses(store, run_id)
    assert curve == pytest.approx(expected_losses(LONG, len(curve)), rel=1e-4)


def test_clocks_that_jump_neither_kill_the_living_nor_hide_the_dead(forks, store, onlooker, monkeypatch):
    began, real = time.monotonic(), time.time
    monkeypatch.setattr(time, "time", lambda: real() + random.choice((-3600.0, 0.0, 3600.0)))
    living, dying = (store.create(SPEC, LONG, "digits", owner=name) for name in ("living", "dying"))
    forks.start(living, "living", "slow", "jumping_clock")
    worker = forks.start(dying, "dying", "slow", "jumping_clock")
    for run_id in (living, dying):
        reached(store, run_id, 3)
    kill(worker)
    run = ended(store, dying)
    assert run.status is Status.INTERRUPTED and "no longer answers" in run.message
    run = reached(store, living, store.get(living).step + 5)
    assert run.status is Status.RUNNING
    seconds = [metric.seconds for metric in store.metrics(living)]
    assert seconds[0] > 0 and all(earlier < later for earlier, later in pairwise(seconds))
    assert seconds[-1] < time.monotonic() - began
    store.request(living, "stop")
    assert ended(store, living).status is Status.STOPPED


def test_a_run_that_was_claimed_but_handed_to_nobody_returns_to_the_queue(store, onlooker):
    run_id = store.create(SPEC, SHORT, "digits")
    assert store.worker.claim(onlooker.owner, 1) == run_id
    assert ended(store, run_id).status is Status.QUEUED


def test_the_dead_are_found_after_more_than_three_looks_and_within_five_seconds(store, monkeypatch):
    monkeypatch.setattr(Engine, "_look_after", lambda self: None)  # it looks when it is told to
    engine, run_id, looks = Engine(store, slots=1), store.create(SPEC, SHORT, "digits", owner="dead"), 0
    half = store.checkpoint(run_id).with_name("latest.1.part")
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"half")
    while store.get(run_id).status is Status.RUNNING and looks < 100:
        engine._check_workers()
        looks += 1
    engine.close()
    run = store.get(run_id)
    assert run.status is Status.INTERRUPTED and "no longer answers" in run.message
    assert looks > 3 and (looks + 1) * scheduler.LOOK_SECONDS < 5
    assert not half.exists()


def test_an_engine_begins_by_removing_what_killed_processes_left(store, home):
    run_id = store.create(SPEC, SHORT, "digits")
    store.request(run_id, "pause")
    folders = (home / "zoo" / ".weights-x", home / "data" / ".arrays-y")
    left = [store.checkpoint(run_id).with_name(".tmpAbCdEf"), *(folder / "whole" for folder in folders)]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    for folder in folders:
        os.utime(folder, (0, 0))
    engine = Engine(store, slots=1)
    try:
        until(lambda: not any(path.exists() for path in left))
    finally:
        engine.close()


def test_a_heartbeat_has_stopped_after_so_many_looks_whatever_it_says():
    silence = HeartbeatMonitor(3)
    assert silence.look({"a": 5.0, "b": 9e9, "c": -1.0}) == {}
    assert silence.look({"a": 5.0, "b": 1.0, "c": -1.0}) == {}  # the clock of b jumped back: it is alive
    assert silence.look({"a": 5.0, "b": 2.0}) == {}
    assert silence.look({"a": 5.0, "b": 3.0, "c": -1.0}) == {"a": 5.0}  # c was out of sight: counted anew
    assert silence.look({"a": 6.0, "b": 4.0, "c": -1.0}) == {}


def freeze(store, run_id: str, pid: int) -> None:
    """Stop a process, but not while it writes: nobody could write then."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        try:
            store.worker.record(run_id, (), wait=0.2)
        except retry.BusyError:
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.05)
        else:
            return


def test_a_worker_that_slept_while_its_run_was_given_away_does_no_harm(forks, store, onlooker):
    run_id = store.create(SPEC, SHORT, "digits", owner="sleeper")
    sleeper = forks.start(run_id, "sleeper", "slow")
    reached(store, run_id, 12)
    freeze(store, run_id, sleeper)
    run = ended(store, run_id)
    assert run.status is Status.INTERRUPTED and "no longer answers" in run.message
    store.request(run_id, "resume")
    assert store.worker.claim("second", 1) == run_id
    forks.start(run_id, "second", "slow")
    reached(store, run_id, run.step + 20)
    os.kill(sleeper, signal.SIGCONT)
    until(lambda: gone(sleeper))
    assert ended(store, run_id).status is Status.FINISHED
    assert losses(store, run_id) == pytest.approx(expected_losses(SHORT), rel=1e-4)
    assert saved_step(store, run_id) == 150


def test_a_run_goes_on_while_another_process_holds_the_database(forks, store, onlooker, home):
    run_id = store.create(SPEC, LONG, "digits", owner="elsewhere")
    forks.start(run_id, "elsewhere", "slow")
    reached(store, run_id, 3)
    with locked(home):
        held, epochs, end = store.get(run_id), len(store.epochs(run_id)), time.monotonic() + 5.0
        until(lambda: len(store.epochs(run_id)) >= epochs + 4 and time.monotonic() > end)
        assert store.get(run_id) == held  # nothing can be recorded, and everybody can still read
    assert reached(store, run_id, held.step + 40).status is Status.RUNNING
    store.request(run_id, "stop")
    assert ended(store, run_id).status is Status.STOPPED
    curve = losses(store, run_id)
    assert curve == pytest.approx(expected_losses(LONG, len(curve)), rel=1e-4)


@pytest.mark.parametrize("names", [("",), ("", "-wal", "-shm"), ("-wal",)])
def test_a_database_deleted_under_a_worker_loses_no_step(forks, store, onlooker, home, names):
    run_id = store.create(SPEC, LONG, "digits", owner="elsewhere")
    forks.start(run_id, "elsewhere", "slow")
    step = reached(store, run_id, 12).step
    for name in names:
        (home / f"runs.db{name}").unlink()
    assert reached(store, run_id, step + 60).status is Status.RUNNING
    store.request(run_id, "stop")
    assert ended(store, run_id).status is Status.STOPPED
    curve = losses(store, run_id)
    assert curve == pytest.approx(expected_losses(LONG, len(curve)), rel=1e-4)


def test_a_database_held_for_too_long_interrupts_the_run_and_loses_no_step(store, home, monkeypatch):
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.5)
    run_id, seen = store.create(SPEC, config(100), "digits", owner="me"), []
    with ExitStack() as holders:

        def hinder(training, step):
            seen.append(step.train_loss)
            time.sleep(0.005)
            if step.step == 5:
                holders.enter_context(locked(home))

        end = Runner._end
        monkeypatch.setattr(Runner, "_end", lambda *args, **values: (holders.close(), end(*args, **values))[1])
        assert Runner(store, run_id, "me", on_step=hinder).run() is Status.INTERRUPTED
    run = store.get(run_id)
    assert run.status is Status.INTERRUPTED and "busy" in run.message and run.message.endswith("try again.")
    recorded = losses(store, run_id)
    assert recorded[:-1] == seen and len(seen) > 10  # it was the last step that could wait no longer
    assert saved_step(store, run_id) <= 5


def test_files_that_can_grow_no_more_interrupt_the_run_and_the_old_weights_stay(forks, store):
    settings = config(10)
    run_id = store.create(WIDE, settings, "digits", owner="first")
    worker = forks.start(run_id, "first", "quick", "slow")
    until(store.checkpoint(run_id).exists)
    kill(worker)
    step, recorded = saved_step(store, run_id), losses(store, run_id)
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    resume(store, run_id, "second")
    forks.start(run_id, "second", "quick", "slow", "small_files")
    run = ended(store, run_id)
    assert run.status is Status.INTERRUPTED
    assert run.message.startswith("The weights cannot be saved") and "make room" in run.message
    assert saved_step(store, run_id) == step and not parts(store, run_id)
    assert losses(store, run_id)[:step] == pytest.approx(recorded[:step], rel=1e-4)
    resume(store, run_id, "third")
    forks.start(run_id, "third")
    assert ended(store, run_id).status is Status.FINISHED
    assert losses(store, run_id) == pytest.approx(expected_losses(settings, spec=WIDE), rel=1e-4)


@pytest.fixture
def small_disk(home):
    """Lay the data directory on a disk of 3 MB."""
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(home)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    yield home
    subprocess.run(["umount", "-l", str(home)], check=True)


def test_a_full_disk_interrupts_the_run_says_so_and_loses_no_step(small_disk, forks, store):
    run_id = store.create(SPEC, SHORT, "digits", owner="first")
    forks.start(run_id, "first", "quick", "slow")
    recorded = reached(store, run_id, 30).step
    filler = os.open(small_disk / "filler", os.O_CREAT | os.O_WRONLY)
    with pytest.raises(OSError, match="No space left"):
        while True:
            os.write(filler, bytes(1024))
    os.close(filler)
    run = ended(store, run_id)  # it could still be written down
    assert run.status is Status.INTERRUPTED and "room" in run.message
    assert len(losses(store, run_id)) >= recorded
    assert saved_step(store, run_id) > 0 and not parts(store, run_id)
    (small_disk / "filler").unlink()
    resume(store, run_id, "second")
    forks.start(run_id, "second")
    assert ended(store, run_id).status is Status.FINISHED
    assert losses(store, run_id) == pytest.approx(expected_losses(SHORT), rel=1e-4)
    assert not (store.folder / run_id / "reserve").exists()


def test_a_worker_that_cannot_be_started_is_told(store, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    run_id = store.create(SPEC, SHORT, "digits")
    engine = Engine(store, slots=1)
    try:
        run = until(lambda: (run := store.get(run_id)).status is Status.INTERRUPTED and run)
        assert run.message.startswith("No worker could be started (No such file")
    finally:
        engine.close()
