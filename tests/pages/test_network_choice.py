"""Choosing among networks that look alike in a list: the one that was chosen is the one that is looked at."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from pages.shared.shell.controls import told_apart

PAGES = Path(__file__).resolve().parents[2] / "pages"


@pytest.fixture
def twins(trained_run: str) -> list[str]:
    """Train the same network in the same way once more and return the ids of both, the newest first."""
    store = RunStore()
    first = store.get(trained_run)
    again = store.create(first.spec, TrainConfig.from_mapping(first.config), first.dataset, first.name, owner="tests")
    Runner(store, again, "tests").run()
    assert store.get(again).valid_accuracy == first.valid_accuracy
    store.close()
    return [again, trained_run]


def test_labels_that_repeat_get_the_end_of_their_id_and_others_stay() -> None:
    assert told_apart({"run-abcdef": "A", "run-123456": "A", "x": "B"}) == {
        "run-abcdef": "A · abcdef",
        "run-123456": "A · 123456",
        "x": "B",
    }


def test_each_of_two_runs_that_share_name_state_and_score_can_be_chosen(twins: list[str]) -> None:
    app = AppTest.from_file(str(PAGES / "filters.py"), default_timeout=60).run()
    assert not app.exception
    for wanted in (*twins, twins[0]):
        app.selectbox(key="pick_run").set_value(wanted).run()
        assert not app.exception
        assert app.query_params["run"] in (wanted, [wanted])
        assert app.selectbox(key="pick_run").value == wanted
