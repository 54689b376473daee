"""The demo is made once, however often it is asked for, and each training goes as its name says."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.data.catalog import DATASETS
from core.demo import making
from core.demo.__main__ import main
from core.demo.making import cancel, queue, standing, train_here
from core.demo.plans import DEMOS, SEED
from core.model.shapes import problems
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.recipes import RECIPES


@pytest.fixture
def store(home) -> Iterator[RunStore]:
    store = RunStore()
    yield store
    store.close()


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every training of the demo one of seconds: few images of the smallest data set, one epoch."""
    for place, (key, demo) in enumerate(DEMOS.items(), 1):
        changes = {**demo.changes, "train_images": 64, "epochs": 1, "batch_size": 32, "lr": 0.001 * place}
        monkeypatch.setitem(DEMOS, key, replace(demo, dataset="digits", changes=changes))


def test_every_plan_works_without_a_network_connection_and_is_told_from_other_runs(store):
    for demo in DEMOS.values():
        spec, config = demo.plan()
        assert not problems(spec)
        assert DATASETS[demo.dataset].download_mb is None
        assert config.seed == SEED != TrainConfig().seed
        assert demo.recipe in RECIPES
        assert demo.name.startswith("Demo: ") and demo.note.endswith(".")
    mine = making.create(store, "digits")
    store.rename(mine, "Mine now")
    assert standing(store).runs["digits"].id == mine  # whatever it is called
    store.create(*DEMOS["digits"].plan(), "mnist5k", DEMOS["digits"].name)
    assert standing(store).runs["digits"].id == mine
    assert set(standing(store).missing) == set(DEMOS) - {"digits"}


def test_it_is_made_once_and_anew_only_when_asked(tiny, store):
    steps: list[tuple[str, int, int]] = []
    runs = train_here(store, progress=lambda *told: steps.append(told))
    assert [run.name for run in runs] == [demo.name for demo in DEMOS.values()]
    assert {run.status for run in runs} == {Status.FINISHED}
    assert all(run.note for run in runs)
    assert steps == [(demo.name, done, 2) for demo in DEMOS.values() for done in (1, 2)]
    store.rename(runs[0].id, "Mine now")
    assert {run.id for run in train_here(store)} == {run.id for run in runs}
    assert len(store.list()) == len(DEMOS)
    again = train_here(store, again=True)
    assert {run.id for run in again} & {run.id for run in runs} == {
        runs[0].id
    }  # it was renamed: it is not ours to remove
    assert len(store.list()) == len(DEMOS)
    store.rename(runs[0].id, next(iter(DEMOS.values())).name)
    assert not {run.id for run in train_here(store, again=True)} & {run.id for run in (*runs, *again)}
    assert len(store.list()) == len(DEMOS)


def test_what_is_cancelled_leaves_nothing_half_made(tiny, store):
    first, second = list(DEMOS.values())[:2]

    class Enough(Exception):
        pass

    def stop_at_the_second(name: str, done: int, total: int) -> None:
        if name == second.name:
            raise Enough

    with pytest.raises(Enough):
        train_here(store, progress=stop_at_the_second)
    assert [run.name for run in store.list()] == [first.name]
    assert {path.name for path in store.folder.iterdir()} == {store.list()[0].id}


def test_the_queue_gets_what_is_missing_and_cancel_takes_it_back(tiny, store):
    train_here(store, progress=None)
    first, *others = DEMOS
    whole = standing(store).runs[first].id
    for key in others:
        store.delete(standing(store).runs[key].id)
    submitted: list[str] = []
    assert queue(store, submitted.append) == tuple(submitted)
    assert [store.get(run_id).name for run_id in submitted] == [DEMOS[key].name for key in others]
    assert standing(store).active and not standing(store).missing
    assert queue(store, submitted.append) == ()  # a second press
    assert standing(store).progress == pytest.approx(0.25)
    stopped: list[str] = []

    def stop(run_id: str) -> None:
        stopped.append(run_id)
        store.request(run_id, "stop")

    cancel(store, stop)
    assert set(stopped) == set(submitted)
    assert [run.id for run in store.list()] == [whole]
    assert not standing(store).active


def test_what_a_crash_interrupted_goes_on(tiny, store):
    half = making.create(store, "shapes")
    store.change(half, status=Status.INTERRUPTED.value)
    assert "shapes" in standing(store).missing
    made = queue(store, lambda run_id: None)
    assert half in made and len(made) == len(DEMOS) == len(store.list())
    assert store.get(half).status is Status.QUEUED


@pytest.mark.parametrize("what", ["stop", "annotate", "rename", "edit"])
def test_what_somebody_touched_is_never_removed_by_the_demo(tiny, store, what):
    queue(store, lambda run_id: None)
    mine = standing(store).runs["digits"].id
    touch = {
        "stop": lambda: store.request(mine, "stop"),
        "annotate": lambda: store.annotate(mine, "Look at epoch 2."),
        "rename": lambda: store.rename(mine, "For the lesson"),
        "edit": lambda: store.edit(mine, {"lr": 0.5}),
    }
    touch[what]()
    before = store.get(mine)
    queue(store, lambda run_id: None)
    assert store.get(mine) == before
    cancel(store, lambda run_id: store.request(run_id, "stop"))
    assert [run.id for run in store.list()] == [mine]
    store.change(mine, status=Status.FINISHED.value)
    train_here(store, again=what != "stop")  # asked for anew, but not for this one
    assert store.get(mine).note == before.note


def test_it_is_known_behind_any_number_of_newer_runs(tiny, store):
    queue(store, lambda run_id: None)
    for run in store.list():
        store.change(run.id, status=Status.FINISHED.value)
    spec, config = DEMOS["digits"].plan()
    for _ in range(120):
        store.create(spec, config, "digits", "Another")
    assert not standing(store).missing
    assert queue(store, lambda run_id: None) == ()


def test_a_demo_of_version_0_4_is_not_offered_again(tiny, store):
    for demo in DEMOS.values():
        store.change(store.create(*demo.plan(), demo.dataset, demo.name), status=Status.FINISHED.value)
    assert not standing(store).missing


def test_the_command_line_says_what_there_is(tiny, home, capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(f"({demo.name}): finished" in said for demo in DEMOS.values())
    assert main([]) == 0
    assert capsys.readouterr().out == said
    assert main(["--again"]) == 0
    assert capsys.readouterr().out != said


def test_bad_ones_are_bad_and_good_ones_good_by_the_recipes():
    plans = {key: demo.plan() for key, demo in DEMOS.items()}
    assert plans["overfits"][1].train_images == 50 and plans["overfits"][1].epochs == 40
    assert plans["diverged"][1].lr == pytest.approx(100 * TrainConfig().lr)
    for key in ("digits", "shapes"):
        assert plans[key][1] == replace(TrainConfig(seed=SEED), epochs=plans[key][1].epochs)
