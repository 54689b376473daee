"""A step by hand is torch's step, and every line that is shown comes to the value beside it."""

import re

import numpy as np
import pytest
import torch

from core.errors import ConvScopeError
from core.maths.optimizers import OPTIMIZERS, OptimizerState, update
from core.train import choices

LINES = {
    "adam": ["g_t", "m_t", "v_t", r"\hat m_t", r"\hat v_t", "s_t", "w_t"],
    "adamw": ["g_t", "m_t", "v_t", r"\hat m_t", r"\hat v_t", "s_t", "w_t"],
    "rmsprop": ["g_t", "v_t", "s_t", "w_t"],
    "nesterov": ["g_t", "b_t", "d_t", "s_t", "w_t"],
    "momentum": ["g_t", "b_t", "s_t", "w_t"],
    "sgd": ["g_t", "s_t", "w_t"],
    "gd": ["g_t", "s_t", "w_t"],
}


def torchs(name: str, weights: list[torch.Tensor], lr: float, decay: float) -> torch.optim.Optimizer:
    settings = {"lr": lr, "weight_decay": decay}
    if name in ("momentum", "nesterov"):
        return torch.optim.SGD(weights, momentum=0.8, nesterov=name == "nesterov", **settings)
    if name in ("adam", "adamw"):
        maker = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
        return maker(weights, betas=(0.85, 0.99), eps=1e-7, **settings)
    if name == "rmsprop":
        return torch.optim.RMSprop(weights, alpha=0.95, eps=1e-7, **settings)
    return torch.optim.SGD(weights, **settings)


def worth(formula: str) -> float:
    """Return what a line of LaTeX with numbers in it comes to."""
    text = formula.replace(r"\cdot", "*")
    while r"\frac" in text or r"\sqrt" in text:
        text = re.sub(r"\\sqrt\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}", r"((\1)**0.5)", text)
        text = re.sub(r"\\frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}", r"((\1)/(\2))", text)
    return float(eval(text.replace("^", "**").replace("{", "(").replace("}", ")"), {"__builtins__": {}}))  # noqa: S307


def test_names_and_titles_are_those_of_the_training():
    assert {name: rule.title for name, rule in OPTIMIZERS.items()} == choices.titles(choices.OPTIMIZERS)


@pytest.mark.parametrize("decay", [0.0, 0.03])
@pytest.mark.parametrize("shape", [(), (3, 2)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_many_steps_are_those_of_torch(name: str, shape: tuple[int, ...], decay: float):
    random = torch.Generator().manual_seed(1)
    theirs = torch.randn(shape, dtype=torch.float64, generator=random)
    ours, state = theirs.numpy().copy(), OptimizerState()
    optimizer = torchs(name, [theirs], 0.05, decay)
    settings = {"momentum": 0.8, "beta1": 0.85, "beta2": 0.99, "alpha": 0.95, "eps": 1e-7}
    for _ in range(12):
        theirs.grad = torch.randn(shape, dtype=torch.float64, generator=random)
        optimizer.step()
        step = update(name, ours, theirs.grad, state, lr=0.05, weight_decay=decay, **settings)
        ours, state = step.weight, step.state
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)
    assert state.step == 12


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_lines_stand_in_the_order_of_calculation(name: str):
    step = update(name, 0.5, 0.2, lr=0.1)
    assert [term.symbol for term in step.terms] == LINES[name]
    assert step.terms[-1].value == step.weight
    decayed = [term.symbol for term in update(name, 0.5, 0.2, lr=0.1, weight_decay=0.1).terms]
    assert decayed == (["g_t", "w'_t", *LINES[name][1:]] if name == "adamw" else LINES[name])


@pytest.mark.parametrize("decay", [0.0, 0.03])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_line_with_numbers_in_it_comes_to_its_value(name: str, decay: float):
    state = OptimizerState()
    for gradient in (0.3, -0.0123, 2e-6):
        step = update(name, -0.7, gradient, state, lr=0.01, weight_decay=decay)
        state = step.state
        for term in step.terms:
            assert "$" not in term.formula
            assert worth(term.substituted) == pytest.approx(float(term.value), rel=2e-3)


def test_a_first_step_of_adam_by_hand():
    step = update("adam", 1.0, 0.5, lr=0.1)
    values = {term.symbol: float(term.value) for term in step.terms}
    assert values["m_t"] == pytest.approx(0.05)
    assert values["v_t"] == pytest.approx(0.00025)
    assert values[r"\hat m_t"] == pytest.approx(0.5)
    assert values[r"\hat v_t"] == pytest.approx(0.25)
    assert float(step.weight) == pytest.approx(0.9)
    lines = {term.symbol: (term.formula, term.substituted) for term in step.terms}
    assert lines["m_t"] == (
        r"\beta_1 \cdot m_{t-1} + (1 - \beta_1) \cdot g_t",
        r"0.9 \cdot 0 + (1 - 0.9) \cdot 0.5",
    )
    assert lines["s_t"][1] == r"0.1 \cdot \frac{0.5}{\sqrt{0.25} + (1 \cdot 10^{-8})}"
    assert lines["w_t"] == ("w_{t-1} - s_t", "1 - 0.1")


def test_two_steps_of_momentum_by_hand():
    first = update("momentum", [1.0, -1.0], [1.0, 2.0], lr=0.1, momentum=0.5)
    np.testing.assert_allclose(first.weight, [0.9, -1.2], rtol=1e-15)
    second = update("momentum", first.weight, [1.0, 0.0], first.state, lr=0.1, momentum=0.5)
    np.testing.assert_allclose(second.weight, [0.75, -1.3], rtol=1e-15)
    assert second.state.first.tolist() == [1.5, 1.0]
    assert second.terms[0].substituted == ""


def test_a_gradient_that_is_no_number_is_shown_as_such():
    step = update("adam", 1.0, float("nan"), lr=0.1)
    assert np.isnan(step.weight)
    assert step.terms[0].substituted == r"\text{NaN}"


def test_what_does_not_fit_gets_a_sentence():
    with pytest.raises(ConvScopeError, match="no optimiser 'adagrad'"):
        update("adagrad", 1.0, 1.0, lr=0.1)
    with pytest.raises(ConvScopeError, match="gradient must have the shape"):
        update("sgd", [1.0, 2.0], [1.0], lr=0.1)
    with pytest.raises(ConvScopeError, match="beta1 must be from 0 to below 1, not 1"):
        update("adam", 1.0, 1.0, lr=0.1, beta1=1)
    with pytest.raises(ConvScopeError, match="optimiser's memory must have the shape"):
        update("adam", [1.0, 2.0], [1.0, 2.0], OptimizerState(1, np.zeros(3), np.zeros(3)), lr=0.1)
