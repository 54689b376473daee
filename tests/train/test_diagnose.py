"""Each rule of the diagnosis finds its symptom in a series that has it, and not in one that almost has it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pytest

from core.errors import ConfigError
from core.model.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten
from core.model.spec import ModelSpec
from core.runs.records import DIVERGED, Evidence, Metric, Run, Status
from core.train.config import TrainConfig
from core.train.diagnosis.diagnose import RULES, diagnose
from core.train.diagnosis.finding import Severity, number
from core.train.diagnosis.run_arrays import MOST, WHOLE, examine

GUESS = math.log(10)
LAYERS = (Conv(8), Activation(), Conv(8), Activation(), Flatten(), Dense(32), Activation(), Dense(10))
SPEC = ModelSpec("small", (1, 28, 28), 10, LAYERS)
SIGMOIDS = replace(SPEC, layers=tuple(Activation("sigmoid") if x.kind == "activation" else x for x in LAYERS))


@dataclass
class Case:
    """A run in numbers: loss and accuracy of each batch, then those of the validation images after each epoch."""

    loss: Sequence[float]
    accuracy: Sequence[float]
    valid: Sequence[tuple[float, float]]
    settings: dict[str, Any] = field(default_factory=dict)
    evidence: dict[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    status: Status = Status.FINISHED
    failure: str = ""
    lr: Sequence[float] | None = None
    spec: ModelSpec = SPEC
    dataset: str = "mnist5k"

    def run(self) -> Run:
        known = {
            "id": "0123456789",
            "name": "case",
            "dataset": self.dataset,
            "spec": self.spec,
            "config": {"lr": 1e-3, **self.settings},
            "live": {},
            "status": self.status,
            "failure": self.failure,
            "step": len(self.loss),
            "steps_per_epoch": self.steps_per_epoch,
            "total_steps": len(self.loss),
        }
        return Run(**{each.name: known.get(each.name, "" if each.type == "str" else 0) for each in fields(Run)})

    @property
    def steps_per_epoch(self) -> int:
        return len(self.loss) // len(self.valid) if self.valid else 100

    def metrics(self) -> list[Metric]:
        size, rates = self.steps_per_epoch, self.lr or [1e-3] * len(self.loss)
        rows = [
            Metric(step, (step - 1) // size + 1, rate, step / 10, loss, accuracy)
            for step, (loss, accuracy, rate) in enumerate(zip(self.loss, self.accuracy, rates, strict=True), start=1)
        ]
        for epoch, (loss, accuracy) in enumerate(self.valid, start=1):
            rows[epoch * size - 1] = replace(rows[epoch * size - 1], valid_loss=loss, valid_accuracy=accuracy)
        return rows

    def measured(self) -> Iterator[Evidence]:
        for (kind, layer), values in self.evidence.items():
            for place, value in enumerate(values):
                yield Evidence(1 + place * max(1, len(self.loss) // len(values)), kind, layer, value)

    def findings(self):
        return diagnose(self.run(), self.metrics(), list(self.measured()), num_classes=10)

    def rules(self) -> list[str]:
        return [finding.rule for finding in self.findings()]


def learning(epochs: int = 5, size: int = 40) -> Case:
    """Return a training as it should be: the loss falls to 0.05 and less and less, with the noise of batches."""
    draw = np.random.default_rng(0)
    time = np.arange(epochs * size)
    left = np.exp(-time / 25)
    loss = (0.05 + (GUESS - 0.05) * left) * (1 + 0.1 * draw.standard_normal(len(time)))
    accuracy = np.clip(0.98 - 0.88 * left + 0.02 * draw.standard_normal(len(time)), 0, 1)
    valid = [(0.1 + 2.2 * left[end - 1], 0.97 - 0.87 * left[end - 1]) for end in range(size, len(time) + 1, size)]
    gradients = {
        ("gradient", layer): [0.2, 0.4, *[1.0] * 38] for layer in ("conv1", "conv2", "dense1", "dense2", "all")
    }
    dead = {("dead", layer): [0.0, 0.1, 0.1] for layer in ("relu1", "relu2")} | {("dead", "relu3"): [0.2, 0.6, 0.6]}
    return Case(loss.tolist(), accuracy.tolist(), valid, evidence=gradients | dead)


def stuck(epochs: int = 5, size: int = 40, level: float = GUESS) -> Case:
    """Return a training that learns nothing."""
    draw = np.random.default_rng(1)
    loss = level + 0.01 * draw.standard_normal(epochs * size)
    accuracy = draw.binomial(64, 0.1, epochs * size) / 64
    return replace(learning(), loss=loss.tolist(), accuracy=accuracy.tolist(), valid=[(level, 0.1)] * epochs)


def leaping(height: float, place: int = 1, after: float = GUESS) -> Case:
    case = stuck() if after == GUESS else learning()
    loss = list(case.loss)
    loss[place] = height
    return replace(case, loss=loss, settings={"lr": 0.1})


def raw(first: float, inputs: str = "raw") -> Case:
    case = learning()
    return replace(case, loss=[first, *case.loss[1:]], settings={"inputs": inputs})


def by_class(high: float, low: float) -> Case:
    """Return batches of single classes, four of each: the first is wrong, the others right."""
    case = learning()
    accuracy = [low if place % 4 == 0 else high for place in range(len(case.loss))]
    return replace(case, accuracy=accuracy, valid=[(2.5, 0.12)] * 5, settings={"order": "by_class"})


def broken(loss: Sequence[float], gradients: Sequence[float], **words: Any) -> Case:
    """Return a training that ends when its loss is no number."""
    accuracy = [0.5] * len(loss)
    return Case(
        loss, accuracy, [], evidence={("gradient", "all"): gradients}, status=Status.FAILED, failure=DIVERGED, **words
    )


def fading(share: float, spec: ModelSpec = SIGMOIDS, level: float = GUESS) -> Case:
    case = stuck(level=level)
    gradients = {("gradient", "conv1"): [share] * 40, ("gradient", "conv2"): [0.1] * 40}
    return replace(case, spec=spec, evidence=gradients | {("gradient", "dense2"): [1.0] * 40})


def dying(layer: str, share: float) -> Case:
    case = learning()
    return replace(case, evidence={**case.evidence, ("dead", layer): [0.0, share, share]})


def epochs(train: Sequence[tuple[float, float]], valid: Sequence[tuple[float, float]], size: int = 40, **words) -> Case:
    """Return a training whose batches lie about the means of their epoch."""
    ripple = [0.01 * (-1) ** place for place in range(size)]
    loss = [mean + small for mean, _ in train for small in ripple]
    accuracy = [min(1.0, mean + small) for _, mean in train for small in ripple]
    return Case([GUESS, *loss[1:]], accuracy, valid, **words)


def rising(last: float, train: float = 0.02) -> Case:
    """Return a validation loss of 0.3 in epoch 3 and `last` in the three after it."""
    fitted = [(1.5, 0.5), (0.6, 0.8), (0.3, 0.9), (0.15, 0.95), (0.06, 0.98), (train, 0.99)]
    return epochs(fitted, [(0.8, 0.75), (0.4, 0.88), (0.3, 0.91), *[(last, 0.91)] * 3])


def mislabelled(train: float, **words: Any) -> Case:
    """Return a validation accuracy of 90% from epoch 2 on, beside this one in training."""
    return epochs([(2.0, 0.4), (1.5, train), (1.4, train)], [(1.0, 0.89), (0.7, 0.9), (0.68, 0.9)], **words)


def memorised(valid: float, images: int = 50) -> Case:
    """Return a network that knows all its training images."""
    fitted = [(2.0, 0.3), (0.5, 0.8), (0.01, 1.0), (0.005, 1.0)]
    return epochs(fitted, [(2.0, 0.3), (1.2, 0.6), (1.1, valid), (1.1, valid)], settings={"train_images": images})


def crawling(fall: float) -> Case:
    """Return a validation loss that falls by this much an epoch, from the guessing loss on."""
    levels = [GUESS - fall * (place + 1) for place in range(5)]
    return epochs([(level + fall / 2, 0.15) for level in levels], [(level, 0.2) for level in levels])


def ending(last: float, status: Status = Status.FINISHED) -> Case:
    """Return a training whose last three validation losses are 0.8, 0.6 and this one."""
    fitted = [(1.6, 0.4), (0.9, 0.7), (0.7, 0.8), (0.5, 0.85)]
    return epochs(fitted, [(1.1, 0.6), (0.8, 0.7), (0.6, 0.8), (last, 0.85)], status=status)


def rated(case: Case, factor: float, place: int) -> Case:
    rates = [1e-3] * place + [1e-3 * factor] * (len(case.loss) - place)
    return replace(case, lr=rates)


HAS: dict[str, dict[str, Callable[[], Case]]] = {
    "order": {
        "all right, then all wrong": lambda: by_class(1.0, 0.0),
        "always wrong": lambda: replace(stuck(), accuracy=[0.0] * 200),
        "small batches": lambda: replace(by_class(1.0, 0.0), settings={"batch_size": 50}),
    },
    "inputs": {
        "raw pixels": lambda: raw(5.0),
        "a network that blows its numbers up": lambda: raw(5.0, "standard"),
        "a steep start": lambda: replace(raw(2.7), evidence={("gradient", "all"): [12.0, *[3.0] * 39]}),
        "and no number later": lambda: broken([30.0, 400.0, 9e20], [50.0, 1e9, 1e30], settings={"inputs": "raw"}),
    },
    "high_rate": {
        "leaps and stays": lambda: leaping(52_000.0),
        "leaps and comes back": lambda: leaping(30.0, after=0.0),
        "leaps after learning, at a high rate": lambda: rated(leaping(40.0, place=150, after=0.0), 100, 0),
        "no number at once": lambda: broken([GUESS, 2.4, 2.6, 40.0], [0.2, 3.0, 90.0, 1e9], settings={"lr": 1.0}),
        "raised while it trained": lambda: rated(leaping(40.0, place=150, after=0.0), 100, 150),
    },
    "exploding": {
        "no number after learning": lambda: broken([*learning().loss[:100]], [1.0] * 20),
        "grew by orders": lambda: replace(
            leaping(40.0, place=150, after=0.0),
            settings={},
            evidence={("gradient", "all"): [1.0] * 15 + [5000.0] + [1.0] * 4},
        ),
    },
    "vanishing": {
        "sigmoids": lambda: fading(0.0005),
        "deep rectified": lambda: fading(0.0005, SPEC),
        "and learned late": lambda: fading(0.0005, level=1.0),
    },
    "dead": {"channels": lambda: dying("relu2", 0.75), "features": lambda: dying("relu3", 0.9)},
    "low_rate": {"hardly": lambda: crawling(0.002), "slowly": lambda: crawling(0.08)},
    "guessing": {
        "guesses": stuck,
        "guesses by squares": lambda: replace(stuck(level=0.09), settings={"loss": "mse"}),
    },
    "labels": {
        "a third wrong": lambda: mislabelled(0.63),
        "in one epoch": lambda: replace(mislabelled(0.63), valid=[(1.0, 0.3), (0.7, 0.9), (0.68, 0.9)]),
        "augmented, most wrong": lambda: mislabelled(0.4, settings={"shift": 0.1}),
        "all wrong, by heart": lambda: epochs([(2.3, 0.1), (1.0, 0.6), (0.2, 0.95)], [(2.4, 0.1), (4, 0.11), (6, 0.1)]),
        "all wrong, slowly": lambda: epochs(
            [(2.3, 0.1), (2.25, 0.15), (2.2, 0.25)], [(2.3, 0.1), (2.31, 0.1), (2.32, 0.1)]
        ),
    },
    "few_images": {"fifty": lambda: memorised(0.7), "four hundred": lambda: memorised(0.7, 400)},
    "overfitting": {"since epoch 3": lambda: rising(0.5), "slightly": lambda: rising(0.38)},
    "unconverged": {
        "still falling": lambda: ending(0.45),
        "stopped": lambda: ending(0.45, Status.STOPPED),
    },
}
HAS_NOT: dict[str, dict[str, Callable[[], Case]]] = {
    "order": {
        "good batches and poor ones": lambda: by_class(0.95, 0.3),
        "batches of a single image": lambda: replace(by_class(1.0, 0.0), settings={"batch_size": 1}),
        "a network that guesses": stuck,
    },
    "inputs": {
        "a start near guessing": lambda: raw(2.7),
        "steep, but near guessing": lambda: replace(raw(2.4), evidence={("gradient", "all"): [12.0, *[3.0] * 39]}),
        "a single hard image": lambda: replace(raw(5.0), settings={"batch_size": 1}),
    },
    "high_rate": {
        "a noisy batch": lambda: leaping(3.0, after=0.0),
        "one unlucky image": lambda: replace(leaping(8.0, after=0.0), settings={"batch_size": 1}),
        "no number after learning": HAS["exploding"]["no number after learning"],
        "far off before it began": HAS["inputs"]["raw pixels"],
    },
    "exploding": {
        "a large gradient that does no harm": lambda: replace(
            learning(), evidence={("gradient", "all"): [1.0] * 15 + [5000.0] + [1.0] * 4}
        ),
        "a gradient that was large at first": lambda: replace(
            learning(), evidence={("gradient", "all"): [500.0] * 3 + [1.0] * 12 + [600.0] + [1.0] * 4}
        ),
    },
    "vanishing": {
        "weaker, not faint": lambda: fading(0.03),
        "only in a few steps": lambda: replace(
            learning(),
            evidence={**learning().evidence, ("gradient", "conv1"): [1e-4] * 4 + [1.0] * 36},
        ),
        "two layers": lambda: replace(
            stuck(), evidence={("gradient", "conv1"): [1e-5] * 40, ("gradient", "dense2"): [1.0] * 40}
        ),
    },
    "dead": {
        "some channels": lambda: dying("relu2", 0.5),
        "many features": lambda: dying("relu3", 0.75),
        "it came back": lambda: replace(
            learning(), evidence={**learning().evidence, ("dead", "relu2"): [0.9, 0.9, 0.2]}
        ),
    },
    "low_rate": {
        "at a good pace": lambda: crawling(0.25),
        "not at all": stuck,
        "young": lambda: young(crawling(0.002)),
    },
    "guessing": {
        "a little better": lambda: epochs([(2.2, 0.2)] * 5, [(2.2, 0.25)] * 5),
        "the right classes, unsure": lambda: epochs([(2.29, 0.4)] * 5, [(2.28, 0.4)] * 5),
        "one epoch": lambda: stuck(epochs=1),
        "by heart": lambda: epochs([(2.0, 0.3), (0.3, 0.9), (0.1, 1.0)], [(2.3, 0.1), (3, 0.1), (4, 0.1)]),
    },
    "labels": {
        "a little below": lambda: mislabelled(0.85),
        "as good a loss": lambda: replace(mislabelled(0.63), valid=[(1.6, 0.89), (1.45, 0.9), (1.4, 0.9)]),
        "augmented": lambda: mislabelled(0.75, settings={"rotation": 20.0}),
        "much dropout": lambda: replace(
            mislabelled(0.75), spec=replace(SPEC, layers=(*LAYERS[:-1], Dropout(0.5), LAYERS[-1]))
        ),
        "only just learned": lambda: epochs(
            [(2.3, 0.1), (1.9, 0.35), (0.4, 0.9)], [(2.3, 0.1), (1.2, 0.7), (0.4, 0.9)]
        ),
    },
    "few_images": {
        "it knows new ones as well": lambda: memorised(0.95),
        "many images": lambda: memorised(0.7, 3000),
    },
    "overfitting": {
        "flat": lambda: rising(0.33),
        "training rises as well": lambda: rising(0.5, train=0.4),
        "one bad epoch": lambda: replace(
            rising(0.5), valid=[(0.8, 0.75), (0.4, 0.88), (0.3, 0.91), (0.5, 0.9), (0.31, 0.91), (0.3, 0.91)]
        ),
    },
    "unconverged": {
        "hardly falling": lambda: ending(0.58),
        "still training": lambda: ending(0.45, Status.RUNNING),
        "rising": lambda: ending(0.7),
    },
}


def young(case: Case) -> Case:
    """Return the first tenth of the steps of each epoch, still running."""
    kept = [place for place in range(len(case.loss)) if place % 10 == 0]
    return replace(
        case, loss=[case.loss[k] for k in kept], accuracy=[case.accuracy[k] for k in kept], status=Status.RUNNING
    )


def cases(table: dict[str, dict[str, Callable[[], Case]]]) -> list[Any]:
    return [
        pytest.param(rule, make, id=f"{rule}: {name}") for rule, group in table.items() for name, make in group.items()
    ]


@pytest.mark.parametrize(("rule", "make"), cases(HAS))
def test_a_symptom_is_named_first(rule, make):
    finding = make().findings()[0]
    assert finding.rule == rule
    assert type(finding.first) is type(finding.last) is float
    assert 0 <= finding.first <= finding.last <= len(make().loss) / make().steps_per_epoch
    for sentence in (finding.evidence, finding.remedy):
        assert sentence.endswith(".")
        assert sentence[0].isupper()
    assert any(letter.isdigit() for letter in finding.evidence)


@pytest.mark.parametrize(("rule", "make"), cases(HAS_NOT))
def test_what_only_looks_like_it_is_not(rule, make):
    assert rule not in make().rules()


@pytest.mark.parametrize(("rule", "make"), cases(HAS))
def test_the_cause_hides_what_follows_from_it(rule, make):
    rules = make().rules()
    assert not set(RULES[rule].explains) & set(rules)
    assert len(rules) == 1


def test_every_rule_is_tried():
    assert set(HAS) == set(HAS_NOT) == set(RULES)
    places = {key: place for place, key in enumerate(RULES)}
    for key, rule in RULES.items():
        assert all(places[key] < places[other] for other in rule.explains)


@pytest.mark.parametrize("epochs", [1, 2, 5, 40])
def test_a_training_as_it_should_be_has_no_finding(epochs):
    case = learning(epochs)
    assert case.rules() == []
    for steps in (1, 2, 7, 39, 40):
        begun = replace(case, loss=case.loss[:steps], accuracy=case.accuracy[:steps], valid=[], status=Status.RUNNING)
        assert begun.rules() == []


def test_of_nothing_recorded_nothing_is_said():
    assert diagnose(learning().run(), (), (), num_classes=10) == ()


def test_a_remedy_is_one_that_the_settings_allow():
    for group in HAS.values():
        for make in group.values():
            case = make()
            for finding in case.findings():
                mended = TrainConfig.from_mapping({**case.run().config, **finding.changes})
                assert not finding.changes or mended != TrainConfig.from_mapping(case.run().config)
                assert finding.spec is None or finding.spec != case.spec


@pytest.mark.parametrize(
    ("rule", "name", "changes"),
    [
        ("order", "all right, then all wrong", {"order": "shuffled"}),
        ("order", "always wrong", {}),
        ("inputs", "raw pixels", {"inputs": "standard"}),
        ("inputs", "a network that blows its numbers up", {}),
        ("high_rate", "leaps and stays", {"lr": 0.001}),
        ("exploding", "grew by orders", {"clip_norm": 1.0}),
        ("low_rate", "hardly", {"lr": 0.003}),
        ("few_images", "fifty", {"train_images": 0}),
        ("overfitting", "since epoch 3", {"patience": 3, "shift": 0.1, "rotation": 10.0}),
        ("unconverged", "still falling", {"epochs": 10, "max_seconds": 0.0, "target_accuracy": 0.0}),
    ],
)
def test_the_remedy_undoes_the_cause(rule, name, changes):
    assert HAS[rule][name]().findings()[0].changes == changes


def test_the_network_is_mended_where_it_is_the_cause():
    (finding,) = fading(0.0005).findings()
    assert finding.spec == SPEC
    (finding,) = dying("relu2", 0.75).findings()
    assert {layer.function for layer in finding.spec.layers if layer.kind == "activation"} == {"leaky_relu"}
    assert fading(0.0005, SPEC).findings()[0].spec is None


def test_units_that_a_high_learning_rate_switched_off_ask_for_a_lower_one():
    (finding,) = replace(dying("relu2", 0.75), settings={"lr": 0.5}).findings()
    assert (finding.changes, finding.spec) == ({"lr": 0.001}, None)
    saturated = replace(SPEC, layers=tuple(Activation("tanh") if x.kind == "activation" else x for x in LAYERS))
    (finding,) = replace(dying("relu2", 0.75), spec=saturated).findings()
    assert (finding.changes, finding.spec) == ({"lr": 0.0001}, None)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("wrong", [math.inf, math.nan])
def test_numbers_that_are_none_do_no_harm(wrong):
    case = learning()
    evidence = {**case.evidence, ("gradient", "conv1"): [wrong] * 40, ("gradient", "all"): [1.0] * 39 + [wrong]}
    assert replace(case, evidence=evidence | {("dead", "relu1"): [wrong] * 3}).rules() == []
    (finding,) = replace(case, loss=[GUESS, wrong, *case.loss[2:]]).findings()
    assert finding.rule == "high_rate"
    assert replace(case, valid=[(wrong, wrong)] * 5).findings() is not None


def test_the_evidence_holds_the_measured_numbers():
    (finding,) = rising(0.5).findings()
    assert finding.title == "Overfitting since epoch 3"
    assert "from 0.30 to 0.50" in finding.evidence
    assert "from 0.35 to" in replace(rising(0.5), loss=[0.35] * 120 + [0.1] * 120).findings()[0].evidence
    assert "52,000 in step 2" in leaping(52_000.0).findings()[0].evidence
    assert "63% of the training labels" in mislabelled(0.63).findings()[0].evidence
    assert "90% of the validation labels" in mislabelled(0.63).findings()[0].evidence
    assert "75% of the units" in dying("relu2", 0.75).findings()[0].evidence
    assert "1.00 in dense2, but only 0.0005 in conv1" in fading(0.0005).findings()[0].evidence


def test_the_stretch_is_where_it_shows():
    (finding,) = rising(0.5).findings()
    assert (finding.measure, finding.first, finding.last) == ("loss", 3.0, 6.0)
    (finding,) = rated(leaping(40.0, place=150, after=0.0), 100, 150).findings()
    assert (finding.first, finding.last) == (150 / 40, 151 / 40)


def test_the_gravest_comes_first():
    case = replace(rising(0.5), evidence={("dead", "relu1"): [1.0, 1.0, 1.0]})
    findings = case.findings()
    assert [finding.rule for finding in findings] == ["dead", "overfitting"]
    assert findings[0].severity is Severity.LOST


def test_settings_changed_while_it_trained_count():
    case = leaping(52_000.0)
    run = replace(case.run(), live={"lr": 0.5})
    assert "from 0.5 to 0.001" in diagnose(run, case.metrics(), (), num_classes=10)[0].remedy


def test_settings_of_another_version_are_refused():
    run = replace(learning().run(), config={"warp": 9})
    with pytest.raises(ConfigError, match="warp"):
        diagnose(run, learning().metrics(), (), num_classes=10)


def test_of_a_long_training_some_steps_are_looked_at_and_the_findings_stay():
    for case in (learning(40, 500), replace(leaping(9e4), loss=[GUESS, 9e4, *[GUESS] * 19_998])):
        case = replace(case, accuracy=(list(case.accuracy) * 100)[: len(case.loss)])
        symptoms = examine(case.run(), case.metrics(), (), 10)
        assert WHOLE <= len(symptoms.loss) <= MOST
        assert symptoms.steps[:WHOLE].tolist() == list(range(1, WHOLE + 1))
        assert len(symptoms.valid_loss) == len(case.valid)
        assert case.rules() == (["high_rate"] if case.loss[1] > 9 else [])


def test_the_mean_of_an_epoch_does_not_depend_on_what_was_left_out():
    case = learning(4, 3000)
    means = [float(np.mean(case.loss[start : start + 3000])) for start in range(0, 12_000, 3000)]
    assert examine(case.run(), case.metrics(), (), 10).train_loss == pytest.approx(means, rel=0.02)


def test_batch_norm_is_offered_only_where_it_helps():
    assert "batch norm" in raw(5.0, "standard").findings()[0].remedy
    spec = replace(SPEC, layers=(Conv(8), BatchNorm(), *LAYERS[1:]))
    assert replace(learning(), spec=spec).rules() == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.94e28, "4 × 10²⁸"),
        (52_546.81, "52,547"),
        (310.4, "310"),
        (2.3026, "2.30"),
        (0.0899, "0.0899"),
        (0.00021, "0.0002"),
        (4.4e-7, "4 × 10⁻⁷"),
        (0.0, "0"),
    ],
)
def test_numbers_show_the_digits_that_matter(value, words):
    assert number(value) == words
