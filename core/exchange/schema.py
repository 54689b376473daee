"""Validation of JSON in archives: a check takes a value and returns it, or raises ValueError."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.exchange.csv_tables import MAX_COUNT
from core.exchange.layout import refusal

Check = Callable[[Any], Any]
MAX_ROWS = 1_000_000


def parse(text: str, owner: str) -> object:
    """Return parsed JSON without duplicate keys, NaN or infinity; raises `ArchiveError`."""
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise refusal(f"{owner} is no valid JSON") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a field comes twice")
    return record


def _no_number(word: str) -> float:
    raise ValueError(word)


def record(value: object, owner: str) -> dict[str, Any]:
    """Return a JSON object as a mapping; raises `ArchiveError` if it is something else."""
    if not isinstance(value, dict):
        raise refusal(f"{owner} has no named fields")
    return value


def fields(values: Mapping[str, Any], checks: Mapping[str, Check], owner: str) -> dict[str, Any]:
    """Return the checked fields of a JSON object, which must be exactly those of `checks`; raises `ArchiveError`."""
    if set(values) != set(checks):
        odd = sorted(set(values) ^ set(checks))[0][:40]
        raise refusal(f"{owner} {'lacks' if odd in checks else 'has an unknown'} field {odd!r}")
    checked = {}
    for key, check in checks.items():
        try:
            checked[key] = check(values[key])
        except (ValueError, OverflowError) as error:
            raise refusal(f"The {key} in {owner} cannot be {repr(values[key])[:40]}") from error
    return checked


def rows(value: object, checks: Mapping[str, Check], owner: str) -> list[dict[str, Any]]:
    """Return a JSON list of such objects, each checked as by `fields`; raises `ArchiveError`."""
    if not isinstance(value, list) or len(value) > MAX_ROWS:
        raise refusal(f"{owner} is no list of what happened in a run")
    return [fields(record(item, owner), checks, owner) for item in value]


def _require(value: Any, fine: bool) -> Any:
    if not fine:
        raise ValueError
    return value


def number(value: Any) -> float:
    """Pass a finite number; `type` and not `isinstance`, since True is an int to Python."""
    return float(_require(value, type(value) in (int, float) and math.isfinite(value)))


def amount(value: Any) -> float:
    """Pass a finite number of at least 0."""
    return float(_require(number(value), value >= 0))


def share(value: Any) -> float:
    """Pass a number from 0 to 1."""
    return float(_require(number(value), 0 <= value <= 1))


def count(value: Any) -> int:
    """Pass a whole number that a database holds."""
    return int(_require(value, type(value) is int and 0 <= value <= MAX_COUNT))


def optional(check: Check) -> Check:
    """Return a check that also passes None."""
    return lambda value: None if value is None else check(value)


def text(most: int, *, least: int = 0) -> Check:
    """Return a check for a text of so many characters that a database holds."""
    return lambda value: _require(
        value, isinstance(value, str) and least <= len(value) <= most and "\0" not in value and _encodes(value)
    )


def name(most: int) -> Check:
    """Return a check for a plain name: letters, digits, "-" and "_", so that it can be part of a file's name."""
    return lambda value: _require(
        value, isinstance(value, str) and bool(re.fullmatch(rf"[\w-]{{1,{most}}}", value, re.A))
    )


def choice(values: Sequence[str]) -> Check:
    """Return a check for one of these texts."""
    return lambda value: _require(value, isinstance(value, str) and value in values)


def numbers(most: int) -> Check:
    """Return a check for a list of at most so many finite numbers."""
    return lambda value: tuple(number(item) for item in _require(value, isinstance(value, list) and len(value) <= most))


def sizes(least: int, most: int, length: int) -> Check:
    """Return a check for a list of exactly so many whole numbers in a range."""
    return lambda value: tuple(
        _require(item, type(item) is int and least <= item <= most)
        for item in _require(value, isinstance(value, list) and len(value) == length)
    )


def texts(most: int, each: int) -> Check:
    """Return a check for a list of at most so many texts, each with 1 to so many characters."""
    fine = text(each, least=1)
    return lambda value: tuple(fine(item) for item in _require(value, isinstance(value, list) and len(value) <= most))


def flag(value: Any) -> bool:
    """Pass True or False."""
    return bool(_require(value, isinstance(value, bool)))


def _encodes(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON lets through
        return False
    return True
