"""The next training as query parameters: packed and read back with checks; nothing in them is ever executed."""

import zlib
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from core.data.catalog import DATASETS
from core.errors import ConfigError
from core.model.spec import MAX_TEXT, ModelSpec
from core.options import options
from core.train.config import TrainConfig
from pages.shared.shell import navigation

DATA, NETWORK = "data", "net"
MAX_NETWORK, MAX_SETTING = 8_000, 40  # characters; the largest preset takes 400
SETTINGS = {setting.name: setting for setting in options(TrainConfig)}
OTHERS = (*navigation.KEPT, "compare")  # what an address may say besides


@dataclass(frozen=True)
class Draft:
    """What would be trained next.

    Attributes:
        dataset: Key of the data set that the network is for.
        spec: The network.
        preset: Key of the preset that it was made from by changing layers and is still named after; empty for none.
    """

    dataset: str
    spec: ModelSpec
    preset: str = field(default="", compare=False)


def settings_link(dataset: str, spec: ModelSpec, config: TrainConfig) -> dict[str, str]:
    """Return the query parameters of the build page that rebuild a network and its settings.

    The settings are those that differ from their defaults, one parameter each.
    """
    changed = {name: getattr(config, name) for name, setting in SETTINGS.items()}
    changed = {name: value for name, value in changed.items() if value != SETTINGS[name].default}
    return {DATA: dataset, NETWORK: _packed(spec), **{name: str(value) for name, value in changed.items()}}


def read_link(params: Mapping[str, str]) -> tuple[Draft, TrainConfig]:
    """Return the network and the settings that query parameters describe.

    Raises:
        ConvScopeError: They describe none, for whatever reason; nothing in them is ever executed.
    """
    unknown = next((name for name in params if name not in (DATA, NETWORK, *SETTINGS, *OTHERS)), None)
    if unknown is not None:
        raise ConfigError(f"The link has an unknown setting {unknown[:40]!r}: copy it again from where it was made.")
    if DATA not in params or NETWORK not in params:
        raise ConfigError("The link is not whole: copy all of it, from http to the last character.")
    info = DATASETS.get(params[DATA])
    if info is None:
        raise ConfigError(f"There is no data set {params[DATA][:40]!r} here: bring it in on the data page first.")
    spec = _unpacked(params[NETWORK])
    if spec.input_shape != info.input_shape or spec.num_classes != len(info.class_names):
        raise ConfigError(f"The link's network does not fit the images of {info.title}: copy the link again.")
    values = {name: _value(name, params[name]) for name in SETTINGS if name in params}
    return Draft(params[DATA], spec), TrainConfig.from_mapping(values)


def _packed(spec: ModelSpec) -> str:
    return urlsafe_b64encode(zlib.compress(spec.to_json().encode(), 9)).rstrip(b"=").decode()


def _unpacked(text: str) -> ModelSpec:
    if len(text) > MAX_NETWORK:
        raise ConfigError(f"The link's network is too long: at most {MAX_NETWORK:,} characters are read.")
    try:
        raw = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        stream = zlib.decompressobj()
        content = stream.decompress(raw, MAX_TEXT)  # never more, however much is packed into it
        whole = stream.eof and not stream.unused_data
        decoded = content.decode()
    except (zlib.error, ValueError) as error:
        raise ConfigError("The link's network cannot be read: copy the whole link again.") from error
    if not whole:
        cause = "is too large" if len(content) >= MAX_TEXT else "is cut off"
        raise ConfigError(f"The link's network {cause}: copy the whole link again.")
    return ModelSpec.from_json(decoded)


def _value(name: str, text: str) -> Any:
    kind: Any = type(SETTINGS[name].default)
    try:
        return kind(text[:MAX_SETTING])
    except ValueError as error:
        label = SETTINGS[name].label.lower()
        raise ConfigError(f"The link's {label} is no number, but {text[:40]!r}: copy the link again.") from error


def to_text(draft: Draft, config: TrainConfig) -> str:
    """Return the network and the settings as the value of one query parameter, to be read by `from_text`."""
    return urlencode(settings_link(draft.dataset, draft.spec, config))


def from_text(text: str) -> tuple[Draft, TrainConfig]:
    """Read what `to_text` wrote; raises `ConvScopeError` if it is anything else, or its data set is gone."""
    return read_link(dict(parse_qsl(text[: MAX_NETWORK + len(SETTINGS) * 2 * MAX_SETTING])))
