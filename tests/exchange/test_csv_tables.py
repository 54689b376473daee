"""The table of the steps gives back every number to the last bit, and takes nothing else."""

import math
import random
import struct

import pytest

from core.exchange.csv_tables import curves_csv, read_curves
from core.exchange.layout import COLUMNS, ArchiveError
from core.runs.records import Metric

METRICS = (
    Metric(1, 1, 0.1, 0.25, 1 / 3, 0.125),
    Metric(2, 1, 1e-7, 1e22, 5e-324, 1.0, valid_loss=2.0000000000000004, valid_accuracy=0.0),
)
HEAD = ",".join(COLUMNS) + "\n"


def test_the_table_is_what_a_spreadsheet_reads():
    assert curves_csv(METRICS) == (
        "step,epoch,lr,seconds,train_loss,train_accuracy,valid_loss,valid_accuracy\n"
        "1,1,0.1,0.25,0.3333333333333333,0.125,,\n"
        "2,1,1e-07,1e+22,5e-324,1.0,2.0000000000000004,0.0\n"
    )


def test_any_float_comes_back_to_the_last_bit():
    draw = random.Random(0)
    floats = [struct.unpack("<d", draw.randbytes(8))[0] for _ in range(4000)]
    floats = [value for value in floats if math.isfinite(value)]
    metrics = tuple(Metric(step, step, *floats[step : step + 6]) for step in range(1, 600))
    assert read_curves(curves_csv(metrics)) == metrics
    assert read_curves(curves_csv(())) == ()
    assert read_curves(curves_csv(METRICS)) == METRICS


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1,1,0.1,0.1,nan,0.5,,", "Line 3"),
        ("3,1,0.1,0.1,inf,0.5,,", "Line 3"),
        ("3,1,0.1,0.1,-Infinity,0.5,,", "Line 3"),
        ("3,1,0.1,0.1,lots,0.5,,", "Line 3"),
        ("3,1,0.1,0.1,0.5,,", "Line 3"),
        ("3,1,0.1,0.1,0.5,0.5,,,", "Line 3"),
        ("3.0,1,0.1,0.1,0.5,0.5,,", "Line 3"),
        ("٣,1,0.1,0.1,0.5,0.5,,", "Line 3"),
        ("0,1,0.1,0.1,0.5,0.5,,", "Line 3"),
        ("-3,1,0.1,0.1,0.5,0.5,,", "Line 3"),
        ("99999999999999999999,1,0.1,0.1,0.5,0.5,,", "Line 3"),
        ("3,0,0.1,0.1,0.5,0.5,,", "Line 3"),
        ("2,1,0.1,0.1,0.5,0.5,,", "not in order"),
        ("1,1,0.1,0.1,0.5,0.5,,", "not in order"),
        ("3,1,0.1,0.1,0.5,0.5,,", "not in order"),
        ('"3,1,0.1,0.1,0.5,0.5,,', "no table"),
        ("3\0,1,0.1,0.1,0.5,0.5,,", "no table|Line 3"),
        ("x" * 200_000, "no table"),
        ("", "Line 3"),
    ],
)
def test_what_is_no_course_of_a_run_is_refused(line, words):
    with pytest.raises(ArchiveError, match=words):
        read_curves(HEAD + "2,2,0.1,0.1,0.5,0.5,,\n" + line + "\n")


@pytest.mark.parametrize("text", ["", "\n", "step,epoch\n", HEAD.replace("lr", "rate")])
def test_other_columns_are_refused(text):
    with pytest.raises(ArchiveError, match="columns"):
        read_curves(text)
