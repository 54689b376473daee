"""Every recipe really breaks a training, and the diagnosis names what was done; a sound one gets no finding."""

from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from core.data.catalog import DATASETS
from core.model.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool
from core.model.presets import PRESETS, preset
from core.model.shapes import problems
from core.model.spec import ModelSpec
from core.runs.records import Run, Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.diagnosis.diagnose import RULES, diagnose
from core.train.diagnosis.finding import Finding
from core.train.recipes import RECIPES, sound
from core.train.runner import Runner

BLOCKS = tuple(layer for filters in (8, 16, 32) for layer in (Conv(filters), Activation(), MaxPool()))
SMALL = ModelSpec("Small", (1, 8, 8), 10, (*BLOCKS, Flatten(), Dense(64), Activation(), Dense(10)))
BASE = TrainConfig(precision="fp32", device="cpu", seed=1)
IMAGES = DATASETS["digits"].split_sizes[0]

Trained = tuple[Run, tuple[Finding, ...]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """Return a function that trains a recipe once, as the app does, and diagnoses what it recorded."""
    folder, done = tmp_path_factory.mktemp("recipes"), dict[str, Trained]()

    def train(key: str) -> Trained:
        if key not in done:
            store = RunStore(f"sqlite:///{folder / 'runs.db'}", folder)
            spec, config = RECIPES[key].make(SMALL, BASE, IMAGES)
            run_id = store.create(spec, config, "digits", owner="tests")
            Runner(store, run_id, "tests").run()
            run = store.get(run_id)
            done[key] = run, diagnose(run, store.metrics(run_id), store.series.evidence(run_id), num_classes=10)
            store.close()
        return done[key]

    return train


@pytest.mark.parametrize("key", RECIPES)
def test_the_diagnosis_names_what_was_broken_and_nothing_else(key, trained):
    run, findings = trained(key)
    assert run.status in (Status.FINISHED, Status.FAILED)
    assert [finding.rule for finding in findings] == [RECIPES[key].expects] * (key != "healthy")


@pytest.mark.parametrize("key", [key for key in RECIPES if key != "healthy"])
def test_the_remedy_takes_the_fault_back(key, trained):
    run, (finding, *_) = trained(key)
    spec, config = RECIPES["healthy"].make(SMALL, BASE, IMAGES)
    mended = {**run.config, **finding.changes}
    ours = ("epochs", "batch_size") if key == "few_images" else ()  # so few images need more looks at each
    assert {name: value for name, value in mended.items() if name not in ours} == {
        name: value for name, value in asdict(config).items() if name not in ours
    }
    assert (finding.spec or run.spec).layers == spec.layers


def test_what_the_right_answers_claim_is_what_happens(trained):
    runs = {key: trained(key)[0] for key in RECIPES}
    assert runs["few_images"].train_accuracy > 0.93 > runs["few_images"].valid_accuracy + 0.05
    assert runs["wrong_labels"].valid_accuracy > runs["wrong_labels"].train_accuracy + 0.1
    assert runs["no_shuffling"].valid_accuracy < runs["healthy"].valid_accuracy - 0.1
    assert runs["high_rate"].valid_accuracy < runs["healthy"].valid_accuracy - 0.4
    assert runs["healthy"].valid_accuracy > 0.9


def test_every_recipe_asks_a_question_with_one_right_answer():
    for key, recipe in RECIPES.items():
        assert recipe.expects in RULES or key == "healthy"
        assert recipe.question.endswith("?")
        assert recipe.summary.endswith(".")
        assert len(set(recipe.choices)) == len(recipe.choices) == 3
        assert 0 <= recipe.right < 3


@pytest.mark.parametrize("key", RECIPES)
@pytest.mark.parametrize("dataset", DATASETS)
def test_every_recipe_suits_every_data_set(key, dataset):
    info = DATASETS[dataset]
    for name in PRESETS:
        draft = preset(name, info.input_shape, len(info.class_names))
        spec, config = RECIPES[key].make(draft, BASE, info.split_sizes[0])
        assert problems(spec) == ()
        assert (spec.input_shape, spec.num_classes) == (info.input_shape, len(info.class_names))
        assert 3 <= config.epochs <= 100


def test_a_recipe_changes_one_thing_and_keeps_the_machine():
    odd = replace(BASE, lr=0.5, wrong_labels=0.2, optimizer="sgd", seed=7)
    spec, config = RECIPES["healthy"].make(SMALL, odd)
    assert (spec, config) == (SMALL, TrainConfig(seed=7, precision="fp32", device="cpu"))
    assert RECIPES["high_rate"].make(SMALL, odd) == (SMALL, replace(config, lr=0.1))
    assert RECIPES["no_shuffling"].make(SMALL, odd)[1] == replace(config, order="by_class")
    assert RECIPES["no_normalisation"].make(SMALL, odd)[1] == replace(config, inputs="raw")
    kinds = {layer.function for layer in RECIPES["sigmoid"].make(SMALL, odd)[0].layers if layer.kind == "activation"}
    assert kinds == {"sigmoid"}


def test_only_a_network_that_breaks_easily_is_broken():
    tutorial = preset("tutorial", (1, 8, 8), 10)
    assert sound(SMALL) == SMALL
    assert sound(preset("tiny_vgg", (3, 32, 32), 10)).name == "Tiny VGG"
    dropping = replace(SMALL, layers=(*SMALL.layers[:-1], Dropout(0.2), Dense(10)))
    assert sound(dropping) == dropping
    steadied = replace(SMALL, layers=(Conv(8), BatchNorm(), *SMALL.layers[1:]))
    impossible = replace(SMALL, layers=SMALL.layers[:-1])
    for spec in (steadied, impossible, preset("resnet", (1, 8, 8), 10), preset("lenet5", (1, 8, 8), 10)):
        assert sound(spec) == tutorial
