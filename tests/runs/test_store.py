"""The run store keeps what it is given and obeys requests in every state a run can be in."""

import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sqlalchemy import delete

from core.errors import RunError, StorageError
from core.model.build import build_model
from core.model.presets import preset
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.names import fitting_name
from core.runs.records import Metric, Status
from core.runs.store import RunStore
from core.runs.tables import RUNS
from core.train.config import TrainConfig

SPEC = preset("tutorial", (1, 8, 8), 10)
CONFIG = TrainConfig(epochs=3, lr=0.01)


@pytest.fixture
def store(database):
    store = RunStore()
    yield store
    store.close()


def metric(step: int, **values) -> Metric:
    return Metric(
        **{"step": step, "epoch": 1, "lr": 0.1, "seconds": step / 10, "train_loss": 1 / step}
        | {"train_accuracy": 0.5}
        | values
    )


def test_a_run_comes_back_as_it_was_created(store):
    run_id = store.create(SPEC, CONFIG, "digits", name=" First <b>try</b> ")
    run = store.get(run_id)
    assert (run.spec, run.dataset, run.name) == (SPEC, "digits", "First <b>try</b>")
    assert TrainConfig.from_mapping(run.config) == CONFIG
    assert (run.status, run.step, run.progress) == (Status.QUEUED, 0, 0.0)


def test_metrics_come_in_order_and_only_the_new_ones(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    store.worker.record(run_id, [metric(1), metric(2, valid_loss=0.25, valid_accuracy=0.75)], step=2)
    store.worker.record(run_id, [metric(3)], step=3)
    assert [m.step for m in store.metrics(run_id)] == [1, 2, 3]
    assert [m.step for m in store.metrics(run_id, after_step=2)] == [3]
    assert store.metrics(run_id, after_step=1)[0] == metric(2, valid_loss=0.25, valid_accuracy=0.75)
    store.worker.rewind(run_id, 1)
    assert [m.step for m in store.metrics(run_id)] == [1]


@pytest.mark.parametrize("run_id", ["0123456789", "../../etc", "", "0123456789'; DROP TABLE runs;--", None])
def test_an_unknown_run_is_named_in_one_sentence(store, run_id):
    for call in (store.get, lambda i: store.request(i, "stop"), store.load_model):
        with pytest.raises(RunError, match="no such run"):
            call(run_id)


def test_the_queue_is_first_come_first_served_and_never_overfull(store):
    first, second, third = (store.create(SPEC, CONFIG, "digits") for _ in range(3))
    assert store.worker.claim("me", 2) == first
    assert store.worker.claim("me", 2) == second
    assert store.worker.claim("me", 2) is None
    store.change(first, status=Status.FINISHED.value)
    assert store.worker.claim("me", 2) == third


def test_a_run_is_claimed_once_however_many_ask(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    taken = []
    threads = [threading.Thread(target=lambda n=n: taken.append(store.worker.claim(f"owner {n}", 1))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer for answer in taken if answer] == [run_id]


def test_requests_change_what_they_should(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    store.request(run_id, "pause")  # still waiting: at once
    assert store.get(run_id).status is Status.PAUSED
    store.request(run_id, "step")
    wishes = store.worker.requests(run_id)
    assert (wishes.status, wishes.wanted, wishes.steps) == (Status.QUEUED, "pause", 1)
    assert store.worker.claim("me", 1) == run_id
    store.request(run_id, "resume")
    assert store.worker.requests(run_id).wanted == "run"
    store.request(run_id, "stop")  # a worker has it: it is the worker that stops
    assert (store.get(run_id).status, store.get(run_id).wanted) == (Status.RUNNING, "stop")
    store.change(run_id, status=Status.FINISHED.value)
    for what in ("pause", "resume", "stop", "step"):
        with pytest.raises(RunError, match="finished"):
            store.request(run_id, what)
    with pytest.raises(RunError, match="explode"):
        store.request(run_id, "explode")


def test_resuming_queues_behind_those_who_waited(store):
    paused, waiting = store.create(SPEC, CONFIG, "digits"), store.create(SPEC, CONFIG, "digits")
    store.request(paused, "pause")
    store.request(paused, "resume")
    assert store.worker.claim("me", 1) == waiting


def test_weights_round_trip_through_the_store(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    with pytest.raises(RunError, match="no weights yet"):
        store.load_model(run_id)
    model = build_model(SPEC, seed=7)
    for epoch in (0, 3):
        save_checkpoint(store.checkpoint(run_id, epoch), Checkpoint(model.state_dict()))
    assert store.epochs(run_id) == (0, 3)
    loaded = store.load_model(run_id, epoch=3)
    assert not loaded.training
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), loaded.state_dict().values(), strict=True)
    )
    with pytest.raises(RunError, match="epoch 2"):
        store.load_model(run_id, epoch=2)


def test_deleting_removes_everything_but_never_a_run_in_training(store):
    run_id = store.create(SPEC, CONFIG, "digits", owner="me")
    save_checkpoint(store.checkpoint(run_id, 0), Checkpoint(build_model(SPEC).state_dict()))
    store.worker.record(run_id, [metric(1)])
    with pytest.raises(RunError, match="stop it"):
        store.delete(run_id)
    store.change(run_id, status=Status.STOPPED.value)
    store.delete(run_id)
    assert not store.checkpoint(run_id).parent.exists()
    assert store.metrics(run_id) == ()
    with pytest.raises(RunError):
        store.get(run_id)


def test_renaming_wants_a_name(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    store.rename(run_id, " Émile 卷积 ")
    assert store.get(run_id).name == "Émile 卷积"
    for bad in ("", "   ", "x" * 81):
        with pytest.raises(RunError, match="80 characters"):
            store.rename(run_id, bad)


def test_a_name_or_note_that_is_too_long_is_refused_before_anything_is_made(store):
    with pytest.raises(RunError, match="1 to 80 characters"):
        store.create(SPEC, CONFIG, "digits", "x" * 81, first=saved())
    with pytest.raises(RunError, match="at most 2,000 characters"):
        store.create(SPEC, CONFIG, "digits", note="x" * 2001, first=saved())
    assert (store.list(), [*store.folder.iterdir()]) == ((), [])
    run_id = store.create(replace(SPEC, name="n" * 80), CONFIG, "digits")  # a name that nobody gave
    assert store.get(run_id).name == "n" * 79 + "…"
    assert fitting_name("n" * 80, ", pruned") == "n" * 71 + "…, pruned"


@pytest.mark.parametrize("damage", [{"config": "{"}, {"spec": "{}"}, {"status": "exploded"}])
def test_a_damaged_record_is_told_and_hides_no_other(store, damage):
    broken, whole = store.create(SPEC, CONFIG, "digits"), store.create(SPEC, CONFIG, "digits")
    store.change(broken, **damage)
    assert [run.id for run in store.list()] == [whole]
    with pytest.raises(StorageError, match=f"run {broken} is damaged"):
        store.get(broken)


def test_two_stores_on_one_database_see_the_same(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    other = RunStore()
    assert other.get(run_id) == store.get(run_id)
    other.close()


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_named(home: Path):
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StorageError, match="CONVSCOPE_HOME"):
        RunStore()


def test_a_home_that_is_a_file_is_named(home: Path, monkeypatch):
    file = home / "file"
    file.write_text("not a directory")
    monkeypatch.setenv("CONVSCOPE_HOME", str(file))
    with pytest.raises(StorageError, match="CONVSCOPE_HOME"):
        RunStore()


def test_a_broken_database_is_one_sentence(home: Path):
    (home / "runs.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match="run database"):
        RunStore()


def test_lists_are_whole_and_ask_for_what_they_want(store):
    first = store.create(SPEC, CONFIG, "own_cats", origin="demo:x")
    store.change(first, step=3)
    for _ in range(110):
        store.create(SPEC, CONFIG, "digits")
    assert len(store.list()) == 111
    assert [run.id for run in store.list(dataset="own_cats")] == [first]
    assert [run.id for run in store.list(1, learned=True)] == [first]
    assert [run.id for run in store.list(origins=["demo:x"])] == [first]
    store.request(first, "pause")
    assert [run.id for run in store.list(status=Status.PAUSED)] == [first]
    assert len(store.list(status=(Status.PAUSED, Status.QUEUED))) == 111


def test_a_damaged_record_does_not_take_the_place_of_another_run(store):
    whole, damaged = store.create(SPEC, CONFIG, "digits"), store.create(SPEC, CONFIG, "digits")
    store.change(damaged, spec="{")
    assert [run.id for run in store.list(1)] == [whole]


def test_newer_runs_come_first_whatever_the_clock_said(store, monkeypatch):
    monkeypatch.setattr("core.runs.creation.time.time", lambda: 4e9)
    ahead = store.create(SPEC, CONFIG, "digits")
    monkeypatch.undo()
    newer = store.create(SPEC, CONFIG, "digits")
    assert [run.id for run in store.list()] == [newer, ahead]


def test_who_comes_before_a_queued_run_is_listed_as_they_will_be_claimed(store):
    waiting = store.create(SPEC, CONFIG, "digits")
    store.request(waiting, "pause")
    others = [store.create(SPEC, CONFIG, "digits") for _ in range(3)]
    store.request(waiting, "resume")  # behind the others, though it was created first
    queue = [*others, waiting]
    for place, run_id in enumerate(queue):
        assert [run.id for run in store.before(run_id)] == queue[:place]
    assert [store.worker.claim("me", 9) for _ in range(2)] == others[:2]
    assert [(run.id, run.status) for run in store.before(waiting)] == [
        (others[0], Status.RUNNING),
        (others[1], Status.RUNNING),
        (others[2], Status.QUEUED),
    ]


def test_the_queue_is_fair_by_person_whose_runs_that_train_count(store):
    people = ("ann", "ann", "ann", "bob", "cid")
    ann, second, third, bob, cid = (store.create(SPEC, CONFIG, "digits") for _ in people)
    for run_id, person in zip((ann, second, third, bob, cid), people, strict=True):
        store.change(run_id, person=person)
    assert [run.id for run in store.before(third)] == [ann, bob, cid, second]
    assert store.worker.claim("me", 9) == ann
    assert [run.id for run in store.before(third)] == [ann, bob, cid, second]
    assert [store.worker.claim("me", 9) for _ in range(4)] == [bob, cid, second, third]


def test_a_deletion_that_is_cut_short_comes_to_an_end_and_loses_nothing(store):
    kept, gone = (store.create(SPEC, CONFIG, "digits", first=saved()) for _ in range(2))
    (store.folder / gone).rename(store.folder / f".deleted-{gone}")
    (store.folder / kept).rename(store.folder / f".deleted-{kept}")  # killed before its rows were gone
    with store.database.writing() as connection:
        connection.execute(delete(RUNS).where(RUNS.c.id == gone))
    RunStore().close()
    assert [path.name for path in store.folder.iterdir()] == [kept]
    assert store.checkpoint(kept).exists()


def test_a_run_that_a_worker_claims_at_the_last_moment_is_not_deleted(store, monkeypatch):
    run_id = store.create(SPEC, CONFIG, "digits", first=saved())
    before = store.get(run_id)
    assert store.worker.claim("worker", 1) == run_id
    monkeypatch.setattr(store, "get", lambda run_id: before)  # what was read before that
    with pytest.raises(RunError, match="training"):
        store.delete(run_id)
    assert store.checkpoint(run_id).exists()


def saved() -> Checkpoint:
    return Checkpoint(build_model(SPEC).state_dict())
