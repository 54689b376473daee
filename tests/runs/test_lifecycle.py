"""Every state of a run against everything that can happen to it: what it becomes, what changes, what is refused."""

import pytest
from sqlalchemy import select

from core.errors import RunError
from core.model.presets import preset
from core.runs.lifecycle import TRANSITIONS, Status, Trigger
from core.runs.records import Run
from core.runs.store import RunStore
from core.runs.tables import RUNS
from core.train.config import TrainConfig

# The state after each trigger; "." where the trigger is refused and changes nothing.
GRID = """
             queued       running      paused       finished  stopped   failed    interrupted
pause        paused       running      paused       .         .         .         .
resume       queued       running      queued       .         queued    .         queued
stop         stopped      running      stopped      .         .         .         .
step         queued       running      queued       .         queued    .         queued
epoch        queued       running      queued       .         queued    .         queued
edit         queued       running      paused       .         stopped   .         interrupted
delete       gone         .            gone         gone      gone      gone      gone
stepped      .            running      .            .         .         .         .
held         .            paused       .            .         .         .         .
finished     finished     finished     finished     .         .         .         finished
stopped      stopped      stopped      stopped      .         .         .         stopped
failed       failed       failed       failed       .         .         .         failed
interrupted  interrupted  interrupted  interrupted  .         .         .         interrupted
claimed      running      .            .            .         .         .         .
given_back   .            queued       .            .         .         .         .
worker_died  .            interrupted  .            .         .         .         .
"""
HEAD, *LINES = [line.split() for line in GRID.strip().splitlines()]
EXPECTED = {(trigger, before): after for trigger, *states in LINES for before, after in zip(HEAD, states, strict=True)}

# What a row holds before, and what each trigger changes in it beside the status.
ROW = {"owner": "me", "wanted": "run", "steps_wanted": 2, "live": "{}", "step": 30, "steps_per_epoch": 100}
ROW |= {"message": "old", "failure": "storage", "images_per_second": 5.0, "queued": 1.0, "heartbeat": 1.0}
ENDED = {"message": "why", "failure": "internal"}
CHANGES = {
    "pause": {"wanted": "pause", "steps_wanted": 0},
    "resume": {"wanted": "run", "steps_wanted": 0},
    "stop": {"wanted": "stop", "steps_wanted": 0},
    "step": {"wanted": "pause", "steps_wanted": 3},
    "epoch": {"wanted": "pause", "steps_wanted": 70},
    "edit": {"live": '{"lr": 0.5}'},
    "stepped": {"steps_wanted": 1},
    "held": {"images_per_second": 0.0},
    "claimed": {"owner": "me", "message": "", "failure": ""},
    "worker_died": {"message": "gone"},
    **dict.fromkeys(("finished", "stopped", "failed", "interrupted"), ENDED),
}
REQUEUED = {"message": "", "failure": ""}  # and a place behind all others
SENTENCES = {
    "pause": "This run is {}: it cannot be paused any more.",
    "resume": "This run is {}: it cannot be resumed any more.",
    "stop": "This run is {}: it cannot be stopped any more.",
    "step": "This run is {}: it can do no further batch.",
    "epoch": "This run is {}: it can do no further epoch.",
    "edit": "This run is {}: its settings cannot be changed any more.",
    "delete": "This run is training: stop it before you delete it.",
}


def trigger(store: RunStore, run_id: str, name: str) -> bool:
    """Let something happen to a run as pages, workers and engines do; return whether that was done."""
    if name in ("finished", "stopped", "failed", "interrupted"):
        return store.worker.record_end(run_id, "me", Status(name), message="why", failure="internal")
    acts = {
        "edit": lambda: store.edit(run_id, {"lr": 0.5}),
        "delete": lambda: store.delete(run_id),
        "stepped": lambda: store.worker.step(run_id, "me"),
        "held": lambda: store.worker.hold(run_id, "me"),
        "claimed": lambda: store.worker.claim("me", 1) == run_id,
        "given_back": lambda: store.worker.give_back(run_id, "me"),
        "worker_died": lambda: store.worker.worker_died(run_id, "gone", owner="me"),
    }
    return acts.get(name, lambda: store.request(run_id, name))() is not False


def row(store: RunStore, run_id: str) -> dict[str, object] | None:
    with store.database.reading() as connection:
        found = connection.execute(select(RUNS).where(RUNS.c.id == run_id)).mappings().one_or_none()
    return None if found is None else dict(found)


def test_every_trigger_does_in_every_state_what_the_table_says(store):
    names = {str(name).replace(" ", "_") for name in Trigger} - {"imported"}  # which happens to no row yet
    assert EXPECTED.keys() == {(name, str(status)) for name in names for status in Status}
    faults = []
    for (name, before), after in EXPECTED.items():
        run_id = store.create(preset("tutorial", (1, 8, 8), 10), TrainConfig(), "digits")
        held = {"wanted": "pause", "steps_wanted": 0} if name == "held" else {}
        store.change(run_id, **ROW | held, status=before)
        old, words = row(store, run_id), ""
        try:
            done = trigger(store, run_id, name)
        except RunError as error:
            done, words = False, str(error)
        new = row(store, run_id)
        if after == ".":
            right = not done and new == old and words == SENTENCES.get(name, "").format(before)
        elif after == "gone":
            right = done and new is None
        else:
            requeued = after == "queued" and before in ("paused", "stopped", "interrupted")
            right = done and new["heartbeat"] > 1.0 if name == "claimed" else done and new["heartbeat"] == 1.0
            right &= new["queued"] > 1.0 if requeued else new["queued"] == 1.0
            moved = {name: new[name] for name in ("heartbeat", "queued")}
            right &= new == old | CHANGES.get(name, {}) | (REQUEUED if requeued else {}) | moved | {"status": after}
        if not right:
            faults.append((name, before, after, words, new))
        if new is not None:
            store.change(run_id, status="stopped")  # the next one is alone
    assert faults == []


def test_a_run_that_was_active_is_imported_as_interrupted():
    arrivals = {status: transition.status for status, transition in TRANSITIONS[Trigger.IMPORTED].items()}
    assert arrivals == dict.fromkeys((Status.QUEUED, Status.RUNNING, Status.PAUSED), Status.INTERRUPTED)


def test_active_and_resumable_follow_from_the_table():
    assert [str(status) for status in Status if status.active] == ["queued", "running", "paused"]
    assert [str(status) for status in Status if status.resumable] == ["paused", "stopped", "interrupted"]


def test_a_worker_and_an_engine_move_no_run_of_another_owner(store):
    run_id = store.create(preset("tutorial", (1, 8, 8), 10), TrainConfig(), "digits", owner="me")
    store.request(run_id, "pause")
    before: Run = store.get(run_id)
    acts = (
        store.worker.step(run_id, "other"),
        store.worker.hold(run_id, "other"),
        store.worker.give_back(run_id, "other"),
        store.worker.worker_died(run_id, "gone", owner="other"),
        store.worker.worker_died(run_id, "gone", heartbeat=0.5),
        store.worker.record_end(run_id, "other", Status.FINISHED),
    )
    assert (acts, store.get(run_id)) == ((False,) * 6, before)
    assert store.worker.hold(run_id, "me")


@pytest.fixture
def store(database):
    store = RunStore()
    yield store
    store.close()
