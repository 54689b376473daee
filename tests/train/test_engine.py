"""Real worker processes: they train, pause, step, stop, die and come back without losing anything."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.data.datasets import load_dataset
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.engine import Engine
from tests.train.trials import LONG, ROOT, SPEC, config, expected_losses, losses, until


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_HOME", str(tmp_path_factory.mktemp("engine")))
        patch.setenv("CONVSCOPE_THREADS", "1")
        engine = Engine(RunStore(), slots=1)
        yield engine
        engine.close()
        engine.store.close()


@pytest.fixture(autouse=True)
def same_home(engine, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_HOME", str(engine.store.folder.parent))


def start(engine, settings: TrainConfig) -> str:
    run_id = engine.store.create(SPEC, settings, "digits")
    engine.submit(run_id)
    return run_id


def reach(engine, run_id: str, *statuses: Status):
    def look():
        run = engine.store.get(run_id)
        assert run.status in statuses or run.status.active, (run.status, run.message)
        return run if run.status in statuses else None

    return until(look)


def steps(engine, run_id: str, count: int) -> None:
    until(lambda: engine.store.get(run_id).step >= count)


def test_a_run_in_a_worker_is_the_run_of_the_loop(engine):
    run_id = start(engine, config(3))
    run = reach(engine, run_id, Status.FINISHED)
    assert losses(engine.store, run_id) == pytest.approx(expected_losses(config(3)), rel=1e-4)
    assert (run.step, run.total_steps, run.epoch, run.progress) == (30, 30, 3, 1.0)
    assert run.valid_accuracy is not None and run.test_accuracy is not None and run.test_accuracy > 0.2
    assert engine.store.epochs(run_id) == (0, 1, 2, 3)
    assert engine.store.load_model(run_id)(load_dataset("digits").normalize(load_dataset("digits").test.images)).shape


def test_pause_single_steps_resume_and_stop(engine):
    run_id = start(engine, LONG)
    steps(engine, run_id, 5)
    engine.request(run_id, "pause")
    paused = reach(engine, run_id, Status.PAUSED)
    for clicks in (1, 2):
        engine.request(run_id, "step")
        steps(engine, run_id, paused.step + clicks)
        # The worker has looked, and done this one step: had it not rested before, there would be more.
        assert reach(engine, run_id, Status.PAUSED).step == paused.step + clicks
    engine.request(run_id, "resume")
    steps(engine, run_id, paused.step + 20)
    engine.stop(run_id)
    stopped = reach(engine, run_id, Status.STOPPED)
    assert losses(engine.store, run_id) == pytest.approx(expected_losses(LONG, stopped.step), rel=1e-3)
    engine.store.load_model(run_id)  # stopping keeps the weights
    assert stopped.message == ""


def test_a_run_resumed_at_the_moment_its_worker_leaves_it_goes_on(engine):
    run_id = start(engine, LONG)
    steps(engine, run_id, 3)
    pid = engine.workers()[run_id]
    engine.stop(run_id)
    stopped = reach(engine, run_id, Status.STOPPED)
    engine.request(run_id, "resume")  # the engine may not have heard yet that its worker is done with it
    steps(engine, run_id, stopped.step + 5)
    assert engine.workers()[run_id] == pid
    engine.stop(run_id)
    reach(engine, run_id, Status.STOPPED)
    curve = losses(engine.store, run_id)
    assert curve == pytest.approx(expected_losses(LONG, len(curve)), rel=1e-3)


def test_where_no_more_runs_may_have_turns_the_next_waits_and_a_paused_one_makes_room(engine, monkeypatch):
    monkeypatch.setattr(engine, "runs", 1)
    offers, hand_out = [], engine._hand_out
    first, second = start(engine, LONG), start(engine, config(1))
    steps(engine, first, 3)
    monkeypatch.setattr(engine, "_hand_out", lambda: (hand_out(), offers.append(1)))
    until(lambda: len(offers) >= 3)
    assert engine.store.get(second).status is Status.QUEUED
    engine.request(first, "pause")
    reach(engine, second, Status.FINISHED)
    assert engine.store.get(first).status is Status.PAUSED
    engine.stop(first)
    assert engine.store.get(first).status is Status.STOPPED


def test_the_runs_of_a_killed_worker_go_on_by_themselves_as_if_nothing_had_happened(engine):
    pair = [start(engine, LONG), start(engine, LONG)]
    for run_id in pair:
        until(lambda run_id=run_id: engine.store.checkpoint(run_id).exists() and engine.store.get(run_id).step > 3)
    half = engine.store.checkpoint(pair[0]).with_name(".tmpAbCdEf")  # it might have been killed while it wrote weights
    half.write_bytes(b"half")
    (pid,) = {engine.workers()[run_id] for run_id in pair}  # they take turns
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid not in engine.workers().values())
    before = [engine.store.get(run_id).step for run_id in pair]
    for run_id, step in zip(pair, before, strict=True):
        steps(engine, run_id, step + 20)
    assert not half.exists()
    for run_id in pair:
        engine.stop(run_id)
        stopped = reach(engine, run_id, Status.STOPPED)
        assert losses(engine.store, run_id) == pytest.approx(expected_losses(LONG, stopped.step), rel=1e-3)


def test_a_diverging_run_fails_in_words_and_keeps_its_curve_and_the_one_beside_it_goes_on(engine):
    settings = TrainConfig(epochs=300, optimizer="sgd", lr=10.0, weight_decay=1.0, train_images=320)
    beside, run_id = start(engine, LONG), start(engine, settings)
    run = reach(engine, run_id, Status.FAILED)
    assert "smaller learning rate" in run.message
    assert run.step > 0 and len(losses(engine.store, run_id)) == run.step
    steps(engine, beside, engine.store.get(beside).step + 5)
    assert engine.store.get(beside).status is Status.RUNNING
    engine.stop(beside)


def test_a_deleted_run_leaves_its_worker_free(engine):
    run_id = start(engine, LONG)
    steps(engine, run_id, 3)
    engine.request(run_id, "pause")
    reach(engine, run_id, Status.PAUSED)
    engine.store.delete(run_id)
    until(lambda: run_id not in engine.workers())


def test_what_trains_when_the_engine_is_closed_goes_on_by_itself_in_the_next_one(engine, monkeypatch):
    monkeypatch.setattr("core.train.engine.SPARE_AFTER_SECONDS", float("inf"))  # no worker that nobody needs
    other = Engine(engine.store, slots=1)
    engine_was, run_id = engine.owner, None
    try:
        engine._closing.set()  # the first engine looks away, as if it had ended
        engine._thread.join()
        run_id = start(other, LONG)
        steps(other, run_id, 3)
        pid = other.workers()[run_id]
        other.close()
        run = engine.store.get(run_id)
        assert run.status is Status.QUEUED
        assert not Path(f"/proc/{pid}").exists()
        third = Engine(engine.store, slots=1)
        steps(third, run_id, run.step + 5)
        third.close()
        assert third.owner != engine_was
        curve = losses(engine.store, run_id)
        assert curve == pytest.approx(expected_losses(LONG, len(curve)), rel=1e-3)
    finally:
        other.close()


def test_the_command_line_records_the_same_run(engine, home):
    words = "--dataset digits --preset lenet5 --epochs 2 --train-images 320 --seed 1 --precision fp32 --device cpu"
    done = subprocess.run(
        [sys.executable, "-m", "core.train", *words.split()],
        capture_output=True,
        text=True,
        env={**os.environ, "CONVSCOPE_HOME": str(home)},
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    store = RunStore(f"sqlite:///{home / 'runs.db'}", home / "runs")
    run = store.list()[0]
    assert run.status is Status.FINISHED and run.step == 2 * 5
    assert f"{run.test_accuracy:.2%}" in done.stdout and run.id in done.stdout
    assert "epoch 2: validation loss" in done.stderr + done.stdout
    assert store.epochs(run.id) == (0, 1, 2)
    store.close()


def test_the_command_line_explains_itself_and_refuses_nonsense(capsys):
    from core.train.__main__ import main

    with pytest.raises(SystemExit) as leaving:
        main(["--help"])
    assert leaving.value.code == 0
    text = capsys.readouterr().out
    for word in ("--dataset", "--preset", "--epochs", "--batch-size", "--lr", "--seed", "--optimizer", "--precision"):
        assert word in text
    assert main(["--epochs", "0"]) == 1
    assert "epochs must be a whole number from 1" in capsys.readouterr().err
