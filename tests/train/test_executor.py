"""The runs of one worker: they share the images, answer at once, and none of them changes or ends another."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from core.runs import transactions
from core.runs.records import Status
from core.runs.store import RunStore
from core.train import executor as module
from core.train import turns
from core.train.executor import Executor
from core.train.messages import Kind, Order
from core.train.recorder import Recording
from core.train.runner import Runner, load_images
from tests.runs.holder import locked
from tests.train.test_turns import CONFIG, SPEC, outcome
from tests.train.trials import losses


class Bench:
    """An executor that has what tests ask of it: its reports, and something that is done after a step."""

    def __init__(self, store: RunStore) -> None:
        self.store, self.reports, self.after_step = store, [], lambda: None
        self.leaving = threading.Event()
        self.executor = Executor(self.reports.append, lambda path: None, self.leaving.is_set, self._arriving)

    def _arriving(self) -> bool:
        self.after_step()
        return False

    def admit(self, config=CONFIG) -> str:
        run_id = self.store.create(SPEC, config, "digits", owner="tests")
        self.order(run_id)
        return run_id

    def order(self, run_id: str) -> None:
        self.executor.admit(Order(int(run_id, 16), run_id, "tests", self.store.url, str(self.store.folder)))

    def until(self, check: Callable[[], bool], turns: int = 10**6) -> None:
        for _ in range(turns):
            if check():
                return
            time.sleep(min(self.executor.turn(), 0.01))
        raise AssertionError("it did not happen in so many turns")

    def steps(self, run_id: str) -> int:
        """Return how many steps a run has made, recorded or not."""
        recording = self.executor._trainings[run_id].runner._recording
        return recording.training.step if recording else 0

    def over(self, *run_ids: str) -> bool:
        return all(not self.store.get(run_id).status.active for run_id in run_ids)


@pytest.fixture
def bench(home, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(module, "SLICE_SECONDS", 0.0)  # a turn is one step
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(turns, "SOON_SECONDS", 60.0)  # images are there within the first turn
    store = RunStore()
    yield Bench(store)
    store.close()


def test_runs_that_share_their_images_learn_what_each_learns_alone_to_the_last_bit(bench, monkeypatch):
    configs = [CONFIG, replace(CONFIG, seed=4, batch_size=24, wrong_labels=0.3)]
    alone = [bench.store.create(SPEC, config, "digits", owner="tests") for config in configs]
    for run_id in alone:
        Runner(bench.store, run_id, "tests").run()
    loads = []
    monkeypatch.setattr(module, "load_images", lambda run: (loads.append(run.id), load_images(run))[1])
    together = [bench.admit(config) for config in configs]
    bench.until(lambda: bench.over(*together))
    assert loads == together[:1]
    assert [outcome(bench.store, run_id) for run_id in together] == [outcome(bench.store, run_id) for run_id in alone]
    bench.admit()
    bench.executor.turn()
    assert len(loads) == 2  # nobody had them any more


def test_a_request_ends_the_turn_of_another_run_and_is_obeyed_in_the_next(bench, monkeypatch):
    settings = replace(CONFIG, train_images=960, epochs=1000)  # an epoch is longer than this test
    busy, asked = bench.admit(settings), bench.admit(settings)
    bench.until(lambda: all(bench.store.get(run_id).step for run_id in (busy, asked)))
    monkeypatch.setattr(module, "SLICE_SECONDS", 1000.0)
    bench.executor._scheduler.charge(asked, 100.0)  # so that it is the other's turn
    before, first, steps = bench.store.get(busy).step, bench.store.get(asked).step, []

    def ask() -> None:
        steps.append(1)
        if len(steps) == 2:
            bench.store.request(asked, "pause")

    bench.after_step = ask
    bench.executor.turn()
    assert (bench.store.get(busy).step, bench.store.get(asked).step) == (before + 2, first)
    bench.executor.turn()
    assert (bench.store.get(asked).status, bench.store.get(asked).step) == (Status.PAUSED, first)
    bench.store.request(asked, "step")
    assert bench.store.worker.claim("tests", 9) == asked
    bench.executor.turn()
    assert (bench.store.get(asked).status, bench.store.get(asked).step) == (Status.PAUSED, first + 1)  # at once


def test_a_pause_whose_records_take_a_while_does_not_wait_until_all_others_have_had_their_turns(bench, monkeypatch):
    settings = replace(CONFIG, train_images=960, epochs=1000)
    busy, asked = bench.admit(settings), bench.admit(settings)
    bench.until(lambda: all(bench.store.get(run_id).step for run_id in (busy, asked)))
    monkeypatch.setattr(turns, "SOON_SECONDS", 0.0)  # what is written lets the other go on
    written, save = threading.Event(), Recording._save_and_copy
    monkeypatch.setattr(Recording, "_save_and_copy", lambda recording: (written.wait(), save(recording)))
    bench.store.request(asked, "pause")
    spent: list[float] = []
    charge = bench.executor._scheduler.charge
    monkeypatch.setattr(
        bench.executor._scheduler, "charge", lambda run, seconds: (spent.append(seconds), charge(run, seconds))
    )
    bench.until(lambda: len(spent) > 50)
    monkeypatch.setattr(turns, "SOON_SECONDS", 60.0)  # from now on the other has always something to do,
    charge(asked, 60.0)  # and by right has it all
    written.set()
    spent.clear()
    bench.until(lambda: bench.store.get(asked).status is Status.PAUSED or sum(spent) > 9.0)
    assert bench.store.get(asked).status is Status.PAUSED


def test_a_batch_that_was_asked_for_is_whole_before_others_go_on_also_the_last_of_an_epoch(bench):
    busy = bench.admit(replace(CONFIG, train_images=960, epochs=1000))
    asked = bench.admit(replace(CONFIG, train_images=32, epochs=1000))  # each batch is the last of an epoch
    bench.until(lambda: all(bench.store.get(run_id).step for run_id in (busy, asked)))
    bench.store.request(asked, "pause")
    bench.until(lambda: bench.store.get(asked).status is Status.PAUSED)
    step, others = bench.store.get(asked).step, bench.store.get(busy).step
    bench.store.request(asked, "step")
    assert bench.store.worker.claim("tests", 9) == asked
    bench.until(lambda: bench.store.get(asked).status is Status.PAUSED)
    assert (bench.store.get(asked).step, bench.store.get(busy).step) == (step + 1, others)


def test_a_run_that_fails_takes_no_other_along(bench):
    failing, other = bench.admit(replace(CONFIG, optimizer="sgd", lr=100.0, weight_decay=1.0, epochs=30)), bench.admit()
    bench.until(lambda: bench.over(failing, other))
    assert bench.store.get(failing).status is Status.FAILED
    assert bench.store.get(other).status is Status.FINISHED
    left = [report.number for report in bench.reports if report.kind is Kind.LEFT]
    begun = [report.number for report in bench.reports if report.kind is Kind.BEGUN]
    assert len(begun) == 2 and sorted(left) == sorted(begun)


def test_a_run_whose_end_cannot_be_recorded_is_reported_with_the_reason(bench):
    failing, other = bench.admit(), bench.admit()
    bench.until(lambda: bench.store.get(failing).step)
    training = bench.executor._trainings[failing]
    training.turns = _broken(training.turns)
    bench.until(lambda: bench.over(other) and bench.executor.turn() > 0)
    (report,) = [report for report in bench.reports if report.kind is Kind.FAILED]
    assert report.words.startswith("Its worker could not train (OSError: gone)")


def _broken(turns):
    next(turns)
    raise OSError("gone")
    yield


def test_who_leaves_interrupts_all_runs_and_each_goes_on_from_where_it_was(bench):
    begun = bench.admit()
    bench.until(lambda: bench.store.get(begun).step == 1)
    waiting = bench.admit()
    bench.leaving.set()
    bench.executor.leave()
    assert [bench.store.get(run_id).status for run_id in (begun, waiting)] == [Status.INTERRUPTED] * 2
    assert [bench.store.get(run_id).step for run_id in (begun, waiting)] == [1, 0]
    assert bench.store.checkpoint(begun).exists() and "closed" in bench.store.get(waiting).message


def test_a_run_may_be_watched_before_it_is_admitted(bench):
    run_id = bench.store.create(SPEC, CONFIG, "digits", owner="tests")
    bench.executor.watch([int(run_id, 16)])
    bench.order(run_id)
    other = bench.admit()
    scheduler, person = bench.executor._scheduler, bench.store.worker.requests(run_id).person
    had = {run: share.used for run, share in scheduler._runs[person].members.items()}
    for run in (run_id, other):
        scheduler.charge(run, 6.0)
    assert [scheduler._runs[person].members[run].used - had[run] for run in (run_id, other)] == [3.0, 6.0]


def test_a_deleted_run_is_let_go(bench):
    run_id, other = bench.admit(), bench.admit()
    bench.until(lambda: bench.store.get(other).step)
    bench.store.change(run_id, status="stopped")
    bench.store.delete(run_id)
    bench.until(lambda: any(report.kind is Kind.LEFT for report in bench.reports))
    assert bench.executor._living() != {} and other in next(iter(bench.executor._living().values()))


def test_a_run_that_pauses_is_let_go_when_its_memory_is_wanted_and_no_other(bench):
    paused, busy = bench.admit(), bench.admit()
    numbers = {run_id: int(run_id, 16) for run_id in (paused, busy)}
    bench.until(lambda: bench.store.get(busy).step)
    bench.store.request(paused, "pause")
    bench.until(lambda: bench.store.get(paused).status is Status.PAUSED)
    for number in numbers.values():
        bench.executor.release(number)
    assert [report.number for report in bench.reports if report.kind is Kind.LEFT] == [numbers[paused]]
    assert bench.store.get(paused).status is Status.PAUSED and bench.store.checkpoint(paused).exists()
    bench.until(lambda: bench.over(busy))


def test_while_images_load_others_train_and_who_wants_the_same_ones_waits_for_them(bench, monkeypatch):
    monkeypatch.setattr(turns, "SOON_SECONDS", 0.01)
    busy, ready, loads = bench.admit(), threading.Event(), []
    bench.until(lambda: bench.store.get(busy).step)

    def load(run):
        loads.append(run.id)
        assert ready.wait(60)
        return load_images(run)

    monkeypatch.setattr(module, "load_images", load)
    settings = replace(CONFIG, train_images=160)
    first, second = bench.admit(settings), bench.admit(settings)
    bench.until(lambda: bench.over(busy))
    assert [bench.store.get(run_id).step for run_id in (first, second)] == [0, 0]
    ready.set()
    bench.until(lambda: bench.over(first, second))
    assert loads in ([first], [second])


def test_while_another_process_holds_the_database_nobody_waits_for_one_that_begins_or_ends_and_no_step_is_lost(
    bench, home, monkeypatch
):
    monkeypatch.setattr(turns, "SOON_SECONDS", 0.01)
    monkeypatch.setattr(transactions, "WAIT_SECONDS", 600.0)  # so long a write may wait
    ending, *others = (bench.admit(replace(CONFIG, epochs=epochs)) for epochs in (2, 1000, 1000))
    bench.until(lambda: all(bench.store.get(run_id).step for run_id in (ending, *others)))
    new = bench.store.create(SPEC, CONFIG, "digits", owner="tests")
    with locked(home):
        bench.order(new)
        held = {run_id: bench.steps(run_id) for run_id in others}
        bench.until(
            lambda: bench.steps(ending) == 6 and all(bench.steps(run_id) > held[run_id] + 9 for run_id in others)
        )
        assert bench.store.get(ending).status is Status.RUNNING
    bench.until(lambda: bench.over(ending, new))
    for run_id in others:
        bench.store.request(run_id, "stop")
    bench.until(lambda: bench.over(*others))
    assert [bench.store.get(run_id).status for run_id in (ending, new)] == [Status.FINISHED] * 2
    assert (
        losses(bench.store, new)
        == losses(bench.store, ending)
        == losses(bench.store, others[0])[:6]
        == losses(bench.store, others[1])[:6]
    )
    assert all(len(losses(bench.store, run_id)) > held[run_id] + 9 for run_id in others)
