"""More than a hundred runs and classes: everything that is offered is offered whole, or says that it is not."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.data.catalog import DATASETS
from core.data.importing.importer import import_images
from core.model.presets import preset
from core.model.zoo import ZOO
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.shared.network import picker
from tests.data.archives import class_folders, packed

PAGES = Path(__file__).resolve().parents[2] / "pages"
MANY = 120


@pytest.fixture
def many(trained_run: str) -> list[str]:
    """Record many runs, all newer than the one with weights; return the ids of all, the oldest first."""
    store = RunStore()
    spec = store.get(trained_run).spec
    runs = [store.create(spec, TrainConfig(epochs=1), "digits", f"Run {number}") for number in range(MANY)]
    for run in runs:
        store.change(run, step=1, status="finished")
    store.close()
    return [trained_run, *runs]


def test_both_pickers_offer_every_run(many: list[str]) -> None:
    app = AppTest.from_file(str(PAGES / "evaluate.py"), default_timeout=60)
    app.query_params["run"] = app.query_params["other"] = many[0]
    app.run()
    assert not app.exception
    for key in ("pick_run", "pick_other"):
        assert len(app.selectbox(key=key).options) == MANY + 1 + len(ZOO)
        assert app.selectbox(key=key).value == many[0]


def test_the_table_lists_every_run_and_the_oldest_can_be_compared(many: list[str]) -> None:
    app = AppTest.from_file(str(PAGES / "runs.py"), default_timeout=60)
    app.query_params["compare"] = f"{many[0]}-{many[-1]}"
    app.run()
    assert not app.exception
    assert len(app.dataframe[0].value) == MANY + 1
    assert app.session_state["runs_table"]["selection"]["rows"] == [0, MANY]


def test_a_data_set_names_how_many_trainings_learned_from_it(home: Path) -> None:
    info = import_images(packed(class_folders({"cat": 6, "dog": 6})), "Pets", size=8).info
    store = RunStore()
    spec = preset("tiny_vgg", info.input_shape, 2)
    for _ in range(MANY):
        store.change(store.create(spec, TrainConfig(epochs=1), info.name), status="finished", step=1)
    store.close()
    app = AppTest.from_file(str(PAGES / "data.py"), default_timeout=60)
    app.query_params["dataset"] = info.name
    app.session_state[f"own_delete_{info.name}"] = True
    app.run()
    assert not app.exception and info.name in DATASETS
    assert any(f"{MANY} trainings have learned from it" in words.value for words in app.markdown)


def test_a_picker_lists_the_latest_trainings_and_finds_all_others(many: list[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(picker, "OFFERED", 20)
    app = AppTest.from_file(str(PAGES / "evaluate.py"), default_timeout=60)
    app.query_params["run"] = many[0]
    app.run()
    assert [len(app.selectbox(key="pick_run").options), app.selectbox(key="pick_run").value] == [21 + len(ZOO), many[0]]
    app.text_input(key="find_run").set_value("run 17").run()
    assert not app.exception
    assert len(app.selectbox(key="pick_run").options) == 3 + len(ZOO)  # Run 17, Run 117 and the chosen one
    app.selectbox(key="pick_run").set_value(many[18]).run()
    assert app.query_params["run"] == many[18]
