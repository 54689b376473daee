"""Records of explanations as plain data: one call for each map, and a file of settings that repeats them."""

import hashlib
import io
import json
import platform
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.attribution import Attribution
from core.explain.methods.registry import METHODS
from core.explain.metrics.completeness import CompletenessGap
from core.inference.network import Network, class_reference
from core.options import OptionValue

FORMAT = 1  # raised whenever the same file would be read differently
MAX_CALLS = 1_000


@dataclass(frozen=True)
class NetworkReference:
    """Identifies a network and its weights.

    Attributes:
        model: What `--model` takes: the id of a run, or the name of a pretrained network.
        name: What people call it.
        dataset: What it was trained on; empty if unknown.
        epoch: After which epoch of a run, 0 before the first step; None for its latest weights, and for a
            pretrained network.
    """

    model: str
    name: str
    dataset: str = ""
    epoch: int | None = None

    @classmethod
    def of(cls, network: Network) -> "NetworkReference":
        """Return the reference to a network, by which it can be found again."""
        model = network.id if network.pretrained is None else network.pretrained.name
        return cls(model, network.name, network.dataset_name, network.epoch_read)


@dataclass(frozen=True)
class ExplanationCall:
    """The arguments of one call of `core.explain.attribute`."""

    method: str
    target: int
    versus: int | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)


def command(
    source: NetworkReference,
    picture: str,
    calls: Sequence[ExplanationCall],
    outputs: Iterable[str],
    *,
    received: bool = False,
    class_names: Sequence[str] = (),
) -> str:
    """Return the command line that repeats calls: every method of them for every class of them.

    Options are written where they differ from the defaults.

    Args:
        source: The network.
        picture: The file of the picture.
        calls: What is asked.
        outputs: The files to write.
        received: Whether the file holds the picture as the network received it, so that nothing is to be swapped.
        class_names: Those of the network: an index that is also the name of a class is written as an index.
    """
    words = ["python", "-m", "core.explain", picture, "--model", source.model]
    words += ["--epoch", str(source.epoch)] if source.epoch is not None else []
    words += ["--method", ",".join(dict.fromkeys(call.method for call in calls))]
    for target in dict.fromkeys(call.target for call in calls):
        words += ["--class", class_reference(target, class_names)]
    for versus in {call.versus for call in calls}:
        words += ["--versus", class_reference(versus, class_names)] if versus is not None else []
    words += [word for setting in dict.fromkeys(_changed(calls)) for word in ("--option", setting)]
    words += ["--swap", "no"] if received else []
    words += [word for output in outputs for word in ("-o", output)]
    return shlex.join(words)


def in_one_line(calls: Sequence[ExplanationCall]) -> bool:
    """Whether `command` can repeat calls: each method has the same settings and the same classes."""
    pairs = {(call.method, call.target) for call in calls}
    methods, classes = {method for method, _ in pairs}, {target for _, target in pairs}
    settings = {(call.method, *sorted(call.options.items())) for call in calls}
    one_question = len({call.versus for call in calls}) == 1
    return one_question and len(pairs) == len(methods) * len(classes) == len(calls) and len(settings) == len(methods)


def _changed(calls: Iterable[ExplanationCall]) -> Iterable[str]:
    for call in calls:
        for option in METHODS[call.method].options:
            value = call.options.get(option.name, option.default)
            if value != option.default:
                yield f"{call.method}.{option.name}={value}"


@dataclass(frozen=True)
class ExplanationRecord:
    """All calls that were made of one network for a picture.

    Attributes:
        source: The network.
        weights: The fingerprint of its weights, see `core.explain.cli.record.fingerprint`.
        digest: That of the picture as it received it.
        calls: The explanations.
    """

    source: NetworkReference
    weights: str
    digest: str
    calls: tuple[ExplanationCall, ...]


def read_settings(text: str) -> tuple[ExplanationRecord, ...]:
    """Read a settings file that `core.explain.cli.record.settings_json` wrote: what each network was asked.

    Raises:
        ExplainError: The text is not such a file.
    """
    try:
        about = json.loads(text)
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            raise ExplainError("These settings were not written by this version of ConvScope: take them away again.")
        records = tuple(_explanation_record(part) for part in about["asked"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ExplainError("The file of settings is damaged: take it away again, and use it as it is.") from error
    if not records:
        raise ExplainError("The file of settings names no network: take it away again.")
    return records


def _explanation_record(part: Mapping[str, Any]) -> ExplanationRecord:
    network = part["network"]
    return ExplanationRecord(_source(network), str(network["weights"]), str(part["picture"]["digest"]), _calls(part))


def _source(part: Mapping[str, Any]) -> NetworkReference:
    epoch = part["epoch"]
    if not (epoch is None or _is_index(epoch)):
        raise ValueError("epoch")
    return NetworkReference(str(part["model"]), str(part["name"]), str(part["dataset"]), epoch)


def _calls(part: Mapping[str, Any]) -> tuple[ExplanationCall, ...]:
    if len(part["explanations"]) > MAX_CALLS:
        raise ValueError("too many")
    return tuple(_call(each) for each in part["explanations"])


def _call(part: Mapping[str, Any]) -> ExplanationCall:
    method, target, versus = part["method"], part["target"]["index"], part["versus"]
    if method not in METHODS:
        raise ExplainError(f"The settings ask for a method {method!r}, which this version does not have.")
    against = None if versus is None else versus["index"]
    if not _is_index(target) or not (against is None or _is_index(against)):
        raise ValueError("class")
    return ExplanationCall(method, target, against, METHODS[method].resolve(dict(part["options"])))


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


LIBRARIES = ("captum", "torch", "numpy", "scikit-image")
LETTERS = "ABCDEFGH"


@dataclass(frozen=True, eq=False)
class NetworkExplanations:
    """The calls and attributions of one network for one picture.

    Attributes:
        source: The network.
        weights: The fingerprint of its weights, see `fingerprint`.
        class_names: The names of its classes; may hold what a user wrote.
        title: Where the picture comes from, in words; may hold what a user wrote.
        pixels: The picture before it was normalised, uint8 (C, H, W).
        image: As the network received it, float32 (C, H, W).
        attributions: The explanations.
    """

    source: NetworkReference
    weights: str
    class_names: tuple[str, ...]
    title: str
    pixels: Tensor
    image: Tensor
    attributions: tuple[Attribution, ...]


def digest(pixels: Tensor) -> str:
    """Return a hash of pixels, uint8 (C, H, W)."""
    array = np.ascontiguousarray(pixels.numpy())
    return hashlib.blake2b(repr(tuple(array.shape)).encode() + array.tobytes(), digest_size=12).hexdigest()


def fingerprint(model: nn.Module) -> str:
    """Return a hash of the weights and buffers of a network."""
    state = hashlib.blake2b(digest_size=12)
    for name, weight in model.state_dict().items():
        array = weight.detach().cpu().contiguous().numpy()
        state.update(f"{name} {array.dtype} {array.shape}".encode())
        state.update(array.tobytes())
    return state.hexdigest()


def call_of(attribution: Attribution) -> ExplanationCall:
    """Return the call that gave an explanation."""
    return ExplanationCall(attribution.method, attribution.target, attribution.versus, dict(attribution.options))


def arrays(records: Sequence[NetworkExplanations]) -> dict[str, NDArray[Any]]:
    """Return every array under its name: "image", "pixels", and "METHOD_class_TARGET" for each explanation.

    What is explained against another class is "METHOD_class_TARGET_versus_OTHER", the second of the same name ends
    with "__2". Of several networks, each name begins with "A_", "B_" and so on. Where a method promises what its
    values sum to, their sum and what was promised follow as "…_sum_and_promise", float64 (2,).
    """
    named: dict[str, NDArray[Any]] = {}
    for place, record in enumerate(records):
        start = f"{LETTERS[place]}_" if len(records) > 1 else ""
        named[f"{start}image"] = record.image.numpy()
        named[f"{start}pixels"] = record.pixels.numpy()
        names = names_of(record.attributions)
        for name, each in zip(names, record.attributions, strict=True):
            named[start + name] = each.values.numpy()
            if each.gap:
                named[f"{start}{name}_sum_and_promise"] = np.array([each.gap.total, each.gap.promised])
    return named


def names_of(attributions: Sequence[Attribution]) -> list[str]:
    """Return a name of letters, digits and "_" for each explanation, all of them different."""
    names: list[str] = []
    for each in attributions:
        against = "" if each.versus is None else f"_versus_{each.versus}"
        name = re.sub(r"\W", "_", f"{each.method}_class_{each.target}{against}", flags=re.ASCII)
        count = sum(re.sub(r"__\d+$", "", other) == name for other in names)
        names.append(f"{name}__{count + 1}" if count else name)
    return names


def arrays_npz(records: Sequence[NetworkExplanations]) -> bytes:
    """Return the arrays of `arrays` as a compressed npz file, which `numpy.load` reads without pickle."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays(records))  # type: ignore[arg-type]  # none is called like a setting of it
    return file.getvalue()


def settings_json(records: Sequence[NetworkExplanations]) -> str:
    """Return all calls with their settings as JSON, which `read_settings` reads back."""
    about = {
        "format": FORMAT,
        "asked": [_about(record) for record in records],
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }
    return json.dumps(about, ensure_ascii=False, indent=1, allow_nan=False)


def _about(record: NetworkExplanations) -> Mapping[str, Any]:
    picture = {"title": record.title, "digest": digest(record.pixels), "shape": list(record.pixels.shape)}
    names = names_of(record.attributions)
    return {
        "network": {**asdict(record.source), "weights": record.weights},
        "picture": picture,
        "explanations": [_explanation(record, *each) for each in zip(names, record.attributions, strict=True)],
    }


def _explanation(record: NetworkExplanations, name: str, attribution: Attribution) -> Mapping[str, Any]:
    method = METHODS[attribution.method]
    return {
        "array": name,
        "shape": list(attribution.values.shape),
        "method": attribution.method,
        "title": method.title,
        "paper": method.paper,
        "measures": method.measures,
        "signed": attribution.signed,
        "target": _class(record, attribution.target),
        "versus": None if attribution.versus is None else _class(record, attribution.versus),
        "score": attribution.score,
        "promise": _promise(attribution.gap),
        "options": dict(attribution.options),
    }


def _promise(gap: CompletenessGap | None) -> Mapping[str, Any] | None:
    if gap is None:
        return None
    return {"words": gap.promise.words, "sum": gap.total, "promised": gap.promised, "shortfall": gap.shortfall}


def _class(record: NetworkExplanations, index: int) -> Mapping[str, Any]:
    return {"index": index, "name": record.class_names[index]}
