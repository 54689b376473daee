"""A run whose latest checkpoint was damaged goes on from the newest whole one of an epoch, and says so."""

import pytest

from core.runs.checkpoint import load_checkpoint
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.runner import Runner
from tests.train.trials import SPEC, config, losses


def flip(path, count: int = 2000) -> None:
    content = bytearray(path.read_bytes())
    for place in range(len(content) - min(count, len(content) // 2), len(content)):
        content[place] ^= 1
    path.write_bytes(content)


@pytest.fixture
def left(home):
    """A run that was left in its third epoch."""
    store = RunStore()
    run_id = store.create(SPEC, config(4), "digits", owner="a")
    seen = []
    leaving = lambda: bool(seen) and seen[-1] > 2 * store.get(run_id).steps_per_epoch  # noqa: E731
    Runner(store, run_id, "a", leaving=leaving, on_step=lambda _, step: seen.append(step.step)).run()
    assert store.get(run_id).status is Status.INTERRUPTED and store.epochs(run_id) == (0, 1, 2)
    return store, run_id


def resume(store, run_id):
    store.request(run_id, "resume")
    assert store.worker.claim("b", 1) == run_id
    begun = []
    Runner(store, run_id, "b", on_step=lambda _, step: begun.append(step.step)).run()
    return begun


@pytest.mark.parametrize(("damaged", "epoch"), [((), 2), ((2,), 1)])
def test_it_goes_on_from_the_newest_whole_epoch(left, damaged, epoch):
    store, run_id = left
    for path in (store.checkpoint(run_id), *(store.checkpoint(run_id, number) for number in damaged)):
        flip(path)
    begun, run = resume(store, run_id), store.get(run_id)
    assert run.status is Status.FINISHED and begun[0] == epoch * run.steps_per_epoch + 1
    assert len(losses(store, run_id)) == run.total_steps
    (event,) = store.series.events(run_id)
    assert event.step == epoch * run.steps_per_epoch and f"those of epoch {epoch}" in event.text
    assert int(load_checkpoint(store.checkpoint(run_id)).meta["step"]) == run.total_steps


def test_with_nothing_whole_it_ends_with_the_cause(left):
    store, run_id = left
    for path in store.checkpoint(run_id).parent.glob("*.safetensors"):
        flip(path)
    before = losses(store, run_id)
    assert resume(store, run_id) == []
    assert "damaged" in store.get(run_id).message and losses(store, run_id) == before
