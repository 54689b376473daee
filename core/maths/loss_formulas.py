"""The losses written out as LaTeX: in symbols, with their numbers, and what comes out."""

from typing import TYPE_CHECKING

import numpy as np

from core.maths.losses import log_softmax, loss_gradient, loss_value, softmax
from core.maths.terms import latex_number

if TYPE_CHECKING:
    from numpy.typing import NDArray
TERMS = 2  # of a sum that are written out


def value_formula(loss: str, logits: "NDArray[np.float64]", label: int) -> str:
    """Return the value of a loss: symbols, the same with numbers, and what comes out, one below the other."""
    p, value = softmax(logits), loss_value(loss, logits[None], [label])
    if loss == "cross_entropy":
        return _lines("L", [r"-\log p_t", rf"-\log {latex_number(p[label])}", _result(value)])
    if loss == "nll":
        total = logits[label] - log_softmax(logits)[label]  # log Σ exp(z)
        parts = [r"-\bigl(z_t - \log \textstyle\sum_j e^{z_j}\bigr)"]
        parts += [rf"-\bigl({latex_number(logits[label])} - {latex_number(total)}\bigr)", latex_number(value)]
        return _lines("L", parts)
    gaps = p - np.eye(len(p))[label]
    order = [label, *(index for index in np.argsort(-p, kind="stable").tolist() if index != label)][:TERMS]
    squares = " + ".join(f"{latex_number(gaps[index])}^2" for index in order)
    more = r" + \dots" if len(p) > TERMS else ""
    kinds = len(p)
    return _lines(
        "L",
        [
            r"\tfrac{1}{K} \textstyle\sum_k (p_k - y_k)^2",
            rf"\tfrac{{1}}{{{kinds}}} \bigl({squares}{more}\bigr)",
            _result(value),
        ],
    )


def gradient_formula(loss: str, logits: "NDArray[np.float64]", label: int) -> str:
    """Return the gradient at the true class's logit in the same way."""
    p, slope = softmax(logits), float(loss_gradient(loss, logits[None], [label])[0, label])
    left = r"\tfrac{\partial L}{\partial z_t}"
    if loss != "mse":
        symbols = "p_t - 1" if loss == "cross_entropy" else r"e^{\ell_t} - 1"
        own = latex_number(p[label])
        if loss == "nll":
            own = rf"e^{{{_result(log_softmax(logits)[label])}}}"
        return _lines(left, [symbols, f"{own} - 1", _result(slope)])
    gaps = p - np.eye(len(p))[label]
    mean = float((p * gaps).sum())
    factors = rf"\tfrac{{2}}{{{len(p)}}} \cdot {latex_number(p[label])}"
    return _lines(
        left,
        [
            r"\tfrac{2}{K}\,p_t\,(p_t - 1 - s)",
            rf"{factors} \cdot ({_result(gaps[label])} - {latex_number(mean)})",
            _result(slope),
        ],
        rf"s &= \textstyle\sum_j p_j (p_j - y_j) = {_result(mean)}",
    )


def _result(value: float) -> str:
    return latex_number(value, brackets=False)


def _lines(left: str, rights: list[str], given: str = "") -> str:
    first, *rest = rights
    rows = [*([given] if given else []), f"{left} &= {first}", *(f"&= {right}" for right in rest)]
    return r"\begin{aligned}" + r" \\ ".join(rows) + r"\end{aligned}"
