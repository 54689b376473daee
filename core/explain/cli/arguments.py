"""Parsing of the command line: methods, classes, settings, and the file of settings to repeat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from core.errors import ExplainError
from core.explain.cli.record import ExplanationCall, ExplanationRecord
from core.explain.compatibility import incompatibility
from core.explain.methods.registry import METHODS
from core.inference.network import Network
from core.inference.prediction import predict
from core.options import OptionValue

ALL_METHODS = "all"


@dataclass(frozen=True)
class CliRequest:
    """The explanations requested of one network.

    Attributes:
        model, epoch: Which network, as `core.inference.open_network` takes them.
        methods: Keys of `METHODS`; of "all", those that do not fit the network are passed over.
        everything: Whether all methods were asked for.
        classes: Names or indices of the classes; empty for the likeliest.
        versus: Name or index of the class that they are held against.
        options: Settings of methods.
        exact: What is asked instead of all that, where a file of settings says it.
    """

    model: str
    epoch: int | None = None
    methods: tuple[str, ...] = ()
    everything: bool = False
    classes: tuple[str, ...] = ()
    versus: str | None = None
    options: Mapping[str, Mapping[str, OptionValue]] = field(default_factory=dict)
    exact: ExplanationRecord | None = None

    def differences(self, weights: str, digest: str) -> tuple[str, ...]:
        """Return what differs from the file of settings: the weights of the network, or the picture."""
        if not self.exact:
            return ()
        return (
            *(["The network has other weights than when the settings were written."] * (weights != self.exact.weights)),
            *(["This is another picture than the settings were written for."] * (digest != self.exact.digest)),
        )

    def calls(self, network: Network, image: Tensor) -> tuple[tuple[ExplanationCall, ...], tuple[str, ...]]:
        """Return the calls for a network, and for each skipped method the reason.

        Raises:
            ExplainError: A class does not exist, or a method that was named does not fit the network.
        """
        if self.exact:
            return self.exact.calls, ()
        reasons = {
            name: reason
            for name in self.methods
            if (reason := incompatibility(network.model, name, self.options.get(name)))
        }
        if reasons and not self.everything:
            raise ExplainError(next(iter(reasons.values())))
        classes = [network.class_of(word) for word in self.classes]
        if not classes:
            classes = [int(predict(network.model, image[None])[0].argmax())]
        versus = None if self.versus is None else network.class_of(self.versus)
        usable = [name for name in self.methods if name not in reasons]
        calls = tuple(
            ExplanationCall(name, target, versus, self.options.get(name, {}))
            for target in dict.fromkeys(classes)
            for name in usable
        )
        return calls, tuple(f"{METHODS[name].title} is left out: {reason}" for name, reason in reasons.items())


def from_arguments(record: ExplanationRecord) -> CliRequest:
    """Return the request that repeats a file of settings."""
    return CliRequest(record.source.model, record.source.epoch, exact=record)


def from_settings(
    model: str,
    epoch: int | None,
    *,
    methods: Sequence[str],
    classes: Sequence[str] = (),
    versus: str | None = None,
    options: Sequence[str] = (),
) -> CliRequest:
    """Return the request of command-line arguments.

    Args:
        model, epoch: Which network.
        methods: Keys of `METHODS`, each word one or several joined by commas, or "all".
        classes: Names or indices.
        versus: Name or index of a class.
        options: Settings, each "method.option=value".

    Raises:
        ExplainError: A method, an option or its value is not there.
    """
    names = [name.strip() for word in methods for name in word.split(",") if name.strip()]
    everything = ALL_METHODS in names
    chosen = tuple(METHODS) if everything else tuple(dict.fromkeys(names))
    for name in chosen:
        if name not in METHODS:
            raise ExplainError(f"There is no method {name!r}: choose one of {', '.join(METHODS)}, or {ALL_METHODS}.")
    if not chosen:
        raise ExplainError(f"Name at least one method: one of {', '.join(METHODS)}, or {ALL_METHODS}.")
    settings = _settings(options)
    for name in settings:
        if name not in chosen:
            raise ExplainError(f"A setting of {METHODS[name].title} is given, but it is not among the methods: add it.")
    return CliRequest(model, epoch, chosen, everything, tuple(classes), versus, settings)


def _settings(words: Sequence[str]) -> dict[str, dict[str, OptionValue]]:
    settings: dict[str, dict[str, OptionValue]] = {}
    for word in words:
        place, equals, value = word.partition("=")
        method, dot, name = place.strip().partition(".")
        if not (equals and dot and method and name):
            raise ExplainError(f"{word!r} is no setting: write it as method.option=value, such as occlusion.window=6.")
        if method not in METHODS:
            raise ExplainError(f"There is no method {method!r}: choose one of {', '.join(METHODS)}.")
        settings.setdefault(method, {})[name] = _value(method, name, value.strip())
        METHODS[method].resolve(settings[method])  # says what is wrong with it
    return settings


def _value(method: str, name: str, text: str) -> OptionValue:
    """Return the value of an option as its kind takes it; what cannot be read stays text, for `resolve` to refuse."""
    option = next((each for each in METHODS[method].options if each.name == name), None)
    if option is None or option.kind != "number":
        return text or None
    try:
        return float(text) if isinstance(option.default, float) else int(text)
    except ValueError:
        return text or None
