"""The registry reads well and checks its options."""

import pytest

from core.errors import ExplainError
from core.explain.methods.perturbation import windows
from core.explain.methods.registry import METHODS
from core.options import Option


def test_keys_are_names_and_everything_is_said() -> None:
    assert len(METHODS) == 28
    for name, method in METHODS.items():
        assert method.name == name
        assert method.title
        assert any(word in method.paper for word in ("arXiv:", "doi:"))
        for sentence in (method.measures, method.cannot):
            assert sentence.endswith(".")
            assert sentence[0].isupper()
        assert method.positive
        assert bool(method.negative) == method.signed
        assert method.blank.endswith(".")
        assert method.signed or not method.promise


@pytest.mark.parametrize("name", METHODS)
def test_defaults_are_allowed_and_complete(name: str) -> None:
    method = METHODS[name]
    resolved = method.resolve({})
    assert resolved == {option.name: option.default for option in method.options}
    assert method.resolve(resolved) == resolved
    assert method.passes(resolved, (3, 32, 32)) >= 1 + method.backward


@pytest.mark.parametrize(
    ("option", "value"),
    [("steps", 0), ("steps", 10**6), ("steps", True), ("steps", 2.5), ("steps", "32"), ("steps", None)],
)
def test_a_number_out_of_range_gets_a_sentence(option: str, value: object) -> None:
    with pytest.raises(ExplainError, match="Steps of Integrated gradients must be a whole number from 8 to 256"):
        METHODS["integrated_gradients"].resolve({option: value})  # type: ignore[dict-item]


def test_an_unknown_option_gets_a_sentence() -> None:
    with pytest.raises(ExplainError, match=r"Saliency has no option 'steps': it has no options\."):
        METHODS["saliency"].resolve({"steps": 3})
    with pytest.raises(
        ExplainError, match=r"Occlusion has no option 'size': its options are window, stride, baseline\."
    ):
        METHODS["occlusion"].resolve({"size": 3})
    with pytest.raises(ExplainError, match="must be the name of a layer"):
        METHODS["grad_cam"].resolve({"layer": 3})


def test_a_number_may_be_left_to_the_method_or_be_a_fraction() -> None:
    noise = METHODS["smooth_grad"].resolve({"noise": 1})["noise"]
    assert (noise, type(noise)) == (1.0, float)
    assert METHODS["occlusion"].resolve({"window": None})["window"] is None
    with pytest.raises(ExplainError, match=r"Noise of SmoothGrad must be a number from 0\.01 to 1, not 2"):
        METHODS["smooth_grad"].resolve({"noise": 2})


def test_a_choice_is_one_of_its_list() -> None:
    assert METHODS["lrp"].resolve({"rule": "gamma"}) == {"rule": "gamma"}
    with pytest.raises(ExplainError, match="Rule of LRP must be one of epsilon, gamma, alpha1_beta0, not 'z'"):
        METHODS["lrp"].resolve({"rule": "z"})


def test_a_layer_option_takes_names_and_none() -> None:
    option = Option("layer", "Layer", None, "")
    assert option.check("conv1") == "conv1"
    assert option.check(None) is None


@pytest.mark.parametrize(("length", "window", "stride"), [(8, 4, 2), (9, 4, 2), (5, 5, 3), (7, 1, 1), (32, 4, 3)])
def test_windows_cover_the_side(length: int, window: int, stride: int) -> None:
    starts = [0]
    while starts[-1] + window < length:
        starts.append(starts[-1] + stride)
    assert windows(length, window, stride) == len(starts)
