"""The runs page lists every training, and what it offers to do with one is really done."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from core.runs.records import Event, Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.shared.run.share_link import read_link
from pages.shared.shell import services, session
from pages.shared.shell.layout import escape_markdown

ROOT = Path(__file__).resolve().parents[2]


def open_page(run: str = "") -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "runs.py"), default_timeout=60)
    if run:
        app.query_params["run"] = run
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception
    return app


def names(app: AppTest) -> list[str]:
    return app.dataframe[0].value["Name"].tolist()


def test_with_no_run_there_is_the_way_to_the_first() -> None:
    app = open_page()
    assert not app.dataframe
    assert not app.error
    assert app.button[0].label == "Go to Home"


def test_a_run_is_listed_and_described(trained_run: str) -> None:
    app = open_page()
    run = services.store().get(trained_run)
    row = app.dataframe[0].value.iloc[0]
    assert row["Name"] == "Small network on digits"
    assert row["Status"] == "✓ Finished"
    assert row["Parameters"] == 80 + 2 * (576 + 16) + 528 + 170
    assert row["Test"].strip() == f"{run.test_accuracy:.1%}"
    best = max(metric.valid_accuracy or 0 for metric in services.store().metrics(trained_run))
    assert row["Best valid"].strip() == f"{best:.1%}"
    assert 2 <= len(row["Loss"]) <= 30
    assert app.subheader[0].value == "Small network on digits"
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Epochs"] == "2 of 2"
    assert metrics["Test accuracy"] == f"{run.test_accuracy:.1%}"
    text = " ".join(element.value for element in app.markdown)
    assert "conv1\u00a0:gray[8\u00a0×\u00a08\u00a0×\u00a08]" in text
    assert "Sees 320 training images 2 times, 32 at a time" in text
    assert {"Filters", "Feature maps", "Explain", "Classify"} <= {link.value for link in app.main.page_link}


def test_a_new_name_is_kept_and_shown_as_text(trained_run: str) -> None:
    app = open_page(trained_run)
    hostile = "<script>x</script> *a* [b](c)"
    app.text_input[0].set_value(hostile)
    press(app, "Save name")
    assert services.store().get(trained_run).name == hostile
    assert app.subheader[0].value == escape_markdown(hostile)
    assert names(app) == [hostile]


def test_an_empty_name_is_refused_with_a_sentence(trained_run: str) -> None:
    app = open_page(trained_run)
    app.text_input[0].set_value("   ")
    press(app, "Save name")
    assert [error.value for error in app.error] == ["A run's name has 1 to 80 characters."]
    assert services.store().get(trained_run).name == "Small network on digits"


def test_deleting_asks_first_and_then_leaves_nothing(trained_run: str, home: Path) -> None:
    app = open_page(trained_run)
    assert any("This cannot be undone" in element.value for element in app.markdown)
    assert (home / "runs" / trained_run).exists()
    press(app, "Delete for good")
    assert services.store().list() == ()
    assert not (home / "runs" / trained_run).exists()
    assert "run" not in app.query_params
    assert app.button[0].label == "Go to Home"


def test_a_run_that_trains_is_not_deleted(trained_run: str) -> None:
    app = open_page(trained_run)
    services.store().change(trained_run, status=Status.RUNNING.value)
    press(app, "Delete for good")
    assert [error.value for error in app.error] == ["This run is training: stop it before you delete it."]
    assert [run.id for run in services.store().list()] == [trained_run]


def test_an_interrupted_run_says_why_and_is_resumed(trained_run: str) -> None:
    services.store().change(trained_run, status=Status.INTERRUPTED.value, message="Its worker <i>died</i>.")
    app = open_page(trained_run)
    assert [warning.value for warning in app.warning] == [escape_markdown("Its worker <i>died</i>.")]
    press(app, "Resume")
    assert services.engine().requested == [(trained_run, "resume")]
    assert services.store().get(trained_run).status is Status.QUEUED
    assert app.dataframe[0].value["Status"].tolist() == ["… Waiting"]
    press(app, "Stop training")
    assert services.store().get(trained_run).status is Status.STOPPED


def test_the_network_of_a_run_becomes_the_next_one(trained_run: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = trained_run
    app.switch_page("pages/runs.py").run()
    press(app, "Build from this network")
    assert app.title[0].value == "Build"
    run = services.store().get(trained_run)
    assert app.session_state["draft"] == session.Draft("digits", run.spec)
    assert app.session_state["config"] == TrainConfig.from_mapping(run.config)
    assert app.session_state["config"].lr == 0.01


def test_settings_of_another_version_are_refused_and_the_page_stays(trained_run: str) -> None:
    config = dict(services.store().get(trained_run).config) | {"magic": 1}
    services.store().change(trained_run, config=json.dumps(config))
    app = press(open_page(trained_run), "Build from this network")
    assert app.title[0].value == "Runs"
    assert any("knows no training setting 'magic'" in error.value for error in app.error)
    assert "draft" not in app.session_state


def test_a_link_rebuilds_the_run(trained_run: str) -> None:
    app = open_page(trained_run)
    link = next(code.value for code in app.code if "/build?" in code.value)
    params = {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}
    run = services.store().get(trained_run)
    assert read_link(params) == (session.Draft("digits", run.spec), TrainConfig.from_mapping(run.config))


def test_a_note_is_kept_and_shown_as_text(trained_run: str) -> None:
    app = open_page(trained_run)
    hostile = "Tried *lr* 0.01\n\n<script>x</script> [b](c)"
    app.text_area[0].set_value(hostile)
    press(app, "Save note")
    assert services.store().get(trained_run).note == hostile
    assert hostile in [text.value for text in app.text]
    assert app.dataframe[0].value["Note"].tolist() == ["Tried *lr* 0.01 <script>x</script> [b](c)"]
    app.text_area[0].set_value("")
    press(app, "Save note")
    assert not app.text


def test_a_note_is_cut_where_it_would_be_too_long(trained_run: str) -> None:
    app = open_page(trained_run)
    app.text_area[0].set_value("x" * 2001)
    press(app, "Save note")
    assert not app.error
    assert services.store().get(trained_run).note == "x" * 2000


def test_a_refusal_stays_until_the_next_try(trained_run: str) -> None:
    app = open_page(trained_run)
    app.text_input[0].set_value("   ")
    press(app, "Save name")
    app.run()  # as a tick does
    assert len(app.error) == 1
    app.text_input[0].set_value("Better")
    press(app, "Save name")
    assert not app.error
    assert services.store().get(trained_run).name == "Better"


def test_what_was_changed_while_it_trained_is_listed(trained_run: str) -> None:
    services.store().worker.record(trained_run, (), events=[Event(1200, "edit", "learning rate 0.01 → 0.1")])
    text = " ".join(element.value for element in open_page(trained_run).markdown)
    assert "after batch 1,200: learning rate 0.01 → 0.1" in text


def test_a_run_that_trains_shows_how_far_it_is(trained_run: str) -> None:
    services.store().change(trained_run, status=Status.RUNNING.value, total_steps=40)
    assert open_page().dataframe[0].value["Status"].tolist() == ["▶ Training 50%"]


def test_the_speed_is_listed_where_it_is_known(trained_run: str) -> None:
    services.store().change(trained_run, images_per_second=0.0)
    assert open_page().dataframe[0].value["Images/s"].isna().tolist() == [True]
    services.store().change(trained_run, images_per_second=2100.4)
    assert open_page().dataframe[0].value["Images/s"].tolist() == [2100]


def test_a_training_that_ended_early_says_why(trained_run: str) -> None:
    services.store().change(trained_run, message="It reached its *target*.")
    assert [info.value for info in open_page().info] == [escape_markdown("It reached its *target*.")]


def test_the_address_says_which_run_is_chosen_and_which_are_ticked(trained_run: str, weightless_run: str) -> None:
    app = AppTest.from_file(str(ROOT / "pages" / "runs.py"), default_timeout=60)
    app.query_params["run"], app.query_params["compare"] = trained_run, weightless_run
    app.run()
    assert not app.exception
    assert names(app) == ["Waiting", "Small network on digits"]
    selection = app.session_state["runs_table"]["selection"]
    assert selection["rows"] == [0]
    assert [tuple(cell) for cell in selection["cells"]] == [(1, "Name")]
    assert app.subheader[0].value == "Small network on digits"


def test_a_damaged_run_is_named_and_the_others_stay_in_reach(trained_run: str, weightless_run: str) -> None:
    services.store().change(weightless_run, spec="{}")
    app = open_page(weightless_run)
    assert [error.value for error in app.error] == [
        f"The record of run {weightless_run} is damaged: choose another run."
    ]
    assert names(app) == ["Small network on digits"]
    assert app.subheader[0].value == "Small network on digits"


def test_a_run_can_be_taken_away_and_brought_back(trained_run: str) -> None:
    app = open_page(trained_run)
    assert [button.label for button in app.get("download_button")][:1] == ["Whole run"]
    assert [uploader.label for uploader in app.get("file_uploader")] == [
        "A run of ConvScope (zip), or a network: Keras (keras, h5), ONNX, safetensors"
    ]
    press(app, "Delete for good")
    assert [uploader.label for uploader in app.get("file_uploader")] == [
        "A run of ConvScope (zip), or a network: Keras (keras, h5), ONNX, safetensors"
    ]


def test_an_unknown_run_is_named_and_the_others_stay_in_reach(trained_run: str) -> None:
    app = open_page("0123456789")
    assert [error.value for error in app.error] == [
        "There is no such run: it may have been deleted. Choose another one."
    ]
    assert names(app) == ["Small network on digits"]
    assert app.subheader[0].value == "Small network on digits"


def test_every_state_has_its_sign(trained_run: str) -> None:
    for status in Status:
        services.store().change(trained_run, status=status.value)
        (shown,) = open_page(trained_run).dataframe[0].value["Status"]
        assert len(shown.split()[0]) == 1
        assert len(shown.split()) == 2


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path / "file"))
    app = open_page()
    (error,) = app.error
    assert "cannot be written" in error.value


def test_runs_are_listed_newest_first(trained_run: str, weightless_run: str) -> None:
    store = RunStore()
    newest = store.get(weightless_run)
    store.close()
    app = open_page()
    assert names(app) == ["Waiting", "Small network on digits"]
    assert app.subheader[0].value == newest.name
    assert "Look inside what it learned" not in [element.value for element in app.subheader]


def test_two_runs_of_one_name_are_told_apart(trained_run: str) -> None:
    store = services.store()
    run = store.get(trained_run)
    twins = [store.create(run.spec, TrainConfig(epochs=1), run.dataset, run.name, owner="tests") for _ in "ab"]
    shown = names(open_page())
    assert len(set(shown)) == 3 and all(name.startswith(f"{run.name} · ") for name in shown)
    store.change(twins[0], name="Another")
    store.change(twins[1], name="A third")
    assert set(names(open_page())) == {run.name, "Another", "A third"}
