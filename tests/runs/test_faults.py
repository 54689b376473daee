"""The run store among processes that write at the same time, hold the database, or come back from the dead."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from core.errors import RunError, StorageError
from core.leftovers import remove_parts
from core.model.presets import preset
from core.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from core.runs.records import Event, Evidence, Metric, Status
from core.runs.store import RunStore
from core.runs.transactions import BusyError
from core.train.config import TrainConfig
from tests.runs.holder import locked

ROOT = Path(__file__).parents[2]
SPEC = preset("tutorial", (1, 8, 8), 10)
CONFIG = TrainConfig(epochs=3)


@pytest.fixture
def store():
    store = RunStore()
    yield store
    store.close()


def metric(step: int) -> Metric:
    return Metric(step, 1, 0.1, step / 10, 1 / step, 0.5)


def crowd(code: str, count: int) -> list[list]:
    """Run `code` in several processes that begin at the same moment, and return the list `done` of each."""
    whole = (
        "import json, sys\nfrom core.errors import ConvScopeError\nfrom core.runs.store import RunStore\n"
        f"print('ready', flush=True)\nme, done = sys.argv[1], []\nsys.stdin.readline()\n{code}\nprint(json.dumps(done))"
    )
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    people = [
        subprocess.Popen([sys.executable, "-c", whole, f"p{n}"], cwd=ROOT, env=surroundings, **pipes)
        for n in range(count)
    ]
    for person in people:
        assert person.stdout.readline() == "ready\n"
    for person in people:
        person.stdin.write("go\n")
        person.stdin.flush()
    return [json.loads(person.communicate(timeout=120)[0]) for person in people]


def test_every_run_is_claimed_once_and_no_step_is_lost_among_many_processes(store):
    ids = {store.create(SPEC, CONFIG, "digits") for _ in range(40)}
    code = (
        "from core.runs.records import Metric\nstore = RunStore()\n"
        "while run_id := store.worker.claim(me, 99):\n"
        "    done.append(run_id)\n"
        "    for step in range(1, 6):\n"
        "        store.worker.record(run_id, [Metric(step, 1, 0.1, step, 1.0, 0.5)], by=me, step=step)\n"
    )
    claimed = [run_id for done in crowd(code, 3) for run_id in done]
    assert sorted(claimed) == sorted(ids)
    assert all([m.step for m in store.metrics(run_id)] == [1, 2, 3, 4, 5] for run_id in ids)


def test_many_processes_open_a_new_database_at_once(home):
    code = (
        "try:\n    store = RunStore()\n    done.append(len(store.list()))\n"
        "except ConvScopeError as error:\n    done.append(str(error))\n"
    )
    assert crowd(code, 4) == [[0]] * 4


def test_many_processes_bring_an_older_database_up_to_date_at_once(store, home):
    store.create(SPEC, CONFIG, "digits")
    store.close()
    with sqlite3.connect(home / "runs.db") as old:
        for column in ("note", "pace", "live"):
            old.execute(f"ALTER TABLE runs DROP COLUMN {column}")
        old.execute("DROP TABLE evidence")
    old.close()
    code = (
        "try:\n    store = RunStore()\n    run, = store.list()\n"
        "    done.append([run.note, *store.series.evidence(run.id)])\n"
        "except ConvScopeError as error:\n    done.append(str(error))\n"
    )
    assert crowd(code, 3) == [[[""]]] * 3


def test_what_a_writing_transaction_has_read_does_not_grow_old(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    other = RunStore()
    threads = []
    with store.database.writing() as connection:
        before = connection.exec_driver_sql("SELECT heartbeat FROM runs").scalar_one()
        threads.append(threading.Thread(target=other.change, args=(run_id,), kwargs={"heartbeat": 5.0}))
        threads[0].start()
        threads[0].join(0.2)
        assert threads[0].is_alive()  # it waits
        connection.exec_driver_sql("UPDATE runs SET heartbeat = ?", (before + 1,))
    threads[0].join()
    assert store.get(run_id).heartbeat == 5.0
    other.close()


def test_a_database_held_by_another_process_is_read_and_named(store, home):
    run_id = store.create(SPEC, CONFIG, "digits", owner="me")
    store.worker.record(run_id, [metric(1)], step=1)
    with locked(home):
        opened = RunStore()  # reading needs no lock, nor does opening
        assert opened.get(run_id).step == 1 and len(opened.metrics(run_id)) == 1
        with pytest.raises(BusyError, match=r"^The run database is busy .*locked.*then try again\.$"):
            opened.worker.record(run_id, [metric(2)], wait=0.05, step=2)
        with opened.database.reading() as connection:  # a short wait does not stick to the connection
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 10_000
        opened.close()
    assert [m.step for m in store.metrics(run_id)] == [1]
    store.worker.record(run_id, [metric(2)], step=2)
    assert store.get(run_id).step == 2


def test_a_record_is_whole_or_not_there(store):
    run_id = store.create(SPEC, CONFIG, "digits", owner="me")
    store.worker.record(run_id, [metric(1)], [Evidence(0, "gradient", "all", 1.0)], [Event(0, "edit", "a")], step=1)
    with pytest.raises(StorageError):
        store.worker.record(run_id, [metric(2), metric(1)], [Evidence(2, "gradient", "all", 1.0)], step=2)
    assert (store.get(run_id).step, len(store.metrics(run_id)), len(store.series.evidence(run_id))) == (1, 1, 1)
    assert store.series.events(run_id) == (Event(0, "edit", "a"),)


def test_a_worker_whose_run_is_anothers_can_write_nothing(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    assert store.worker.claim("first", 1) == run_id
    store.worker.record(run_id, [metric(1)], by="first", step=1)
    store.worker.worker_died(run_id, "silent")
    store.request(run_id, "resume")
    assert store.worker.claim("second", 1) == run_id
    store.worker.record(run_id, [metric(2)], by="second", step=2)
    before = store.get(run_id)
    for write in (
        lambda: store.worker.record(run_id, [metric(3)], by="first", step=3),
        lambda: store.worker.record(run_id, (), by="first"),
        lambda: store.worker.rewind(run_id, 0, by="first"),
    ):
        with pytest.raises(RunError, match="trained elsewhere"):
            write()
    assert not store.worker.record_end(run_id, "first", Status.FAILED, message="no")
    assert not store.worker.give_back(run_id, "first")
    assert not store.worker.hold(run_id, "first")
    assert not store.worker.worker_died(run_id, "no", owner="first")
    assert store.get(run_id) == before and len(store.metrics(run_id)) == 2
    assert store.worker.record_end(run_id, "second", Status.FINISHED, test_loss=0.5)
    assert (store.get(run_id).status, store.get(run_id).test_loss) == (Status.FINISHED, 0.5)


def test_a_deleted_run_takes_no_record(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    store.delete(run_id)
    with pytest.raises(RunError, match="deleted"):
        store.worker.record(run_id, [metric(1)])


def test_a_pause_that_was_taken_back_meanwhile_does_not_hold(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    store.worker.claim("me", 1)
    for change, held in (("pause", True), ("resume", False), ("step", False)):
        store.change(run_id, status=Status.RUNNING.value, steps_wanted=0)
        store.request(run_id, change)
        assert store.worker.hold(run_id, "me") is held, change
    store.worker.step(run_id, "me")
    store.worker.step(run_id, "me")
    assert store.worker.requests(run_id).steps == 0  # never below


def test_a_run_without_a_worker_returns_to_its_place_in_the_queue(store):
    first, second = store.create(SPEC, CONFIG, "digits"), store.create(SPEC, CONFIG, "digits")
    assert store.worker.claim("me", 9) == first
    assert store.worker.give_back(first, "me")
    assert [store.worker.claim("me", 9), store.worker.claim("me", 9)] == [first, second]


def test_heartbeats_of_others_are_seen_and_ones_own_beat(store):
    mine, theirs, waiting = (store.create(SPEC, CONFIG, "digits", owner=owner) for owner in ("me", "they", ""))
    store.change(mine, heartbeat=1.0)
    store.change(theirs, heartbeat=1.0)
    assert store.worker.heartbeats("me") == ({mine}, {theirs: 1.0})
    assert (store.get(mine).heartbeat > 1.0, store.get(theirs).heartbeat) == (True, 1.0)
    assert store.get(waiting).status is Status.QUEUED
    assert store.worker.worker_died(theirs, "gone", heartbeat=2.0) == 0  # it has beaten since
    assert store.worker.worker_died(theirs, "gone", heartbeat=1.0) == 1
    assert (store.get(theirs).status, store.get(theirs).message) == (Status.INTERRUPTED, "gone")
    assert store.worker.worker_died(theirs, "again") == 0


def test_a_worker_beats_for_all_its_runs_and_for_none_that_is_anothers_by_now(store):
    first, second, lost = (store.create(SPEC, CONFIG, "digits", owner=owner) for owner in ("me", "me", "they"))
    for run_id in (first, second, lost):
        store.change(run_id, heartbeat=1.0)
    store.worker.beat((first, second, lost, "0123456789"), "me")
    assert [store.get(run_id).heartbeat > 1.0 for run_id in (first, second, lost)] == [True, True, False]
    store.request(first, "pause")
    requests = store.worker.requests_of((first, second, "0123456789"))
    assert {run_id: asked.wanted for run_id, asked in requests.items()} == {first: "pause", second: "run"}


def test_leftovers_of_killed_writers_are_removed_and_nothing_else(tmp_path):
    save_checkpoint(tmp_path / "latest.safetensors", Checkpoint({"w": torch.ones(2)}))
    (tmp_path / "latest.123.part").write_bytes(b"half")
    (tmp_path / "epoch-0001.9.part").write_bytes(b"")
    (tmp_path / "worker.log").write_text("kept")
    remove_parts(tmp_path)
    remove_parts(tmp_path / "nowhere")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.safetensors", "worker.log"]


def test_a_checkpoint_is_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch):
    path, order = tmp_path / "latest.safetensors", []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (order.append(os.fstat(file).st_size), sync(file))[1])
    monkeypatch.setattr(os, "replace", lambda *names: (order.append("named"), replace(*names))[1])
    save_checkpoint(path, Checkpoint({"w": torch.ones(100)}))
    assert order == [path.stat().st_size, "named"]
    assert torch.equal(load_checkpoint(path).weights["w"], torch.ones(100))
