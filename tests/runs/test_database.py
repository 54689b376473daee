"""The database may be deleted, emptied, replaced or damaged while programs use it: no run with a folder is lost."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sqlalchemy import event

from core.errors import RunError, StorageError
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.housekeeping import tidy
from core.runs.records import Event, Evidence, Metric, Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner

SPEC = ModelSpec("small", (1, 8, 8), 10, (Conv(4), Flatten(), Dense(10)))
CONFIG = TrainConfig(epochs=3, batch_size=32, train_images=320, precision="fp32", device="cpu", seed=1)
METRIC = Metric(1, 1, 0.1, 0.5, float("inf"), 0.25, 0.5, 0.75)


@pytest.fixture
def store():
    store = RunStore()
    yield store
    store.close()


@pytest.fixture
def run_id(store) -> str:
    run_id = store.create(SPEC, CONFIG, "digits", name="Émile", owner="me")
    store.worker.record(
        run_id, [METRIC], [Evidence(0, "gradient", "all", 1.0, (0.5,))], [Event(0, "edit", "a")], step=1
    )
    store.worker.record_end(run_id, "me", Status.STOPPED)
    store.annotate(run_id, "kept")
    return run_id


def whole(store: RunStore, run_id: str) -> tuple:
    """Return all that the store says of a run."""
    return store.get(run_id), store.metrics(run_id), store.series.evidence(run_id), store.series.events(run_id)


def delete(database: Path) -> None:
    for name in ("", "-wal", "-shm"):
        Path(f"{database}{name}").unlink()


def move_away(database: Path) -> None:
    database.rename(database.with_name("elsewhere"))


def put_another(database: Path) -> None:
    """Put a backup in its place, as people do: the log stays."""
    with closing(sqlite3.connect(database)) as now, closing(sqlite3.connect(database.with_name("backup"))) as backup:
        now.backup(backup)
        backup.execute("DELETE FROM metrics")
        backup.execute("DELETE FROM evidence")
        backup.execute("DELETE FROM events")
        backup.execute("DELETE FROM runs")
        backup.commit()
    database.with_name("backup").rename(database)


@pytest.mark.parametrize("lose", [delete, Path.unlink, move_away, put_another])
def test_a_database_that_goes_away_loses_no_run_and_new_ones_work_at_once(store, run_id, home, lose):
    before = whole(store, run_id)
    lose(home / "runs.db")
    assert whole(store, run_id) == before
    assert store.incident.startswith(f"The run database {home / 'runs.db'} was deleted or replaced at ")
    assert store.incident.endswith("folders: 1. If more are missing, put a copy of the old file in its place.")
    newer = store.create(SPEC, CONFIG, "digits")
    other = RunStore()
    assert [run.id for run in other.list()] == [newer, run_id]
    assert (whole(other, run_id), other.incident) == (before, "")
    other.close()


def test_an_emptied_database_is_made_anew_from_what_lies_beside_the_weights(store, run_id, home):
    store.copy(run_id, curves=True)
    before = whole(store, run_id)
    (home / "runs.db").write_bytes(b"")
    assert whole(store, run_id) == before
    assert "was deleted or replaced" in store.incident


def test_a_database_that_is_lost_while_no_program_runs_is_made_anew(store, run_id, home):
    store.copy(run_id, curves=True)
    before, deleted = whole(store, run_id), store.create(SPEC, CONFIG, "digits")
    store.delete(deleted)
    store.close()
    (home / "runs.db").unlink()
    (home / "runs.db-wal").write_bytes(b"what the log of another database would be")
    opened = RunStore()
    assert whole(opened, run_id) == before
    assert opened.incident == "The run database had lost trainings; found again in their folders: 1."
    assert [run.id for run in opened.list()] == [run_id]
    opened.close()


@pytest.mark.parametrize("names", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_log_that_is_deleted_loses_nothing(store, run_id, home, names):
    before = whole(store, run_id)
    for name in names:
        (home / f"runs.db{name}").unlink()
    store.annotate(run_id, "later")
    assert store.incident == ""
    code = "import sys; from core.runs.store import RunStore; s = RunStore(); print(s.get(sys.argv[1]).note); "
    code += "s.annotate(sys.argv[1], 'there'); print(len(s.metrics(sys.argv[1])))"
    there = subprocess.run([sys.executable, "-c", code, run_id], capture_output=True, text=True, check=True)
    assert there.stdout.split() == ["later", "1"]
    assert store.get(run_id).note == "there" and whole(store, run_id)[1:] == before[1:]
    with closing(sqlite3.connect(home / "runs.db")) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_lost_tables_are_named_and_made_again(store, run_id, home):
    before = whole(store, run_id)
    store.copy(run_id, curves=True)
    with closing(sqlite3.connect(home / "runs.db")) as file:
        for table in ("metrics", "events", "evidence", "runs"):
            file.execute(f"DROP TABLE {table}")
    with pytest.raises(StorageError, match=r"lost its tables .* try again"):
        store.list()
    assert whole(store, run_id) == before


def test_a_damaged_database_is_named_with_a_remedy_that_works_at_once(store, run_id, home):
    store.copy(run_id, curves=True)
    before = whole(store, run_id)
    store.close()
    (home / "runs.db").write_bytes(b"this is no database" * 1000)
    for _ in range(2):
        with pytest.raises(StorageError, match=r"is damaged: move .*runs\.db elsewhere"):
            store.list()
    (home / "runs.db").rename(home / "damaged")
    assert whole(store, run_id) == before


def test_a_database_that_may_only_be_read_is_named_and_read(store, run_id, home):
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(StorageError, match=r"may only be read .*: allow writing to .*runs\.db"):
        store.create(SPEC, CONFIG, "digits")
    assert [run.id for run in store.list()] == [run_id]


def test_a_full_disk_loses_nothing_that_was_recorded(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    store.worker.record(run_id, [METRIC])
    with store.database.engine.begin() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    store.database.engine.dispose()

    @event.listens_for(store.database.engine, "connect")
    def full(connection, record):
        connection.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(StorageError, match="full"):
        store.worker.record(run_id, [replace(METRIC, step=step) for step in range(2, 20_000)])
    assert [m.step for m in store.metrics(run_id)] == [1]


def test_a_database_that_wants_what_this_version_does_not_know_is_named(store, home):
    store.close()
    with closing(sqlite3.connect(home / "runs.db")) as file:
        (table,) = file.execute("SELECT sql FROM sqlite_master WHERE name = 'runs'").fetchone()
        file.execute("DROP TABLE runs")
        file.execute(table.replace("PRIMARY KEY", "mood TEXT NOT NULL, PRIMARY KEY"))
    with pytest.raises(StorageError, match=r"newer version of ConvScope .*mood.*: update"):
        store.create(SPEC, CONFIG, "digits")


def test_a_database_of_a_newer_version_is_refused_untouched(store, home):
    store.close()
    with closing(sqlite3.connect(home / "runs.db")) as file:
        file.execute("PRAGMA user_version=7")
        file.execute("DROP TABLE evidence")
    with pytest.raises(StorageError, match="newer version of ConvScope: update"):
        RunStore()
    with closing(sqlite3.connect(home / "runs.db")) as file:
        assert file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'evidence'").fetchone() == (0,)


def test_only_folders_of_this_database_that_say_what_they_are_come_back(store, run_id, home):
    other = RunStore(f"sqlite:///{home / 'other.db'}")
    foreign = other.create(SPEC, CONFIG, "digits")
    other.close()
    save_checkpoint(home / "runs" / "0123456789" / "latest.safetensors", Checkpoint(build_model(SPEC).state_dict()))
    torn, nonsense = store.create(SPEC, CONFIG, "digits"), store.create(SPEC, CONFIG, "digits")
    file = home / "runs" / torn / "run.json"
    file.write_text(file.read_text()[:100])
    file = home / "runs" / nonsense / "run.json"
    file.write_text(file.read_text().replace('"conv', '"warp'))
    shutil.copytree(home / "runs" / run_id, home / "runs" / "aaaaaaaaaa")  # under a name that is not its own
    store.close()
    (home / "runs.db").unlink()
    opened = RunStore()
    assert [run.id for run in opened.list()] == [run_id]
    assert opened.recovery.strays == ("0123456789",)
    with pytest.raises(RunError):
        opened.get(foreign)
    opened.close()


def test_runs_of_an_earlier_version_get_their_copy(store, run_id, home):
    (home / "runs" / run_id / "run.json").unlink()
    tidy(store)
    before = whole(store, run_id)
    store.close()
    (home / "runs.db").unlink()
    assert whole(store, run_id) == before


def lost_in_training(store: RunStore, lose: Callable[[Path], None], home: Path) -> list[int]:
    """Train a run, lose the database after its twelfth step, and return the steps that are recorded in the end."""
    torch.set_num_threads(1)
    run_id = store.create(SPEC, CONFIG, "digits", owner="me")

    def look(training, step) -> None:
        if step.step == 12:
            store.copy(run_id, curves=True)
            lose(home / "runs.db")

    assert Runner(store, run_id, "me", on_step=look).run() is Status.FINISHED
    other = RunStore()
    run = other.get(run_id)
    assert (run.status, run.step, run.test_loss is None) == (Status.FINISHED, 30, False)
    other.close()
    return [metric.step for metric in store.metrics(run_id)]


@pytest.mark.parametrize("lose", [delete, Path.unlink, lambda database: database.write_bytes(b"")])
def test_a_training_goes_on_without_a_gap(store, home, lose):
    assert lost_in_training(store, lose, home) == list(range(1, 31))
