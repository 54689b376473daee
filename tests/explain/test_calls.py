"""Settings and command lines say exactly what was asked, and nothing else is taken for them."""

import json
import shlex

import pytest

from core.errors import ExplainError
from core.explain.cli.record import FORMAT, ExplanationCall, NetworkReference, command, in_one_line, read_settings
from core.explain.methods.registry import METHODS

SOURCE = NetworkReference("0123456789", "A “network”", "digits", 3)


def settings(**changed: object) -> str:
    explanation = {"method": "occlusion", "target": {"index": 2}, "versus": None, "options": {"window": 3}}
    part = {
        "network": {"model": "0123456789", "name": "N", "dataset": "digits", "epoch": 3, "weights": "ab"},
        "picture": {"digest": "cd"},
        "explanations": [explanation | changed],
    }
    return json.dumps({"format": FORMAT, "asked": [part]})


def test_a_command_line_names_network_classes_methods_and_what_differs_from_the_defaults() -> None:
    usual = METHODS["occlusion"].resolve({})
    calls = [
        ExplanationCall(method, target, 7, options)
        for target in (2, 5)
        for method, options in (("saliency", METHODS["saliency"].resolve({})), ("occlusion", usual | {"window": 3}))
    ]
    line = command(SOURCE, "my picture.png", calls, ["out.png", "out.npz"])
    words = shlex.split(line)
    assert words[:6] == ["python", "-m", "core.explain", "my picture.png", "--model", "0123456789"]
    assert words[6:] == [
        *("--epoch", "3", "--method", "saliency,occlusion", "--class", "2", "--class", "5", "--versus", "7"),
        *("--option", "occlusion.window=3", "-o", "out.png", "-o", "out.npz"),
    ]
    assert command(SOURCE, "a.png", calls, ["b.png"], received=True).endswith(" --swap no -o b.png")


def test_one_line_asks_every_method_the_same() -> None:
    calls = [ExplanationCall(method, target) for method in ("saliency", "occlusion") for target in (2, 5)]
    assert in_one_line(calls)
    assert in_one_line([ExplanationCall(call.method, call.target, 7) for call in calls])
    assert not in_one_line(calls[:3])
    assert not in_one_line([*calls, ExplanationCall("saliency", 2, 7)])
    assert not in_one_line([*calls, calls[0]])
    assert not in_one_line([*calls[:3], ExplanationCall("occlusion", 5, None, {"window": 3})])
    assert not in_one_line([])


def test_settings_are_read_as_the_calls_that_they_are() -> None:
    (asked,) = read_settings(settings(versus={"index": 5}))
    assert asked.source == NetworkReference("0123456789", "N", "digits", 3)
    assert (asked.weights, asked.digest) == ("ab", "cd")
    options = METHODS["occlusion"].resolve({"window": 3})
    assert asked.calls == (ExplanationCall("occlusion", 2, 5, options),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "damaged"),
        ("[]", "not written by this version"),
        ('{"format": 99}', "not written by this version"),
        (json.dumps({"format": FORMAT}), "damaged"),
        (json.dumps({"format": FORMAT, "asked": []}), "names no network"),
        (json.dumps({"format": FORMAT, "asked": [{"network": 3}]}), "damaged"),
        ("[" * 100_000, "damaged"),
        (settings(method="astrology"), "'astrology'"),
        (settings(method=["saliency"]), "damaged"),
        (settings(target={"index": True}), "damaged"),
        (settings(target={"index": -1}), "damaged"),
        (settings(versus={"index": 1.5}), "damaged"),
        (settings(options={"window": 0}), "whole number from"),
        (settings(options={"speed": 1}), "no option 'speed'"),
        (settings(options=3), "damaged"),
    ],
)
def test_what_is_no_file_of_settings_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ExplainError, match=words) as refused:
        read_settings(text)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)
