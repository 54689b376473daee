"""Explanations as files that outlive the program: raw arrays, and the settings that repeat them."""

import hashlib
import io
import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from core.explain.attribution import Attribution
from core.explain.calls import FORMAT, Call, Source
from core.explain.completeness import Gap
from core.explain.methods import METHODS

LIBRARIES = ("captum", "torch", "numpy", "scikit-image")
LETTERS = "ABCDEFGH"


@dataclass(frozen=True, eq=False)
class Record:
    """What one network was asked about one picture, and what came out.

    Attributes:
        source: The network.
        weights: The fingerprint of its weights, see `fingerprint`.
        class_names: The names of its classes; may hold what a user wrote.
        title: Where the picture comes from, in words; may hold what a user wrote.
        pixels: The picture before it was normalised, uint8 (C, H, W).
        image: As the network received it, float32 (C, H, W).
        found: The explanations.
    """

    source: Source
    weights: str
    class_names: tuple[str, ...]
    title: str
    pixels: Tensor
    image: Tensor
    found: tuple[Attribution, ...]


def digest(pixels: Tensor) -> str:
    """Return a name for these very pixels, uint8 (C, H, W)."""
    array = np.ascontiguousarray(pixels.numpy())
    return hashlib.blake2b(repr(tuple(array.shape)).encode() + array.tobytes(), digest_size=12).hexdigest()


def fingerprint(model: nn.Module) -> str:
    """Return a name for the weights and buffers of a network: another one whenever a number differs."""
    state = hashlib.blake2b(digest_size=12)
    for name, weight in model.state_dict().items():
        array = weight.detach().cpu().contiguous().numpy()
        state.update(f"{name} {array.dtype} {array.shape}".encode())
        state.update(array.tobytes())
    return state.hexdigest()


def call_of(attribution: Attribution) -> Call:
    """Return the call that gave an explanation."""
    return Call(attribution.method, attribution.target, attribution.versus, dict(attribution.options))


def arrays(records: Sequence[Record]) -> dict[str, NDArray[Any]]:
    """Return every array under its name: "image", "pixels", and "METHOD_class_TARGET" for each explanation.

    What is explained against another class is "METHOD_class_TARGET_versus_OTHER", the second of the same name ends
    with "__2". Of several networks, each name begins with "A_", "B_" and so on. Where a method promises what its
    values sum to, their sum and what was promised follow as "…_sum_and_promise", float64 (2,).
    """
    found: dict[str, NDArray[Any]] = {}
    for place, record in enumerate(records):
        start = f"{LETTERS[place]}_" if len(records) > 1 else ""
        found[f"{start}image"] = record.image.numpy()
        found[f"{start}pixels"] = record.pixels.numpy()
        names = names_of(record.found)
        for name, each in zip(names, record.found, strict=True):
            found[start + name] = each.values.numpy()
            if each.gap:
                found[f"{start}{name}_sum_and_promise"] = np.array([each.gap.total, each.gap.promised])
    return found


def names_of(found: Sequence[Attribution]) -> list[str]:
    """Return a name of letters, digits and "_" for each explanation, all of them different."""
    names: list[str] = []
    for each in found:
        against = "" if each.versus is None else f"_versus_{each.versus}"
        name = re.sub(r"\W", "_", f"{each.method}_class_{each.target}{against}", flags=re.ASCII)
        count = sum(re.sub(r"__\d+$", "", other) == name for other in names)
        names.append(f"{name}__{count + 1}" if count else name)
    return names


def arrays_npz(records: Sequence[Record]) -> bytes:
    """Return the arrays of `arrays` as a compressed npz file, which `numpy.load` reads without pickle."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays(records))  # type: ignore[arg-type]  # none is called like a setting of it
    return file.getvalue()


def settings_json(records: Sequence[Record]) -> str:
    """Return everything that was asked and how, as JSON: `core.explain.calls.read_settings` reads it back."""
    about = {
        "format": FORMAT,
        "asked": [_about(record) for record in records],
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }
    return json.dumps(about, ensure_ascii=False, indent=1, allow_nan=False)


def _about(record: Record) -> Mapping[str, Any]:
    picture = {"title": record.title, "digest": digest(record.pixels), "shape": list(record.pixels.shape)}
    names = names_of(record.found)
    return {
        "network": {**asdict(record.source), "weights": record.weights},
        "picture": picture,
        "explanations": [_explanation(record, *each) for each in zip(names, record.found, strict=True)],
    }


def _explanation(record: Record, name: str, found: Attribution) -> Mapping[str, Any]:
    method = METHODS[found.method]
    return {
        "array": name,
        "shape": list(found.values.shape),
        "method": found.method,
        "title": method.title,
        "paper": method.paper,
        "measures": method.measures,
        "signed": found.signed,
        "target": _class(record, found.target),
        "versus": None if found.versus is None else _class(record, found.versus),
        "score": found.score,
        "promise": _promise(found.gap),
        "options": dict(found.options),
    }


def _promise(gap: Gap | None) -> Mapping[str, Any] | None:
    if gap is None:
        return None
    return {"words": gap.promise.words, "sum": gap.total, "promised": gap.promised, "shortfall": gap.shortfall}


def _class(record: Record, index: int) -> Mapping[str, Any]:
    return {"index": index, "name": record.class_names[index]}
