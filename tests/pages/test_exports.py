"""Every button of the row makes its file when asked, and an archive that is dropped is a run."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.exchange.export_archive import export_run
from core.runs.store import RunStore
from pages.sections.runs.downloads import DOWNLOADS
from pages.shared.shell import services
from tests.absent import make_absent

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
Made = dict[str, tuple[str, Callable[[], str | bytes]]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """Collect what the buttons would make: file name and maker by label. Nothing is made by drawing them."""
    found: Made = {}
    real = st.download_button

    def button(label: str, data: Callable[[], str | bytes], **more: object) -> bool:
        found[label] = (str(more["file_name"]), data)
        return real(label, data, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(st, "download_button", button)
    return found


def panel(run_id: str) -> AppTest:
    def script() -> None:
        import streamlit as st

        from pages.sections.runs.export import export_panel
        from pages.shared.shell import services

        export_panel(services.store().get(st.query_params["run"]))

    app = AppTest.from_function(script, default_timeout=60)
    app.query_params["run"] = run_id
    app.run()
    assert not app.exception
    return app


def importer() -> AppTest:
    def script() -> None:
        from pages.sections.runs.run_import import import_panel

        import_panel()

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    return app


def test_each_button_makes_its_file(trained_run: str, made: Made) -> None:
    app = panel(trained_run)
    assert [button.label for button in app.download_button] == [download.label for download in DOWNLOADS]
    assert not any(button.disabled for button in app.download_button)
    assert all(button.help.endswith(".") for button in app.download_button)
    files = {label: (name, make()) for label, (name, make) in made.items()}
    assert files["Curves as CSV"][0] == "small-network-on-digits.csv"
    assert len(files["Curves as CSV"][1].splitlines()) == 1 + len(services.store().metrics(trained_run)) == 21
    assert Image.open(io.BytesIO(files["Curves as PNG"][1])).width > 1500
    assert "train.py" in zipfile.ZipFile(io.BytesIO(files["Whole run"][1])).namelist()
    assert b"logits" in files["ONNX"][1]
    assert files["Model card"][1].startswith("# Small network on digits")
    assert files["PyTorch script"][0] == "predict.py" and "load_state_dict" in files["PyTorch script"][1]
    assert files["Weights"][0] == "small-network-on-digits.safetensors" and b"conv1.weight" in files["Weights"][1]
    assert "archive_version" in " ".join(zipfile.ZipFile(io.BytesIO(files["torch.export"][1])).namelist())
    assert b"brain.Event:2" in files["TensorBoard"][1]
    assert "tfevents" in files["TensorBoard"][0]


def test_what_needs_the_normalisation_says_where_it_is_not_known(trained_run: str) -> None:
    services.store().change(trained_run, dataset="gone")
    assert not [button for button in panel(trained_run).download_button if button.disabled]  # the run carries it
    services.store().change(trained_run, dataset_info="")
    app = panel(trained_run)
    disabled = {button.label: button.help for button in app.download_button if button.disabled}
    assert list(disabled) == ["PyTorch script"]
    assert "not on this computer" in disabled["PyTorch script"]


def test_files_that_need_an_absent_package_say_so_and_the_others_stay(
    trained_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_absent(monkeypatch, "vl_convert", "onnx", "tensorboard")
    reasons = {button.label: button.help for button in panel(trained_run).get("download_button") if button.disabled}
    assert reasons == {
        "Curves as PNG": "The package vl-convert-python is not installed here, and a picture of the curves needs it: "
        "pip install vl-convert-python.",
        "ONNX": "The package onnx is not installed here, and an ONNX file needs it: pip install onnx.",
        "TensorBoard": "The package tensorboard is not installed here, and a TensorBoard file needs it: "
        "pip install tensorboard.",
    }


def test_a_lab_report_is_written_when_asked_and_can_be_saved(trained_run: str, made: Made) -> None:
    app = panel(trained_run)
    assert "Save lab report" not in made
    (ask,) = [button for button in app.button if button.label == "Write a lab report"]
    ask.click().run()
    assert not app.exception and not app.error
    name, content = made["Save lab report"]
    assert name == "small-network-on-digits.html"
    assert b"Small network on digits</h1>" in content and b"data:image/png;base64," in content
    app.text_input(key=f"report_images_{trained_run}").set_value("5, x").run()
    assert any("Type numbers of test images from 0 to 299" in error.value for error in app.error)
    made.clear()
    app.text_input(key=f"report_images_{trained_run}").set_value("5, 8").run()
    assert "Save lab report" not in made  # another one: it has to be asked for
    services.store().annotate(trained_run, "Something new")  # what was written before does not say so
    made.clear()
    app = panel(trained_run)
    assert "Save lab report" not in made
    assert "Write a lab report" in [button.label for button in app.button]


def test_a_run_that_waits_has_nothing_to_save(weightless_run: str) -> None:
    app = panel(weightless_run)
    assert all(button.disabled for button in app.download_button)
    assert {button.help for button in app.download_button} == {
        "Nothing of this run is recorded yet: let it train a moment."
    }


def test_damaged_weights_are_named_where_they_are_needed(damaged_run: str) -> None:
    app = panel(damaged_run)
    disabled = {button.label: button.help for button in app.download_button if button.disabled}
    assert list(disabled) == ["Weights", "torch.export", "ONNX"]
    assert all("damaged" in reason for reason in disabled.values())


def test_an_archive_that_is_dropped_is_a_run_and_the_address_names_it(trained_run: str) -> None:
    archive = io.BytesIO()
    export_run(services.store(), trained_run, archive)
    app = importer()
    app.file_uploader[0].upload("run.zip", archive.getvalue())
    app.run()
    assert not app.exception
    assert not app.error
    (new,) = {run.id for run in services.store().list()} - {trained_run}
    assert app.query_params["run"] in (new, [new])
    assert [success.value for success in app.success] == ["Small network on digits is here now, and chosen."]
    assert app.file_uploader[0].value is None
    app.run()
    assert len(services.store().list()) == 2


def test_a_hostile_archive_gets_one_sentence_and_no_run(home: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../<b>evil</b>.txt", "x")
    app = importer()
    app.file_uploader[0].upload("run.zip", content.getvalue())
    app.run()
    assert not app.exception
    assert [error.value for error in app.error] == [
        "The archive holds a name or a link that leads out of it: export the run again, and import that file as it is."
    ]
    store = RunStore()
    assert store.list() == ()
    store.close()
    assert "run" not in app.query_params
