"""A reload of the page loses nothing: the draft and its settings are in the address, and links carry them on."""

import io
from dataclasses import replace

import pytest
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from core.model.layers import Conv
from core.train.config import TrainConfig
from pages.shared.picture.addresses import GONE
from pages.shared.shell import navigation, session
from pages.shared.shell.draft_link import from_text, to_text

DRAFT = session.new_draft("digits", "lenet5")


def opened(name: str, address: str = "") -> AppTest:
    app = AppTest.from_file(navigation.path(name), default_timeout=60)
    if address:
        app.query_params["draft"] = address
    app.run()
    assert not app.exception
    return app


def address_of(app: AppTest) -> str:
    value = app.query_params.get("draft", "")
    return value[0] if isinstance(value, list) else value


def test_changed_layers_name_and_settings_are_there_after_a_reload() -> None:
    app = opened("build")
    assert address_of(app) == ""  # what everybody begins with needs no address
    app.text_input[0].set_value("Mine, 100 % & more").run()
    built = app.session_state["draft"]
    assert built.spec.name == "Mine, 100 % & more"
    app = opened("train", address_of(app))
    assert app.session_state["draft"] == built
    epochs = next(widget for widget in app.number_input if widget.label.startswith("Epochs"))
    epochs.set_value(17).run()
    again = opened("train", address_of(app))
    assert again.session_state["draft"] == built
    assert again.session_state["config"] == TrainConfig(epochs=17)
    assert next(widget for widget in again.number_input if widget.label.startswith("Epochs")).value == 17


def test_every_link_carries_the_draft_on() -> None:
    address = to_text(DRAFT, TrainConfig(lr=0.5))
    app = opened("build", address)
    assert navigation.DRAFT in navigation.KEPT
    links = [element.proto for element in app.get("page_link")]
    assert links and all("draft=" in link.query_string for link in links)


def test_the_largest_stack_comes_back() -> None:
    layers = tuple(Conv(1 + index, kernel_size=1 + index % 5, padding="same") for index in range(63))
    draft = replace(DRAFT, spec=replace(DRAFT.spec, name="N" * 80, layers=layers))
    assert from_text(to_text(draft, TrainConfig(seed=5))) == (draft, TrainConfig(seed=5))


@pytest.mark.parametrize("page", ["build", "train"])
@pytest.mark.parametrize("address", ["nonsense", "data=digits", "data=own-gone&net=x", "data=digits&net=<b>", "x" * 99])
def test_an_address_that_is_no_draft_is_said_and_the_first_network_is_there(page: str, address: str) -> None:
    app = opened(page, address)
    assert any("The network of this address was not taken over" in error.value for error in app.error)
    assert app.session_state["draft"] == session.new_draft(session.FIRST_DATASET, session.FIRST_PRESET)


def test_an_upload_is_there_after_a_reload_and_missed_in_words_when_the_server_forgot_it(trained_run: str) -> None:
    def classify(picture: str = "") -> AppTest:
        app = AppTest.from_file(navigation.path("classify"), default_timeout=60)
        app.query_params["run"] = trained_run
        if picture:
            app.query_params["picture"] = picture
        return app.run()

    app = classify()
    app.file_uploader(key="picture_upload").set_value([("seven.png", drawn_seven(), "image/png")]).run()
    chosen, address = app.session_state["picture"], app.query_params["picture"]
    assert (chosen.kind, chosen.name) == ("upload", "seven.png")
    address = address[0] if isinstance(address, list) else address
    assert classify(address).session_state["picture"] == chosen
    st.cache_resource.clear()  # as after a restart of the app
    again = classify(address)
    assert not again.exception
    assert [info.value for info in again.info] == [GONE]
    assert again.session_state["picture"].kind == "sample"


def drawn_seven() -> bytes:
    image, file = Image.new("L", (40, 40)), io.BytesIO()
    ImageDraw.Draw(image).line([(8, 8), (30, 8), (16, 34)], fill=255, width=5)
    image.save(file, "PNG")
    return file.getvalue()


def test_what_the_session_has_counts_more_than_an_older_address() -> None:
    app = opened("build", to_text(DRAFT, TrainConfig()))
    app.text_input[0].set_value("Newer").run()
    app.query_params["draft"] = to_text(DRAFT, TrainConfig())  # the Back button
    app.run()
    assert app.session_state["draft"].spec.name == "Newer"
    assert from_text(address_of(app))[0].spec.name == "Newer"
