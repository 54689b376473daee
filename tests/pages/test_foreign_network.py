"""A network of another program is shown, asked about and opened on the page Runs, and every refusal is a sentence."""

import io
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.shell import services

TUTORIAL = (Path(__file__).parents[1] / "exchange" / "keras" / "tutorial.keras").read_bytes()
pytestmark = pytest.mark.usefixtures("home")


def dropped(name: str, data: bytes) -> AppTest:
    """Return the place for files after one was dropped there."""

    def script() -> None:
        from pages.sections.runs.run_import import import_panel

        import_panel()

    app = AppTest.from_function(script, default_timeout=60).run()
    app.file_uploader[0].upload(name, data)
    app.run()
    assert not app.exception
    return app


def test_a_keras_model_is_opened_after_its_classes_were_named() -> None:
    app = dropped("tutorial.keras", TUTORIAL)
    assert [error.value for error in app.error] == []
    assert "Keras" in app.markdown[0].value
    assert "16 × 16, colour" in app.markdown[0].value
    app.text_area[0].set_value("only one").run()
    app.button[0].click().run()
    (error,) = app.error
    assert "tells 10 classes apart, and 1 names were given" in error.value
    assert services.store().list() == ()
    app.text_input[0].set_value("From <b>Keras</b>").run()
    app.text_area[0].set_value("\n".join(f"kind {number}" for number in range(10))).run()
    app.button[0].click().run()
    assert not app.exception
    (run,) = services.store().list(learned=True)
    assert (run.name, run.origin, run.config["inputs"]) == ("From <b>Keras</b>", "foreign:keras", "unit")
    assert run.class_names[9] == "kind 9"
    assert app.query_params["run"] in (run.id, [run.id])
    assert app.file_uploader[0].value is None


def test_weights_alone_show_what_goes_where() -> None:
    from core.exchange.foreign.importing import Answers, import_foreign
    from core.exchange.foreign.keras import read_keras

    whole = read_keras(TUTORIAL)
    import_foreign(services.store(), whole, Answers(class_names=tuple("abcdefghij")))
    weights = zipfile.ZipFile(io.BytesIO(TUTORIAL)).read("model.weights.h5")
    app = dropped("model.weights.h5", weights)
    assert [error.value for error in app.error] == []
    assert list(app.dataframe[0].value["From the file"]) == ["conv2d", "conv2d_1", "conv2d_2", "dense", "dense_1"]
    app.button[0].click().run()
    assert len(services.store().list(learned=True)) == 2


def test_weights_that_fit_no_network_here_are_named() -> None:
    (error,) = dropped("model.weights.h5", zipfile.ZipFile(io.BytesIO(TUTORIAL)).read("model.weights.h5")).error
    assert "weights without their layers" in error.value


def test_a_pickle_gets_two_lines_instead() -> None:
    app = dropped("model.pth", b"\x80\x04.")
    assert "is not opened" in app.error[0].value
    assert app.code[0].value.count("\n") == 1
    assert not app.button
