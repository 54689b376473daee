"""Whatever a method's library raises is a sentence, so that the other methods of a grid or command go on."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from core.errors import ExplainError
from core.explain.attribution import attribute
from core.explain.methods.registry import METHODS


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).eval()


class Broken(nn.Module):
    """Answers once, then fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.inner, self.error, self.answered = network(), error, list[int]()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.answered:
            raise self.error
        self.answered.append(1)
        return self.inner(images)


@pytest.mark.parametrize(
    "error", [AssertionError("Module has no input."), IndexError("3"), TypeError("x\ny"), KeyError("k"), RuntimeError()]
)
def test_any_exception_inside_a_method_is_a_sentence(error: Exception) -> None:
    with pytest.raises(ExplainError, match=rf"Occlusion failed on this network \({type(error).__name__}.*another"):
        attribute(Broken(error), torch.randn(3, 8, 8), 0, "occlusion")


def test_captums_own_refusal_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def compute(asked: object) -> torch.Tensor:
        raise AssertionError("Module Softmax of type <class> has no rule defined")

    monkeypatch.setitem(METHODS, "saliency", replace(METHODS["saliency"], compute=compute))
    with pytest.raises(ExplainError, match="Saliency failed on this network"):
        attribute(network(), torch.randn(3, 8, 8), 0, "saliency")


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("out of memory")])
def test_too_little_memory_is_said(error: Exception) -> None:
    with pytest.raises(ExplainError, match="Occlusion needs more memory"):
        attribute(Broken(error), torch.randn(3, 8, 8), 0, "occlusion")


def test_who_cancels_gets_the_own_exception_back() -> None:
    class Left(Exception):
        pass

    def leave(done: int, total: int) -> None:
        raise Left

    with pytest.raises(Left):
        attribute(network(), torch.randn(3, 8, 8), 0, "occlusion", progress=leave)
