"""Facts about layers as data."""

from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest

from core.errors import SpecError
from core.model.layers import (
    ACTIVATIONS,
    LAYERS,
    Activation,
    AvgPool,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Residual,
)
from core.options import options

KINDS = list(LAYERS.values())


def test_equal_settings_of_two_kinds_stay_apart_as_plain_values() -> None:
    assert asdict(MaxPool(2)) != asdict(AvgPool(2))
    assert asdict(Flatten()) != asdict(GlobalAvgPool())
    assert MaxPool(2) != AvgPool(2)
    assert len({str(asdict(kind())) for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_shown_in_a_menu(kind: type[Layer]) -> None:
    assert LAYERS[kind().kind] is kind
    assert kind.title and kind.prefix and kind.description.endswith(".")
    with pytest.raises(FrozenInstanceError):
        kind().kind = "other"  # type: ignore[misc]


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_says_what_a_widget_needs_and_matters(kind: type[Layer]) -> None:
    assert [setting.name for setting in options(kind)] == [f.name for f in fields(kind) if f.name != "kind"]
    for setting in options(kind):
        assert all(setting.choices.values())
        assert setting.label and setting.help.endswith(".")
        assert (setting.min is None) == (setting.max is None)
        allowed = [*setting.choices, *([setting.min, setting.max] if setting.min is not None else [])]
        assert len({replace(kind(), **{setting.name: value}) for value in allowed}) == len(allowed) >= 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_refuses_what_is_out_of_its_range(kind: type[Layer]) -> None:
    for setting in options(kind):
        wrong = [True, None, "", "nonsense", [3], float("nan")]
        if setting.min is not None:
            wrong += [setting.min - 1, setting.max + 1, 10**30]
        if not isinstance(setting.default, float):
            wrong += [2.0, 10**30]
        for value in (value for value in wrong if value not in (*setting.choices,)):
            with pytest.raises(SpecError, match=f"^{kind.title}: {setting.label.lower()} must be .*, not"):
                kind(**{setting.name: value})


def test_sentences_name_the_range() -> None:
    with pytest.raises(SpecError, match=r"^Convolution: filters must be a whole number from 1 to 1024, not 0.$"):
        Conv(0)
    with pytest.raises(SpecError, match=r"padding must be 'same' or a whole number from 0 to 16, not 'full'.$"):
        Conv(padding="full")
    with pytest.raises(SpecError, match=r"function must be 'relu', 'leaky_relu', .* or 'silu', not 'swish'.$"):
        Activation("swish")
    with pytest.raises(SpecError, match=r"kernel size must be 1, 3, 5 or 7, not 4.$"):
        Residual(kernel_size=4)


def test_a_share_may_be_a_whole_number() -> None:
    assert type(Dropout(0).p) is float
    assert asdict(Dropout(0)) == {"kind": "dropout", "p": 0.0}


def test_the_defaults_are_those_that_beginners_expect() -> None:
    assert Conv() == Conv(32, 3, 1, "same", 1, 1)
    assert MaxPool() == MaxPool(2, 2, 0)
    assert Dense() == Dense(128)
    assert set(ACTIVATIONS) == {"relu", "leaky_relu", "sigmoid", "tanh", "gelu", "silu"}
