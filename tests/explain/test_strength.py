"""Whether a map says nothing, is weak or is clear, against maps computed by hand; and the method that comes next."""

import pytest
import torch

from core.errors import ConvScopeError, ExplainError
from core.explain.attribution import Attribution
from core.explain.strength import CLEAR, faint_sentence, full_colour, maps_that_say_something, strength_of


def of(method: str, values: object, score: float, cells: tuple[int, int] | None = None) -> Attribution:
    return Attribution(torch.tensor(values, dtype=torch.float32), method, 0, False, score, {}, cells=cells)


@pytest.mark.parametrize(
    ("attribution", "kind", "share", "full"),
    [
        # Four pixels of mean 0.25 stretched from 3 × 3 cells: 9 · 0.25 = 2.25 of a score of 10.
        (of("grad_cam", [[1, 0], [0, 0]], 10, (3, 3)), "clear", 0.225, 0),
        # 9 · 0.05 = 0.45: 4.5 % of 10, so that full colour is 0.2 · 10 / 4.5.
        (of("grad_cam", [[0.2, 0], [0, 0]], 10, (3, 3)), "weak", 0.045, 4 / 9),
        (of("grad_cam", [[0.2, 0], [0, 0]], -10, (3, 3)), "weak", 0.045, 4 / 9),
        (of("xgrad_cam", [[0.04, 0], [0, 0]], 10, (3, 3)), "nothing", 0.009, 4 / 9),
        (of("grad_cam", [[0, 0], [0, 0]], 10, (3, 3)), "nothing", 0, 0),
        # Signs do not cancel: 4 · (0.5 + 0.5) / 4 of 10.
        (of("layer_grad_x_activation", [[0.5, -0.5], [0, 0]], 10, (2, 2)), "clear", 0.1, 0),
        # The range is from the lowest value, at most zero, to the highest: 0.2 + 0.1, then 0.2, then 0.05 of 10.
        (of("occlusion", [[0.2, -0.1]], 10), "clear", 0.03, 0),
        (of("occlusion", [[0.2, 0.1]], 10), "weak", 0.02, 0.3),
        (of("lime", [[0.05, 0.02]], 10), "nothing", 0.005, 0.3),
        # Gradients are no part of the score, neither is anything a part of zero.
        (of("saliency", [[1e-5, 0]], 10), "clear", None, 0),
        (of("saliency", [[0, 0]], 10), "nothing", 0, 0),
        (of("grad_cam", [[1e-5, 0]], 0, (1, 2)), "clear", None, 0),
    ],
)
def test_strength_of_maps_computed_by_hand(
    attribution: Attribution, kind: str, share: float | None, full: float
) -> None:
    found = strength_of(attribution)
    assert found.kind == kind
    assert found.share == (None if share is None else pytest.approx(share, rel=1e-5))
    assert found.full_colour == pytest.approx(full, rel=1e-5)
    assert bool(found.text) == (kind != "clear")


def test_one_clear_map_lets_those_in_its_scale_be_as_faint_as_they_are() -> None:
    clear, weak = of("grad_cam", [[1.0, 0]], 1, (1, 2)), of("grad_cam", [[0.05, 0]], 1, (1, 2))
    assert full_colour([weak]) == pytest.approx(0.1)
    assert full_colour([weak, clear]) == 0
    assert full_colour([of("grad_cam", [[0.0, 0]], 1, (1, 2))]) == 0


def test_the_next_method_that_says_something_comes_in_its_place() -> None:
    silent, loud = of("grad_cam", [[0.0, 0]], 1, (1, 2)), of("layer_cam", [[1.0, 0]], 1, (1, 2))
    maps: dict[str, list[Attribution | ConvScopeError]] = {
        "layer_cam": [loud],
        "layer_grad_x_activation": [of("layer_grad_x_activation", [[1.0, 0]], 1, (1, 2))],
    }
    name, found, reason = maps_that_say_something("grad_cam", [silent], maps.__getitem__)
    assert (name, found) == ("layer_cam", [loud])
    assert reason == "In place of Grad-CAM. Every value is zero: no region of this layer speaks for the class."
    # One that is there already, one that says nothing either and one that cannot are passed over.
    without = maps_that_say_something("grad_cam", [silent], maps.__getitem__, without=("layer_cam",))
    assert without[0] == "layer_grad_x_activation"
    for other in (silent, ExplainError("It cannot.")):
        assert maps_that_say_something("grad_cam", [silent], (maps | {"layer_cam": [other]}).__getitem__)[0] == (
            "layer_grad_x_activation"
        )
    # Where one of two networks is answered, and where nothing comes next, the maps stay.
    assert maps_that_say_something("grad_cam", [silent, loud], maps.__getitem__)[0] == "grad_cam"

    def refuse(name: str) -> list[Attribution | ConvScopeError]:
        raise ExplainError("It cannot.")

    assert maps_that_say_something("grad_cam", [silent], refuse) == ("grad_cam", [silent], "")
    nothing = of("saliency", [[0.0, 0]], 1)
    assert maps_that_say_something("saliency", [nothing], maps.__getitem__) == ("saliency", [nothing], "")


def test_of_several_maps_it_is_said_how_many_are_faint() -> None:
    weak, nothing = (strength_of(of("grad_cam", [[value, 0]], 10, (1, 2))) for value in (0.5, 0.1))
    assert faint_sentence([CLEAR, CLEAR]) == ""
    assert faint_sentence([CLEAR, weak, nothing, nothing]) == (
        "Of these 4 maps 1 is weak and 2 say next to nothing: their colours stay faint."
    )
