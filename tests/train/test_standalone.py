"""Workers without an app on a PostgreSQL server: leases, machines that fall silent or come back, wrong clocks."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from sqlalchemy import update

from core.runs import postgres, worker_store
from core.runs.ownership import new_owner
from core.runs.records import Metric, Status
from core.runs.store import RunStore
from core.runs.tables import RUNS
from core.runs.transactions import BusyError
from core.train import engine as scheduler
from core.train.engine import Engine
from core.train.runner import Runner
from core.train.standalone import main
from tests.postgres import Server, new_schema
from tests.train.trials import ROOT, SPEC, config, expected_losses, losses, until

SHORT, LONG = config(4), config(1000)


@pytest.fixture
def store(postgres_url, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_THREADS", "1")
    torch.set_num_threads(1)
    store = RunStore()
    yield store
    store.close()


@pytest.fixture
def worker(store, home, tmp_path):
    """A worker in a process group of its own, as on another machine: it shares the database and the files only."""
    surroundings = {**os.environ, "CONVSCOPE_HOME": str(tmp_path / "elsewhere"), "CONVSCOPE_SLOTS": "1"}
    surroundings["PYTHONPATH"] = str(ROOT)
    del surroundings["CONVSCOPE_DATABASE_URL"]
    command = [sys.executable, "-m", "core.train.worker", "--url", store.url, "--files", str(home)]
    worker = subprocess.Popen(command, env=surroundings, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)
    yield worker
    if worker.poll() is None:
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


class Onlooker(Engine):
    """The engine of a web server that trains nothing, which looks when it is told to."""

    def __init__(self, store: RunStore, slots: int = 0) -> None:
        super().__init__(store, slots=slots)

    def _look_after(self) -> None:
        pass

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self._check_workers()


@pytest.fixture
def onlooker(store):
    onlooker = Onlooker(store)
    yield onlooker
    onlooker.close()


LEASE_LOOKS = round(scheduler.LEASE_SECONDS / scheduler.LOOK_SECONDS)


def trains(store: RunStore, run_id: str, step: int):
    """Wait until a run has made so many steps in a worker."""

    def there():
        run = store.get(run_id)
        return run if run.status is Status.RUNNING and run.step >= step else None

    return until(there)


def test_a_worker_whose_lease_expired_writes_no_more_and_goes_on_with_others_and_gives_back_what_it_leaves(
    store, worker, onlooker
):
    first = store.create(SPEC, SHORT, "digits")
    store.set_pace(first, 20)
    trains(store, first, 5)
    owner = store.worker.requests(first).owner
    assert [found.owner for found in store.presence.workers()] == [owner]
    os.killpg(worker.pid, signal.SIGSTOP)
    onlooker.look(LEASE_LOOKS)
    assert store.get(first).status is Status.RUNNING
    onlooker.look()
    assert (store.get(first).status, store.get(first).message) == (Status.QUEUED, "")
    assert store.worker.claim("me", 9) == first
    store.set_pace(first, 0)
    os.killpg(worker.pid, signal.SIGCONT)
    assert Runner(store, first, "me").run() is Status.FINISHED
    assert losses(store, first) == expected_losses(SHORT)
    second = store.create(SPEC, LONG, "digits")
    trains(store, second, 20)
    assert store.worker.requests(second).owner == owner
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    left = store.get(second)
    assert (left.status, left.wanted, left.message) == (Status.QUEUED, "run", "")
    assert store.presence.workers() == ()
    assert losses(store, second) == expected_losses(LONG, left.step)
    assert store.checkpoint(second).exists() and left.step >= 20


def test_a_run_that_gets_no_further_in_several_workers_waits_for_people(store, onlooker):
    run_id = store.create(SPEC, LONG, "digits")

    def lapse(step: int) -> Status:
        owner = new_owner()
        assert store.worker.claim(owner, 1) == run_id
        store.worker.record(run_id, [], by=owner, step=step)
        onlooker.look(LEASE_LOOKS + 1)
        return store.get(run_id).status

    assert [lapse(step) for step in (7, 7, 9, 9, 9)] == [Status.QUEUED] * 4 + [Status.INTERRUPTED]
    assert "3 workers in a row fell silent" in store.get(run_id).message
    store.request(run_id, "resume")
    assert lapse(12) is Status.QUEUED


def test_a_clock_that_is_an_hour_off_neither_ends_a_lease_nor_changes_the_queue(store, onlooker, monkeypatch):
    def ahead(act, hours: float = 1.0):
        with monkeypatch.context() as patch:
            now = time.time() + 3600 * hours
            patch.setattr(worker_store.time, "time", lambda: now)
            return act()

    first = ahead(lambda: store.create(SPEC, LONG, "digits"))
    second = store.create(SPEC, LONG, "digits")
    third = ahead(lambda: store.create(SPEC, LONG, "digits"), -1.0)
    owner = new_owner()
    assert [ahead(lambda: store.worker.claim(owner, 9)) for _ in range(2)] == [first, second]
    ahead(lambda: store.presence.show(owner, 1, 9))
    assert [(found.owner, found.runs) for found in store.presence.workers()] == [(owner, 2)]
    for hours in range(2 * LEASE_LOOKS):  # a clock that even goes backwards
        ahead(lambda: store.worker.beat([first], owner), 1.0 - hours)
        onlooker.look()
    assert store.get(first).status is Status.RUNNING
    assert store.get(second).status is Status.QUEUED  # nobody beat for it
    assert [run.id for run in store.before(third)] == [first, second]


def test_what_a_worker_writes_after_its_lease_is_refused(store, onlooker):
    run_id = store.create(SPEC, LONG, "digits")
    slow, quick = new_owner(), new_owner()
    store.worker.claim(slow, 1)
    onlooker.look(LEASE_LOOKS + 1)
    assert store.worker.claim(quick, 1) == run_id
    metric = Metric(1, 1, 0.1, 0.5, 1.0, 0.25)
    store.worker.record(run_id, [metric], by=quick, step=1)
    for write in (
        lambda: store.worker.record(run_id, [metric], by=slow, step=1),
        lambda: store.worker.rewind(run_id, 0, by=slow),
    ):
        with pytest.raises(worker_store.RunError, match="trained elsewhere"):
            write()
    assert not store.worker.give_back(run_id, slow)
    assert not store.worker.record_end(run_id, slow, Status.FINISHED)
    before = store.worker.requests(run_id)
    store.worker.beat([run_id], slow)
    assert (store.metrics(run_id), store.worker.requests(run_id)) == ((metric,), before)


def test_a_machine_that_stands_still_in_the_middle_of_a_write_holds_nobody_for_long(store, monkeypatch):
    monkeypatch.setattr(postgres, "IDLE_SECONDS", 0.05)
    run_id, other = store.create(SPEC, LONG, "digits", owner="slow"), RunStore()
    with pytest.raises(BusyError), store.database.writing() as connection:
        connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(step=5))
        other.rename(run_id, "not held")
    assert (store.get(run_id).name, store.get(run_id).step) == ("not held", 0)
    other.close()


def test_a_run_is_left_for_a_moment_to_the_worker_that_has_less_to_do(store, monkeypatch):
    here = Onlooker(store, slots=1)
    monkeypatch.setattr(here, "_clock", lambda: now[0])
    now, busy, idle = [0.0], new_owner(), new_owner()
    monkeypatch.setattr(here, "workers", lambda: {"one": 1})
    assert not here._leaves("run")
    store.create(SPEC, LONG, "digits")
    store.worker.claim(busy, 1)
    store.presence.show(busy, 1, 9)
    assert not here._leaves("run")
    store.presence.show(idle, 2, 9)
    assert here._leaves("run")
    now[0] += scheduler.YIELDING_SECONDS + 0.1
    assert not here._leaves("run") and here._leaves("next")
    store.presence.leave(idle)
    assert not here._leaves("next")
    here.close()


@pytest.mark.parametrize(
    ("damage", "words"),
    [("UPDATE store_version SET version = 7", "newer version of ConvScope"), (None, "refuses user convscope")],
)
def test_a_worker_that_cannot_begin_says_so_in_one_sentence(postgres: Server, monkeypatch, capfd, damage, words):
    monkeypatch.setenv("CONVSCOPE_DATABASE_URL", "")
    url = new_schema(postgres)[1]
    if damage:
        there = RunStore(url)
        with there.database.writing() as connection:
            connection.exec_driver_sql(damage)
        there.close()
    else:
        url = postgres.url(password="s3cret")
    assert main(["--url", url]) == 1
    said = capfd.readouterr()
    assert words in said.err and len(said.err.splitlines()) == 1 and "s3cret" not in said.err + said.out
