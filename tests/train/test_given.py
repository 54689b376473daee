"""A training that begins with pruned weights: it can be done again, and what was pruned stays zero."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.compression.cutting import cut
from core.compression.pruning import prune
from core.compression.ways import Pruning
from core.errors import ConfigError
from core.exchange.export_archive import export_run
from core.exchange.import_archive import import_run
from core.model.build import build_model
from core.model.layers import Activation, BatchNorm, Conv, Dense, Flatten, Residual
from core.model.spec import ModelSpec
from core.report.document import lab_report
from core.runs.checkpoint import beginning_of, load_checkpoint
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.choices import OPTIMIZERS
from core.train.config import TrainConfig
from core.train.initialization import InitialWeights, first_checkpoint
from core.train.runner import Runner

SPEC = ModelSpec(
    "Small", (1, 8, 8), 10, (Conv(4), BatchNorm(), Activation(), Residual(4), Conv(3), Flatten(), Dense(10))
)
CONFIG = TrainConfig(epochs=1, batch_size=32, train_images=160, lr=0.01, seed=3, precision="fp32", device="cpu")
WORDS = "weights of Small, 60% of the weights pruned"


def started(
    store: RunStore, spec: ModelSpec, weights: dict[str, Tensor], given: InitialWeights, config: TrainConfig
) -> str:
    first = first_checkpoint(weights, given, config)
    return store.create(spec, config, "digits", "Fine-tuned", owner="tests", first=first, note=given.words)


def trained(
    store: RunStore, kind: str = "weights", config: TrainConfig = CONFIG
) -> tuple[str, InitialWeights, ModelSpec]:
    made = cut(SPEC, prune(build_model(SPEC, seed=1), Pruning(kind, 0.6)))
    given = InitialWeights(WORDS, made.masks)
    run = started(store, made.spec, made.model.state_dict(), given, config)
    assert Runner(store, run, "tests").run() is Status.FINISHED
    return run, given, made.spec


@pytest.mark.parametrize("kind", ["weights", "filters"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_was_pruned_stays_zero_and_the_rest_learns(kind: str, optimizer: str):
    store = RunStore()
    settings = {"optimizer": optimizer, "weight_decay": 0.1, "l1": 1e-3, "clip_norm": 1.0}
    run, given, spec = trained(store, kind, TrainConfig(**{**vars(CONFIG), **settings}))
    made = cut(SPEC, prune(build_model(SPEC, seed=1), Pruning(kind, 0.6)))
    weights = store.load_model(run).state_dict()
    assert given.masks
    for name, mask in given.masks.items():
        assert not weights[name][~mask].any(), name
    begun = store.load_model(run, 0)
    assert all(torch.equal(value, begun.state_dict()[name]) for name, value in made.model.state_dict().items())
    moved = [name for name, value in made.model.named_parameters() if not torch.equal(value, weights[name])]
    assert {"conv1.weight", "residual1.conv1.weight", "dense1.weight"} <= set(moved)
    assert store.get(run).spec == spec and store.get(run).note == WORDS
    assert beginning_of(store.checkpoint(run)) == WORDS


def test_the_same_beginning_leads_to_the_same_end():
    store = RunStore()
    ends = [store.load_model(trained(store)[0]).state_dict() for _ in range(2)]
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())


def test_an_interrupted_one_goes_on_as_if_it_had_not_been():
    store, leave = RunStore(), [False]
    run, given, spec = trained(store)
    begun = store.load_model(run, 0).state_dict()
    again = started(store, spec, begun, given, CONFIG)
    seen: list[int] = []

    def on_step(training: object, step: object) -> None:
        seen.append(1)
        leave[0] = len(seen) == 3

    assert Runner(store, again, "tests", leaving=lambda: leave[0], on_step=on_step).run() is Status.INTERRUPTED
    assert 0 < len(seen) < 5
    store.request(again, "resume")
    assert store.worker.claim("tests", 1) == again
    assert Runner(store, again, "tests").run() is Status.FINISHED
    end = store.load_model(again).state_dict()
    assert all(torch.equal(value, end[name]) for name, value in store.load_model(run).state_dict().items())


def test_a_mask_must_fit():
    weights = build_model(SPEC).state_dict()
    mask = torch.ones_like(weights["conv1.weight"], dtype=torch.bool)
    holes = mask.clone()
    holes[0] = False
    for masks in ({"conv9.weight": mask}, {"conv1.weight": mask[:1]}, {"conv1.weight": holes}):
        with pytest.raises(ConfigError, match="does not fit"):
            first_checkpoint(weights, InitialWeights("x", masks), CONFIG)
    with pytest.raises(ConfigError, match="does not fit"):
        first_checkpoint(weights, InitialWeights("x", {"conv1.weight": mask.float()}), CONFIG)


def test_an_archive_keeps_masks_and_words_and_says_why_there_is_no_script(tmp_path: Path):
    store = RunStore()
    run, given, _ = trained(store)
    path = tmp_path / "run.zip"
    with path.open("w+b") as file:
        export_run(store, run, file)
    copied = import_run(store, copy.deepcopy(path.read_bytes()))
    latest = load_checkpoint(store.checkpoint(copied))
    again = InitialWeights.of(latest)
    assert again.words == WORDS
    assert all(torch.equal(mask, again.masks[name]) for name, mask in given.masks.items())
    import zipfile

    with zipfile.ZipFile(path) as archive:
        assert "train.py" not in archive.namelist()
        assert "began with weights that were given" in archive.read("README.txt").decode()


def test_a_report_shows_no_script_that_would_not_do_it_again():
    store = RunStore()
    run, _, _ = trained(store)
    report = lab_report(store, run)
    assert "began with weights that were given to it" in report
    assert "def main(" not in report
    assert "import torch" not in report


def test_other_runs_know_of_no_beginning():
    store = RunStore()
    run = store.create(SPEC, CONFIG, "digits", owner="tests")
    assert Runner(store, run, "tests").run() is Status.FINISHED
    assert beginning_of(store.checkpoint(run)) == ""
    assert not InitialWeights.of(load_checkpoint(store.checkpoint(run))).masks
    assert beginning_of(store.checkpoint(run, 77)) == ""
