"""Update rules of the optimisers, line by line, equal to those of torch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.maths.terms import Calculation

# What a sheet begins with: the old weight, dL/d weight, the number of this step, the settings and the memory.
SYMBOLS = {
    "old": "w_{t-1}",
    "raw": r"\nabla L",
    "t": "t",
    "lr": r"\eta",
    "decay": r"\lambda",
    "mu": r"\mu",
    "beta1": r"\beta_1",
    "beta2": r"\beta_2",
    "alpha": r"\alpha",
    "eps": r"\epsilon",
    "b_old": "b_{t-1}",
    "m_old": "m_{t-1}",
    "v_old": "v_{t-1}",
}


@dataclass(frozen=True)
class UpdateRule:
    """The update rule of an optimiser: its formulas and settings.

    Attributes:
        title: What it is called on screen.
        formula: The new weight in LaTeX.
        work: Writes the lines from the gradient "g" to the new weight "new".
    """

    title: str
    formula: str
    work: Callable[[Calculation], None]


def _gradient(sheet: Calculation) -> None:
    if sheet["decay"]:
        sheet.write("g", "g_t", r"$raw + $decay \cdot $old", sheet["raw"] + sheet["decay"] * sheet["old"])
    else:
        sheet.write("g", "g_t", "$raw", sheet["raw"])


def _velocity(sheet: Calculation) -> None:
    sheet.write("b", "b_t", r"$mu \cdot $b_old + $g", sheet["mu"] * sheet["b_old"] + sheet["g"])


def _take(sheet: Calculation, along: str) -> None:
    sheet.write("step", "s_t", rf"$lr \cdot ${along}", sheet["lr"] * sheet[along])
    sheet.write("new", "w_t", "$old - $step", sheet["old"] - sheet["step"])


def _squares(sheet: Calculation, share: str) -> None:
    value = sheet[share] * sheet["v_old"] + (1 - sheet[share]) * sheet["g"] ** 2
    sheet.write("v", "v_t", rf"${share} \cdot $v_old + (1 - ${share}) \cdot $g^2", value)


def _descent(sheet: Calculation) -> None:
    _gradient(sheet)
    _take(sheet, "g")


def _momentum(sheet: Calculation) -> None:
    _gradient(sheet)
    _velocity(sheet)
    _take(sheet, "b")


def _nesterov(sheet: Calculation) -> None:
    _gradient(sheet)
    _velocity(sheet)
    sheet.write("ahead", "d_t", r"$g + $mu \cdot $b", sheet["g"] + sheet["mu"] * sheet["b"])
    _take(sheet, "ahead")


def _rmsprop(sheet: Calculation) -> None:
    _gradient(sheet)
    _squares(sheet, "alpha")
    value = sheet["lr"] * sheet["g"] / (np.sqrt(sheet["v"]) + sheet["eps"])
    sheet.write("step", "s_t", r"$lr \cdot \frac{$g}{\sqrt{$v} + $eps}", value)
    sheet.write("new", "w_t", "$old - $step", sheet["old"] - sheet["step"])


def _adaptive(sheet: Calculation, start: str) -> None:
    mean = sheet["beta1"] * sheet["m_old"] + (1 - sheet["beta1"]) * sheet["g"]
    sheet.write("m", "m_t", r"$beta1 \cdot $m_old + (1 - $beta1) \cdot $g", mean)
    _squares(sheet, "beta2")
    for name, share in (("m", "beta1"), ("v", "beta2")):
        value = sheet[name] / (1 - sheet[share] ** sheet["t"])
        sheet.write(f"{name}_hat", rf"\hat {name}_t", rf"\frac{{${name}}}{{1 - ${share}^{{$t}}}}", value)
    value = sheet["lr"] * sheet["m_hat"] / (np.sqrt(sheet["v_hat"]) + sheet["eps"])
    sheet.write("step", "s_t", r"$lr \cdot \frac{$m_hat}{\sqrt{$v_hat} + $eps}", value)
    sheet.write("new", "w_t", f"${start} - $step", sheet[start] - sheet["step"])


def _adam(sheet: Calculation) -> None:
    _gradient(sheet)
    _adaptive(sheet, "old")


def _adamw(sheet: Calculation) -> None:
    sheet.write("g", "g_t", "$raw", sheet["raw"])
    if not sheet["decay"]:
        return _adaptive(sheet, "old")
    shrunk = (1 - sheet["lr"] * sheet["decay"]) * sheet["old"]
    sheet.write("shrunk", "w'_t", r"(1 - $lr \cdot $decay) \cdot $old", shrunk)
    return _adaptive(sheet, "shrunk")


_ADAM = r"w_{t-1} - \eta\,\frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}"
_ADAMW = r"(1 - \eta \lambda)\,w_{t-1} - \eta\,\frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}"
_RMSPROP = r"w_{t-1} - \eta\,\frac{g_t}{\sqrt{v_t} + \epsilon}"
OPTIMIZERS = {
    "adam": UpdateRule("Adam", _ADAM, _adam),
    "adamw": UpdateRule("AdamW", _ADAMW, _adamw),
    "rmsprop": UpdateRule("RMSProp", _RMSPROP, _rmsprop),
    "nesterov": UpdateRule("Nesterov momentum", r"w_{t-1} - \eta\,(g_t + \mu\,b_t)", _nesterov),
    "momentum": UpdateRule("Momentum", r"w_{t-1} - \eta\,b_t", _momentum),
    "sgd": UpdateRule("Stochastic gradient descent", r"w_{t-1} - \eta\,g_t", _descent),
    "gd": UpdateRule("Gradient descent", r"w_{t-1} - \eta\,g_t", _descent),
}
