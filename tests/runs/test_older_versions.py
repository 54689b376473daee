"""Runs that the first version recorded live on, and those of a later version are told apart without hiding others."""

import json
import sqlite3

import pytest
import torch

from core.data.datasets import load_dataset
from core.errors import ConfigError, StorageError
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from core.runs.records import Event, Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.loop import Training
from core.train.runner import Runner

# The database of version 0.1.0, as SQLite wrote it down.
SCHEMA = """
CREATE TABLE runs (
    id VARCHAR(10) NOT NULL, name TEXT NOT NULL, dataset TEXT NOT NULL, spec TEXT NOT NULL, config TEXT NOT NULL,
    status VARCHAR(16) NOT NULL, wanted VARCHAR(8) NOT NULL, steps_wanted INTEGER NOT NULL, message TEXT NOT NULL,
    owner TEXT NOT NULL, created FLOAT NOT NULL, queued FLOAT NOT NULL, heartbeat FLOAT NOT NULL,
    epoch INTEGER NOT NULL, step INTEGER NOT NULL, total_steps INTEGER NOT NULL, steps_per_epoch INTEGER NOT NULL,
    seconds FLOAT NOT NULL, images_per_second FLOAT NOT NULL, train_loss FLOAT, train_accuracy FLOAT,
    valid_loss FLOAT, valid_accuracy FLOAT, test_loss FLOAT, test_accuracy FLOAT,
    PRIMARY KEY (id)
);
CREATE INDEX ix_runs_status ON runs (status);
CREATE INDEX ix_runs_created ON runs (created);
CREATE TABLE metrics (
    run_id VARCHAR(10) NOT NULL, step INTEGER NOT NULL, epoch INTEGER NOT NULL, lr FLOAT NOT NULL,
    seconds FLOAT NOT NULL, train_loss FLOAT NOT NULL, train_accuracy FLOAT NOT NULL,
    valid_loss FLOAT, valid_accuracy FLOAT,
    PRIMARY KEY (run_id, step), FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
"""
CONFIG = {
    "epochs": 4,
    "batch_size": 32,
    "lr": 0.001,
    "optimizer": "momentum",
    "momentum": 0.9,
    "weight_decay": 0.0,
    "train_images": 320,
    "seed": 1,
    "precision": "fp32",
    "device": "cpu",
}
SPEC = (
    '{"name": "small", "input_shape": [1, 8, 8], "num_classes": 10, "layers": [{"kind": "conv", "out_channels": 4, '
    '"kernel_size": 3, "stride": 1, "padding": "same", "dilation": 1, "groups": 1}, {"kind": "flatten"}, '
    '{"kind": "dense", "out_features": 10}]}'
)
RUN_ID, SAVED, RECORDED = "0123456789", 15, 18


def steps(count: int) -> tuple[Training, list]:
    """Train that run to its step `count`, undisturbed."""
    spec = ModelSpec("small", (1, 8, 8), 10, (Conv(4), Flatten(), Dense(10)))
    training = Training(build_model(spec, seed=1), load_dataset("digits", limit=320), TrainConfig(**CONFIG))
    course = iter(training)
    return training, [next(course) for _ in range(count)]


@pytest.fixture
def old(home):
    """A data directory of the first version: a run that was killed three steps after its weights were written."""
    torch.set_num_threads(1)
    recorded = steps(RECORDED)[1]
    row = (RUN_ID, "Old run", "digits", SPEC, json.dumps(CONFIG), "interrupted", "run", 0, "It was killed.", "engine")
    with sqlite3.connect(home / "runs.db") as database:
        database.executescript("PRAGMA journal_mode=WAL;" + SCHEMA)
        marks = ",".join("?" * len(row))
        database.execute(
            f"INSERT INTO runs VALUES ({marks},1e9,1e9,1e9,2,{RECORDED},40,10,1.5,900,2.0,.4,2.1,.3,NULL,NULL)", row
        )
        for step in recorded:
            valid = (step.valid.loss, step.valid.accuracy) if step.valid else (None, None)
            values = (RUN_ID, step.step, step.epoch, step.lr, 1.0, step.train_loss, step.train_accuracy, *valid)
            database.execute("INSERT INTO metrics VALUES (?,?,?,?,?,?,?,?,?)", values)
    database.close()
    saved = steps(SAVED)[0].checkpoint()
    meta = {name: saved.meta[name] for name in ("step", "seconds")}  # no settings and no best loss yet
    path = home / "runs" / RUN_ID / "latest.safetensors"
    save_checkpoint(path, Checkpoint(saved.weights, saved.training, meta))
    assert load_checkpoint(path).meta["step"] == str(SAVED)


@pytest.fixture
def store(old):
    store = RunStore()
    yield store
    store.close()


def test_an_old_run_is_listed_and_opened(store):
    (run,) = store.list()
    assert run == store.get(RUN_ID)
    assert (run.name, run.status, run.step) == ("Old run", Status.INTERRUPTED, RECORDED)
    assert (run.note, run.pace, dict(run.live)) == ("", 0.0, {})
    assert run.settings == CONFIG and TrainConfig.from_mapping(run.config) == TrainConfig(**CONFIG)
    assert [metric.step for metric in store.metrics(RUN_ID)] == list(range(1, RECORDED + 1))
    assert (store.series.events(RUN_ID), store.series.evidence(RUN_ID)) == ((), ())
    assert store.load_model(RUN_ID)(torch.zeros(1, 1, 8, 8)).shape == (1, 10)
    store.annotate(RUN_ID, "from then")
    store.set_pace(RUN_ID, 2.0)
    assert (store.get(RUN_ID).note, store.get(RUN_ID).pace) == ("from then", 2.0)


def test_an_old_run_goes_on_from_its_weights_as_if_nothing_happened(store):
    store.request(RUN_ID, "resume")
    assert store.worker.claim("me", 1) == RUN_ID
    assert Runner(store, RUN_ID, "me").run() is Status.FINISHED
    assert [metric.train_loss for metric in store.metrics(RUN_ID)] == [step.train_loss for step in steps(40)[1]]
    assert store.epochs(RUN_ID) == (2, 3, 4)


def test_an_old_run_can_be_edited_as_it_goes_on(store):
    store.edit(RUN_ID, {"lr": 0.01})
    store.request(RUN_ID, "resume")
    store.worker.claim("me", 1)
    assert Runner(store, RUN_ID, "me").run() is Status.FINISHED
    assert [metric.lr for metric in store.metrics(RUN_ID)] == [0.001] * SAVED + [0.01] * (40 - SAVED)
    assert store.series.events(RUN_ID) == (Event(SAVED, "edit", "learning rate 0.001 → 0.01"),)


def test_where_an_old_run_came_from_is_read_from_its_note_once(home):
    note = "Broken on purpose: No shuffling. Guess: Fall to almost nothing."
    with sqlite3.connect(home / "runs.db") as database:
        database.executescript(SCHEMA + "ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT ''")
        for run_id, words in (("0000000001", note), ("0000000002", "Broken on purpose.")):
            row = (run_id, "Old", "digits", SPEC, json.dumps(CONFIG), "finished", "run", 0, "", "")
            values = f"({','.join('?' * len(row))},1e9,1e9,1e9,0,0,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,?)"
            database.execute(f"INSERT INTO runs VALUES {values}", (*row, words))
    database.close()
    store = RunStore()
    assert [store.get(run_id).origin for run_id in ("0000000001", "0000000002")] == ["recipe:no_shuffling:2", ""]
    store.close()


def test_opening_it_again_changes_nothing_and_the_old_version_still_reads_it(store, home):
    before = store.get(RUN_ID)
    again = RunStore()
    assert again.get(RUN_ID) == before
    again.close()
    with sqlite3.connect(home / "runs.db") as database:
        assert database.execute("SELECT name, step FROM runs").fetchall() == [("Old run", RECORDED)]
        new = "INSERT INTO runs (id,name,dataset,spec,config,status,wanted,steps_wanted,message,owner,created,queued,"
        new += "heartbeat,epoch,step,total_steps,steps_per_epoch,seconds,images_per_second) "
        new += "SELECT '9876543210',name,dataset,spec,config,status,wanted,0,'','',2e9,2e9,0,0,0,0,0,0,0 FROM runs"
        database.execute(new)  # what an old app writes beside this one
    database.close()
    assert store.get("9876543210").live == {}


def test_settings_of_a_later_version_are_one_sentence_and_the_run_is_kept(store):
    store.change(RUN_ID, config=json.dumps({**CONFIG, "warp": 9}))
    other = store.create(store.get(RUN_ID).spec, TrainConfig(), "digits")
    assert [run.id for run in store.list()] == [other, RUN_ID]
    with pytest.raises(ConfigError, match=r"^This version knows no training setting 'warp': remove it, or update\.$"):
        TrainConfig.from_mapping(store.get(RUN_ID).config)
    store.request(other, "stop")
    store.request(RUN_ID, "resume")
    assert store.worker.claim("me", 1) == RUN_ID
    assert Runner(store, RUN_ID, "me").run() is Status.INTERRUPTED  # not failed: a later version can go on with it
    run = store.get(RUN_ID)
    assert (run.status.resumable, run.step, len(store.metrics(RUN_ID))) == (True, RECORDED, RECORDED)
    assert run.message == "This version knows no training setting 'warp': remove it, or update."


def test_a_network_of_a_later_version_is_one_sentence_and_hides_no_other(store):
    other = store.create(store.get(RUN_ID).spec, TrainConfig(), "digits")
    store.change(RUN_ID, spec=SPEC.replace('"flatten"', '"attention"'))
    assert [run.id for run in store.list()] == [other]
    with pytest.raises(StorageError, match=f"The record of run {RUN_ID} is damaged"):
        store.get(RUN_ID)


def test_columns_of_a_later_version_are_left_alone(store, home):
    with sqlite3.connect(home / "runs.db") as database:
        database.execute("ALTER TABLE runs ADD COLUMN mood TEXT NOT NULL DEFAULT 'good'")
    database.close()
    again = RunStore()
    assert again.get(RUN_ID).step == RECORDED
    assert again.get(again.create(again.get(RUN_ID).spec, TrainConfig(), "digits")).status is Status.QUEUED
    again.close()


def test_old_runs_get_the_order_of_their_rows_and_the_codes_of_their_failures(old, home):
    columns = "name,dataset,spec,config,wanted,steps_wanted,owner,queued,heartbeat,epoch,step,total_steps,"
    columns += "steps_per_epoch,seconds,images_per_second"
    rows = [
        ("1111111111", 1.9e9, "failed", "The loss was no longer a number in step 3."),
        ("2222222222", 5, "failed", ""),
    ]
    with sqlite3.connect(home / "runs.db") as database:
        for run_id, created, status, message in rows:
            new = f"INSERT INTO runs (id,created,status,message,{columns}) SELECT ?,?,?,?,{columns} FROM runs LIMIT 1"
            database.execute(new, (run_id, created, status, message))
    database.close()
    store = RunStore()
    newest = store.create(store.get(RUN_ID).spec, TrainConfig(), "digits", origin="demo:digits")
    runs = store.list(None)
    assert [run.id for run in runs] == [newest, "2222222222", "1111111111", RUN_ID]  # whatever the clock said
    assert [run.failure for run in runs] == ["", "", "diverged", ""]
    assert [run.origin for run in runs] == ["demo:digits", "", "", ""]
    store.close()
