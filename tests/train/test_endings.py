"""Whatever a training raises, wherever it raises it, the run ends in a state with its cause, never in "running"."""

import errno

import pytest
import torch

from core.data.user_datasets import delete_dataset
from core.errors import ConfigError, DataError, RunError, SpecError, StorageError, TrainingError
from core.model.layers import Dense, Flatten
from core.model.spec import ModelSpec
from core.runs import checkpoint
from core.runs.records import DATA_MISSING, INTERNAL, OUT_OF_MEMORY, SETTINGS, STORAGE, Status
from core.runs.store import RunStore
from core.train import endings, loop, recorder, runner
from core.train.config import TrainConfig
from core.train.endings import ending_of
from core.train.loop import Training
from core.train.runner import Runner
from tests.data.archives import class_folders, packed

SPEC = ModelSpec("Small", (1, 8, 8), 10, (Flatten(), Dense(10)))
CONFIG = TrainConfig(epochs=2, batch_size=32, train_images=64, precision="fp32", device="cpu")
UNFORESEEN = (
    ValueError("Expected more than 1 value per channel"),
    RuntimeError("mat1 and mat2 shapes cannot be multiplied; this is no lack of memory"),
    KeyError("loss"),
    TypeError("unsupported operand"),
    IndexError("index out of range"),
    ZeroDivisionError(),
    FloatingPointError("underflow"),
    OSError(errno.EIO, "Input/output error"),
    NotImplementedError(),
    AssertionError(),
    StopIteration(),
)
STAGES = ("preparing", "first step", "later step", "callback", "saving", "recording", "validation", "test")


@pytest.fixture
def store():
    found = RunStore()
    yield found
    found.close()


def fail_at(stage: str, error: Exception, monkeypatch: pytest.MonkeyPatch):
    """Let a training raise at a stage, and return the function that is called after each step."""
    if stage == "preparing":
        monkeypatch.setattr(runner, "build_model", lambda *_, **__: _raise(error))
    elif stage in ("first step", "later step"):
        update, when = Training._update, 0 if stage == "first step" else 3
        monkeypatch.setattr(
            Training, "_update", lambda self, *rest: _raise(error) if self.step == when else update(self, *rest)
        )
    elif stage == "saving":
        monkeypatch.setattr(checkpoint, "save_checkpoint", lambda *_, **__: _raise(error))
    elif stage == "recording":  # which is tried once more when the run ends
        monkeypatch.setattr(recorder.Recording, "flush", lambda _: _raise(error))
    elif stage == "validation":
        monkeypatch.setattr(loop, "evaluate_in_parts", lambda *_, **__: _raise(error))
    elif stage == "test":
        monkeypatch.setattr(runner, "evaluate_in_parts", lambda *_, **__: _raise(error))
    return (lambda *_: _raise(error)) if stage == "callback" else (lambda *_: None)


def _raise(error: Exception):
    raise error


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
def test_a_fault_of_the_program_fails_the_run_and_leaves_its_traceback(error, stage, store, monkeypatch, capfd):
    after = fail_at(stage, error, monkeypatch)
    run_id = store.create(SPEC, CONFIG, "digits", owner="tests")
    assert Runner(store, run_id, "tests", on_step=after).run() is Status.FAILED
    run = store.get(run_id)
    kind = "RuntimeError" if isinstance(error, StopIteration) else type(error).__name__  # so generators turn it
    assert (run.status, run.failure) == (Status.FAILED, INTERNAL)
    assert f"a fault of the program ({kind})" in run.message and "worker.log" in run.message
    assert "Resume" not in run.message
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    ],
    ids=["python", "cuda", "cpu"],
)
def test_memory_that_runs_out_is_said(error, stage, store, monkeypatch, capfd):
    after = fail_at(stage, error, monkeypatch)
    run_id = store.create(SPEC, CONFIG, "digits", owner="tests")
    assert Runner(store, run_id, "tests", on_step=after).run() is Status.FAILED
    assert "Traceback" in capfd.readouterr().err
    assert store.get(run_id).failure == OUT_OF_MEMORY
    assert "smaller batch size" in store.get(run_id).message


def test_memory_that_really_runs_out_is_said(store):
    run_id = store.create(SPEC, CONFIG, "digits", owner="tests")

    def grab(*_):
        torch.empty(1 << 60, dtype=torch.uint8)

    assert Runner(store, run_id, "tests", on_step=grab).run() is Status.FAILED
    assert store.get(run_id).failure == OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("error", "weights", "status", "code"),
    [
        (StorageError("Full."), False, Status.INTERRUPTED, STORAGE),
        (ConfigError("No GPU."), False, Status.FAILED, SETTINGS),
        (ConfigError("No GPU."), True, Status.INTERRUPTED, SETTINGS),
        (DataError("Gone."), False, Status.FAILED, DATA_MISSING),
        (DataError("Gone."), True, Status.INTERRUPTED, DATA_MISSING),
        (TrainingError("No."), True, Status.FAILED, ""),
        (SpecError("No."), True, Status.FAILED, ""),
    ],
)
def test_what_may_pass_interrupts_and_what_stays_fails(error, weights, status, code):
    assert ending_of(error, has_weights=weights) == endings.Ending(status, str(error), code)


@pytest.mark.parametrize("stage", ["preparing", "first step"])
def test_an_error_of_a_run_that_is_still_ours_ends_it(stage, store, monkeypatch):
    after = fail_at(stage, RunError("It cannot be done."), monkeypatch)
    run_id = store.create(SPEC, CONFIG, "digits", owner="tests")
    assert Runner(store, run_id, "tests", on_step=after).run() is Status.FAILED
    assert (store.get(run_id).status, store.get(run_id).message) == (Status.FAILED, "It cannot be done.")


def test_a_data_set_that_is_gone_is_said_and_the_run_can_go_on_once_it_is_back(store):
    from core.data.importing.importer import import_images

    zipped = packed(class_folders({"a": 12, "b": 12}))
    name = import_images(zipped, "Mine", size=8).name
    spec = ModelSpec("Small", (3, 8, 8), 2, (Flatten(), Dense(2)))
    config = TrainConfig(epochs=1, batch_size=4, train_images=12, precision="fp32", device="cpu")
    run_id = store.create(spec, config, name, owner="tests")
    seen = []
    Runner(store, run_id, "tests", leaving=lambda: len(seen) == 2, on_step=lambda *_: seen.append(1)).run()
    delete_dataset(name, remember=True)
    store.request(run_id, "resume")
    assert store.worker.claim("tests", 1) == run_id
    assert Runner(store, run_id, "tests").run() is Status.INTERRUPTED
    assert store.get(run_id).failure == DATA_MISSING
    import_images(zipped, "Mine", size=8)
    store.request(run_id, "resume")
    assert store.worker.claim("tests", 1) == run_id
    assert Runner(store, run_id, "tests").run() is Status.FINISHED
    assert store.get(run_id).failure == ""


def test_a_record_of_another_version_is_said(store, monkeypatch):
    run_id = store.create(SPEC, CONFIG, "digits", owner="tests")
    monkeypatch.setattr(recorder.Recording, "note", lambda self, step: {}["unknown"])
    assert Runner(store, run_id, "tests").run() is Status.FAILED
    assert store.get(run_id).failure == INTERNAL


@pytest.mark.parametrize("last", [False, True], ids=["first step", "last step"])
def test_a_run_that_was_given_away_is_let_go_before_its_next_step(last, store, monkeypatch):
    monkeypatch.setattr(runner, "POLL_SECONDS", 0.0)
    run_id, seen = store.create(SPEC, CONFIG, "digits", owner="tests"), []

    def away(training, step):
        seen.append(step.step)
        if not last or step.step == training.total_steps:
            store.change(run_id, owner="somebody else")

    assert Runner(store, run_id, "tests", on_step=away).run() is Status.RUNNING  # it is theirs
    assert seen == ([1, 2, 3, 4] if last else [1])
    assert store.get(run_id).message == ""


def test_a_run_that_was_given_away_while_it_paused_does_no_step_more(store, monkeypatch):
    monkeypatch.setattr(runner, "POLL_SECONDS", 0.0)
    run_id, seen = store.create(SPEC, CONFIG, "digits", owner="tests"), []

    def pause(training, step):
        seen.append(step.step)
        store.request(run_id, "pause")

    def away():  # asked again and again while it is held
        if store.get(run_id).status is Status.PAUSED:
            store.change(run_id, owner="somebody else", status=Status.RUNNING.value)
        return False

    assert Runner(store, run_id, "tests", leaving=away, on_step=pause).run() is Status.RUNNING
    assert seen == [1]


def test_a_run_that_was_deleted_has_stopped(store):
    run_id = store.create(SPEC, CONFIG, "digits", owner="tests")

    def delete(training, step):
        store.change(run_id, status=Status.STOPPED.value)
        store.delete(run_id)

    assert Runner(store, run_id, "tests", on_step=delete).run() is Status.STOPPED
    assert store.list() == ()
