"""Recipes that break a training on purpose, each with a question to answer before it starts."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from core.model.layers import Activation
from core.model.presets import preset
from core.model.shapes import problems
from core.model.spec import ModelSpec
from core.runs.records import Run
from core.train.config import TrainConfig

ENOUGH, FEWEST = 300, 3  # steps and epochs after which a fault has shown

_PLAIN = ("conv", "max_pool", "avg_pool", "activation", "dropout", "flatten", "dense")
_STRAIGHT = ("relu", "leaky_relu", "gelu", "silu")

Plan = tuple[ModelSpec, TrainConfig]


@dataclass(frozen=True)
class Recipe:
    """One way to break a training.

    Attributes:
        title: What is done, in a few words.
        summary: The same in one sentence.
        question: What to guess before it starts.
        choices: Possible answers.
        right: Which of them comes true, counted from 0.
        expects: Key of the rule of `core.train.RULES` that should name it; empty where none should.
        change: Breaks a sound network and its settings.
    """

    title: str
    summary: str
    question: str
    choices: tuple[str, ...]
    right: int
    expects: str
    change: Callable[[ModelSpec, TrainConfig], Plan]

    def make(self, spec: ModelSpec, config: TrainConfig, images: int = 0) -> Plan:
        """Return the broken network and settings.

        It starts from `spec` where that is a plain stack that works, else from the tutorial's network (see `sound`),
        and from the usual settings with the seed, precision and device of `config`: so there is but one fault.
        Knowing the number of training `images`, it trains just long enough for the fault to show.
        """
        usual = TrainConfig(seed=config.seed, precision=config.precision, device=config.device)
        if images:
            epochs = max(FEWEST, -(-ENOUGH // -(-images // usual.batch_size)))
            usual = replace(usual, epochs=min(epochs, 100))
        return self.change(sound(spec), usual)


def sound(spec: ModelSpec) -> ModelSpec:
    """Return the network if it is easily broken, else the tutorial's for the same images and classes.

    Batch norm and shortcuts hold most faults off, and so does a stack of less than three activations.
    """
    bends = [layer.function for layer in spec.layers if isinstance(layer, Activation)]
    plain = all(layer.kind in _PLAIN for layer in spec.layers) and set(bends) <= set(_STRAIGHT)
    if plain and len(bends) >= 3 and not problems(spec):
        return spec
    return preset("tutorial", spec.input_shape, spec.num_classes)


def _healthy(spec: ModelSpec, config: TrainConfig) -> Plan:
    return spec, config


def _high_rate(spec: ModelSpec, config: TrainConfig) -> Plan:
    return spec, replace(config, lr=config.lr * 100)


def _raw_inputs(spec: ModelSpec, config: TrainConfig) -> Plan:
    layers = tuple(layer for layer in spec.layers if layer.kind != "batch_norm")
    return replace(spec, layers=layers), replace(config, inputs="raw")


def _wrong_labels(spec: ModelSpec, config: TrainConfig) -> Plan:
    return spec, replace(config, wrong_labels=0.3)


def _few_images(spec: ModelSpec, config: TrainConfig) -> Plan:
    return spec, replace(config, train_images=max(50, spec.num_classes), batch_size=5, epochs=40)


def _sigmoid(spec: ModelSpec, config: TrainConfig) -> Plan:
    layers = tuple(Activation("sigmoid") if isinstance(layer, Activation) else layer for layer in spec.layers)
    return replace(spec, name=f"{spec.name[:60]}, sigmoids", layers=layers), config


def _by_class(spec: ModelSpec, config: TrainConfig) -> Plan:
    return spec, replace(config, order="by_class")


RECIPES: dict[str, Recipe] = {
    "high_rate": Recipe(
        "Learning rate × 100",
        "Every update is a hundred times longer than usual.",
        "What will the loss do in the first batches?",
        ("Fall a hundred times as fast", "Leap far up", "Stay where it is"),
        1,
        "high_rate",
        _high_rate,
    ),
    "no_normalisation": Recipe(
        "No normalisation",
        "Pixels go in as they are stored, 0 to 255, and nothing brings them to a common size.",
        "How high is the loss before anything is learned?",
        ("As high as for guessing", "Far higher", "Close to zero"),
        1,
        "inputs",
        _raw_inputs,
    ),
    "wrong_labels": Recipe(
        "30% wrong labels",
        "Three of ten training labels name another class; the validation labels are right.",
        "Where will the accuracy be higher in the end?",
        ("On the training labels", "On the validation labels", "The same on both"),
        1,
        "labels",
        _wrong_labels,
    ),
    "few_images": Recipe(
        "50 images",
        "The network sees the same fifty images forty times.",
        "What will it know in the end?",
        ("Both the fifty and new images", "The fifty by heart, new ones far less", "Neither"),
        1,
        "few_images",
        _few_images,
    ),
    "sigmoid": Recipe(
        "Sigmoid everywhere",
        "Every activation is a sigmoid, as in the networks of the 1980s.",
        "Which layer gets the smallest gradient?",
        ("The first", "The last", "None, all are alike"),
        0,
        "vanishing",
        _sigmoid,
    ),
    "no_shuffling": Recipe(
        "No shuffling",
        "First come all images of one class, then all of the next.",
        "What will the accuracy do where the class changes?",
        ("Keep rising", "Stay at about half", "Fall to almost nothing"),
        2,
        "order",
        _by_class,
    ),
    "healthy": Recipe(
        "Nothing broken",
        "The usual settings, to compare with.",
        "What will the diagnosis say?",
        ("Nothing unusual", "Overfitting", "Learning rate too low"),
        0,
        "",
        _healthy,
    ),
}
ORIGIN = "recipe:"  # begins the origin of such runs; then come the recipe and the guess


def recipe_note(key: str, guess: int) -> str:
    """Return the note of a run that breaks on purpose."""
    return f"Broken on purpose: {RECIPES[key].title}. Guess: {RECIPES[key].choices[guess]}."


def guess_of(run: Run) -> tuple[str, int] | None:
    """Return the recipe of a run and the answer that was guessed; None if it is no recipe of this version."""
    key, _, guess = run.origin.removeprefix(ORIGIN).partition(":")
    known = run.origin.startswith(ORIGIN) and key in RECIPES and guess.isdecimal()
    return (key, int(guess)) if known and int(guess) < len(RECIPES[key].choices) else None
