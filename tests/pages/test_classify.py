"""Classify: a picture of one's own reaches the network upright and whole, or is refused in one sentence."""

import io
import json
import re
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.assets import ASSETS
from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.data.fitting import fit_image
from core.runs.store import RunStore
from pages.shared.network import inference
from pages.shared.picture import input_image
from pages.shared.picture.samples import SAMPLES
from pages.shared.shell import session
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.navigation import FOLDER, path

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")
SHAPE = (1, 8, 8)


def seven() -> Image.Image:
    """Return a seven, light on black, 80 × 120 pixels."""
    pixels = np.zeros((120, 80, 3), dtype=np.uint8)
    pixels[20:35, 15:65] = (255, 230, 200)
    pixels[35:100, 45:60] = (200, 255, 230)
    return Image.fromarray(pixels)


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(run_id: str) -> AppTest:
    app = AppTest.from_file(path("classify"), default_timeout=60)
    app.query_params["run"] = run_id
    app.run()
    assert not app.exception
    return app


def upload(app: AppTest, name: str, data: bytes) -> None:
    app.file_uploader(key="picture_upload").upload(name, data).run()
    assert not app.exception


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> list[input_image.InputImage]:
    """Write down the pictures of which the network was asked."""
    shown: list[input_image.InputImage] = []
    ask = inference.probabilities

    def probabilities(run: Any, picture: input_image.InputImage) -> np.ndarray:
        shown.append(picture)
        return ask(run, picture)

    monkeypatch.setattr(inference, "probabilities", probabilities)
    return shown


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.caption, *app.subheader, *app.info))


def chain(app: AppTest) -> list[str]:
    """Return the titles of the stages from the picture to the network."""
    return [caption.value for caption in app.caption if re.match(r"\d · ", caption.value)]


def maps(app: AppTest) -> list[str]:
    """Return the maps that are shown; the first is what the network receives."""
    found = (json.loads(element.proto.json) for element in app.get("bidi_component"))
    return [data["png"] for data in found if "group" in data]


def test_without_a_network_it_offers_the_way_to_one() -> None:
    app = AppTest.from_file(path("classify"), default_timeout=60).run()
    assert not app.exception
    assert [button.label for button in app.button] == ["Go to Train"]


def test_an_upload_reaches_the_network(trained_run: str, seen: list[input_image.InputImage]) -> None:
    app = opened(trained_run)
    upload(app, "seven.png", file(seven()))
    expected = fit_image(seven(), SHAPE)[0].numpy()
    assert seen[-1].pixels == expected.tobytes()
    assert "The network's answer to seven.png." in texts(app)
    titles = ["Your picture", "Cropped to its middle", "Resized to 8 × 8", "Turned grey", "Normalised"]
    assert [title in caption for title, caption in zip(titles, chain(app), strict=True)] == [True] * 5
    assert len(maps(app)) == 3


def test_a_photograph_taken_sideways_is_turned_upright(trained_run: str, seen: list[input_image.InputImage]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter to the right
    app = opened(trained_run)
    upload(app, "IMG_1.JPG", file(seven().rotate(90, expand=True), "JPEG", quality=95, exif=exif))
    upright = fit_image(seven(), SHAPE)[0].numpy()[0].astype(int)
    got = seen[-1].array()[..., 0].astype(int)
    assert abs(got - upright).mean() < 3
    assert abs(np.rot90(got) - upright).mean() > 20


def bomb() -> bytes:
    """Return a PNG of a few bytes that claims 50,000 × 50,000 pixels."""
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 50)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_file_that_is_no_usable_picture_is_refused_and_the_last_one_stays(
    trained_run: str, seen: list[input_image.InputImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVSCOPE_MAX_UPLOAD_MB", "1")
    app = opened(trained_run)
    whole = file(seven())
    upload(app, "seven.png", whole)
    kept = seen[-1]
    refused = {
        "cut.png": (whole[: len(whole) // 2], "damaged or incomplete"),
        "text.png": (b"I am a letter.", "no PNG, JPEG, WebP, GIF, BMP, AVIF or HEIC picture"),
        "empty.png": (b"", "is empty"),
        "bomb.png": (bomb(), "more than the limit"),
        "large.png": (whole + bytes(2**20), "the limit is 1 MB"),
    }
    for name, (data, reason) in refused.items():
        upload(app, name, data)
        assert [reason in error.value for error in app.error] == [True], name
        assert seen[-1] == kept
        assert "Still chosen: seven.png" in texts(app)
    upload(app, "seven-again.png", whole)
    assert not app.error
    assert "The network's answer to seven-again.png." in texts(app)


def test_a_sample_and_a_test_image_are_one_click_away(trained_run: str, seen: list[input_image.InputImage]) -> None:
    app = opened(trained_run)
    app.button(key="sample_coffee").click().run()
    assert app.segmented_control(key="picture_kind_own").value == "sample"
    assert "The network's answer to Sample “Coffee”." in texts(app)
    app.segmented_control(key="picture_kind_own").set_value("test").run()
    test = load_dataset("digits").test
    assert (seen[-1].pixels, seen[-1].label) == (test.images[0].numpy().tobytes(), int(test.labels[0]))
    assert not app.exception


def test_a_click_on_a_sample_replaces_the_upload(trained_run: str, seen: list[input_image.InputImage]) -> None:
    app = opened(trained_run)
    upload(app, "seven.png", file(seven()))
    app.button(key="sample_cat").click().run()
    assert seen[-1].title == "Sample “Cat”"
    upload_again = app.segmented_control(key="picture_kind_own").set_value("upload").run()
    assert not upload_again.exception
    assert seen[-1].title == "Sample “Cat”"


def swap(app: AppTest) -> Any:
    return next(toggle for toggle in app.toggle if toggle.label == "Swap dark and light")


def test_ink_on_paper_is_swapped_unasked_and_can_be_swapped_back(
    trained_run: str, seen: list[input_image.InputImage]
) -> None:
    paper = Image.fromarray(255 - np.asarray(seven()))
    app = opened(trained_run)
    upload(app, "paper.png", file(paper))
    assert swap(app).value
    assert "Swapped unasked" in texts(app)
    assert seen[-1].pixels == fit_image(paper, SHAPE, invert=True)[0].numpy().tobytes()
    swap(app).set_value(False).run()
    assert "Swapped unasked" not in texts(app)
    assert seen[-1].pixels == fit_image(paper, SHAPE)[0].numpy().tobytes()
    upload(app, "seven.png", file(seven()))
    assert not swap(app).value


def test_a_click_on_a_class_explains_it_here_and_on_the_other_page(trained_run: str) -> None:
    app = opened(trained_run)
    upload(app, "seven.png", file(seven()))
    before = maps(app)
    _, other, *_ = (button for button in app.button if button.key.startswith("class_"))
    other.click().run()
    target = other.key.removeprefix("class_")
    assert f"What speaks for “{target}”?" in texts(app)
    assert [now != then for now, then in zip(maps(app), before, strict=True)] == [False, True, True]
    (link,) = [link for link in app.get("page_link") if link.proto.label == "Compare all 28 methods"]
    assert link.proto.page == "explain"
    assert f"target={target}" in link.proto.query_string


def test_after_a_test_image_the_page_offers_the_upload_first(
    trained_run: str, seen: list[input_image.InputImage]
) -> None:
    app = AppTest.from_file(path("classify"), default_timeout=60)
    app.query_params["run"] = trained_run
    app.session_state["picture"] = session.PictureSelection("test", "digits", index=5)
    app.run()
    assert app.file_uploader(key="picture_upload")
    assert seen[-1].title == "Test image 5"


def test_it_says_that_the_network_must_choose_one_of_its_classes(trained_run: str) -> None:
    app = opened(trained_run)
    assert "must choose one of its 10 classes" in texts(app)
    app.button(key="sample_coffee").click().run()
    assert "None of its 10 classes is “cup of coffee”." in texts(app)
    app.segmented_control(key="picture_kind_own").set_value("test").run()
    assert "must choose" not in texts(app)


def test_names_of_files_and_classes_are_shown_as_text(trained_run: str) -> None:
    names = tuple(f"<i>{index}</i>" for index in range(10))
    store = RunStore()
    store.change(trained_run, dataset_info=replace(DATASETS["digits"], class_names=names).to_json())
    store.close()
    app = opened(trained_run)
    name = "<b>*x*</b> [y](z).png"
    upload(app, name, file(seven()))
    assert f"answer to {escape_markdown(name)}." in texts(app)
    assert "<b>" not in texts(app).replace(r"\<b>", "")
    assert all(r"\<i>" in button.label for button in app.button if button.key.startswith("class_"))


def test_every_sample_is_there() -> None:
    assert {file.stem for file in (ASSETS / "samples").glob("*.jpg")} == set(SAMPLES)


def test_an_upload_is_still_there_on_the_explain_page(trained_run: str, seen: list[input_image.InputImage]) -> None:
    app = AppTest.from_file(str(FOLDER.parent / "app.py"), default_timeout=60)
    app.query_params["run"] = trained_run
    app.run()
    app.switch_page(path("classify")).run()
    upload(app, "seven.png", file(seven()))
    uploaded = seen[-1]
    app.switch_page(path("explain")).run()
    assert not app.exception
    assert seen[-1] == uploaded
    assert app.session_state["picture_kind"] == "upload"


@pytest.mark.parametrize(("run", "sentence"), [("damaged_run", "damaged"), ("weightless_run", "no weights yet")])
def test_a_network_that_cannot_be_loaded_gets_one_sentence(
    run: str, sentence: str, request: pytest.FixtureRequest
) -> None:
    app = opened(request.getfixturevalue(run))
    assert [sentence in error.value for error in app.error] == [True]
    assert app.file_uploader(key="picture_upload")


def test_a_request_under_way_with_the_old_address_does_not_bring_the_sample_back(trained_run: str) -> None:
    app = opened(trained_run)
    address = app.query_params["picture"]
    upload(app, "seven.png", file(seven()))
    own = app.query_params["picture"]
    assert own.startswith("own:")
    app.query_params["picture"] = address
    app.run()
    assert "The network's answer to seven.png." in texts(app)
    assert app.query_params["picture"] in (own, [own])


def test_a_picture_of_twelve_bits_is_told_and_stretched_on_request(
    trained_run: str, seen: list[input_image.InputImage]
) -> None:
    values = np.linspace(0, 4095, 64).reshape(8, 8).round().astype(np.uint16)
    app = opened(trained_run)
    upload(app, "deep.png", file(Image.fromarray(values)))
    next(toggle for toggle in app.toggle if toggle.label == "Swap dark and light").set_value(False).run()
    assert "Its 16-bit values are 0 to 4,095" in texts(app)
    assert seen[-1].array().max() == 15
    next(toggle for toggle in app.toggle if toggle.label == "Stretch its values").set_value(True).run()
    assert not app.exception
    assert seen[-1].array().max() == 255
    assert "16-bit values stretched" in texts(app)
