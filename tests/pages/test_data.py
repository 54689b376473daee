"""The data page shows what is in a data set, fetches nothing unasked, and makes the next network fit."""

import io
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data import datasets, sources
from core.data.arrays import Arrays
from core.data.catalog import DATASETS
from core.data.download import DOWNLOADS, Download
from core.errors import DataError
from core.train.config import TrainConfig
from core.train.suggestion import suggested
from pages.sections.data import samples
from pages.shared.shell import background_jobs, job_board, session

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "data.py")


def open_page(dataset: str = "", draft: session.Draft | None = None, config: TrainConfig | None = None) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60)
    if dataset:
        app.query_params["dataset"] = dataset
    if draft:
        app.session_state["draft"] = draft
    if config:
        app.session_state["config"] = config
    app.run()
    assert not app.exception
    return app


def button(app: AppTest, label: str):
    return next(button for button in app.button if button.label == label)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_all_data_sets_are_listed_and_one_that_is_used_shows_its_images() -> None:
    app = open_page("digits")
    listed = app.radio(key="dataset")
    assert listed.options == [info.title for info in DATASETS.values()]
    captions = " ".join(listed.proto.captions)
    assert captions.count("comes with the app") == 3
    assert "60,000 images · 32 × 32 colour · 170 MB download" in captions
    alts = [picture.alt for image in app.image for picture in image.proto.imgs]
    assert alts == [f"{samples.IMAGES_PER_CLASS} images of class {digit}" for digit in range(10)]
    assert app.radio(key="split").options == ["Train", "Valid", "Test"]  # no numbers: they differ between data sets
    assert [caption.split(".")[0] for caption in app.radio(key="split").proto.captions] == ["1,197", "300", "300"]
    assert any("never for choosing" in caption for caption in app.radio(key="split").proto.captions)
    assert "Alpaydin" in " ".join(caption.value for caption in app.caption)
    assert len(app.get("vega_lite_chart")) == 1


def test_the_split_and_other_images_change_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    strip = samples._strip
    monkeypatch.setattr(samples, "_strip", lambda *args: asked.append((args[1], args[3])) or strip(*args))
    app = open_page("digits")
    app.radio(key="split").set_value("test").run()
    button(app, "Other images").click().run()
    assert asked[0] == ("train", 0)
    assert asked[10] == ("test", 0)
    assert asked[20] == ("test", samples.IMAGES_PER_CLASS)


def test_using_a_data_set_makes_the_next_network_fit_it() -> None:
    tiny = session.new_draft("mnist5k", "tiny_vgg")
    app = open_page("digits", tiny)
    button(app, "Use this data set").click().run()
    assert not app.exception
    assert app.session_state["draft"] == session.new_draft("digits", "tiny_vgg")  # a preset is made anew
    assert "Use this data set" not in labels(app)
    assert not app.warning


def test_few_images_bring_their_settings_unless_somebody_chose_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "digits", replace(DATASETS["digits"], split_sizes=(80, 860, 857)))
    app = open_page("digits", session.new_draft("mnist5k", "tiny_vgg"))
    button(app, "Use this data set").click().run()
    assert app.session_state["config"] == suggested(80)
    assert app.slider(key="augmentation_shift").value == suggested(80).shift
    assert not app.warning
    app.run()
    assert app.session_state["config"] == suggested(80)
    app = open_page("digits", session.new_draft("mnist5k", "tiny_vgg"), config=TrainConfig(epochs=7))
    button(app, "Use this data set").click().run()
    assert app.session_state["config"] == TrainConfig(epochs=7)


def test_a_network_that_no_longer_fits_is_named_with_the_way_out() -> None:
    draft = session.new_draft("mnist5k", "tiny_vgg")
    layers = draft.spec.layers[:-1] + draft.spec.layers  # no preset any more
    app = open_page("digits", session.Draft("mnist5k", replace(draft.spec, layers=layers)))
    button(app, "Use this data set").click().run()
    assert app.session_state["draft"].spec.layers == layers
    assert "mend it in Build" in app.warning[0].value


def test_the_masks_of_drawn_shapes_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    info = DATASETS["shapes"]
    masks = np.zeros((info.num_images, 32, 32), dtype=bool)
    masks[:, :16] = True
    images = np.full((info.num_images, *info.input_shape), 200, dtype=np.uint8)
    images[..., 0] = 0
    drawn = Arrays(images, np.arange(info.num_images, dtype=np.int64) % 10, masks)
    monkeypatch.setitem(sources.READERS, "shapes", lambda progress: drawn)
    app = open_page("shapes")
    app.toggle(key="masked").set_value(True).run()
    assert not app.exception
    picture = np.asarray(Image.open(io.BytesIO(samples._strip("shapes", "train", 0, 0, True))).convert("RGB"))
    assert picture[0, 60].tolist() == [200] * 3
    assert picture[-1, 60].tolist() == [40] * 3


def unreachable(name: str) -> tuple[Download, ...]:
    """Return the files of a data set at an address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return tuple(Download((f"http://127.0.0.1:{port}/x",), file.md5, file.num_bytes) for file in DOWNLOADS[name])


def test_offline_a_download_ends_in_one_sentence_and_changes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DOWNLOADS, "mnist", unreachable("mnist"))
    app = open_page("mnist")
    assert not app.error  # nothing is asked of the network before the button is pressed
    assert not app.image
    assert "Use this data set" not in labels(app)
    button(app, "Download (12 MB)").click().run()
    assert not app.exception
    (error,) = app.error
    assert "could not be downloaded because 127.0.0.1 cannot be reached" in error.value
    assert "check the internet connection and try again" in error.value
    assert app.session_state["draft"].dataset == session.FIRST_DATASET
    assert not list(home.rglob("*mnist*"))
    assert "Try again" in labels(app)
    app.radio(key="dataset").set_value("digits").run()
    app.radio(key="dataset").set_value("mnist").run()
    assert not app.error
    assert "Download (12 MB)" in labels(app)  # whoever comes back is asked anew


def test_a_download_goes_on_when_its_page_is_left_and_all_visitors_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, told, go = list[str](), threading.Event(), threading.Event()

    def load(name: str, *, progress: Callable[[int, int], None]) -> None:
        calls.append(name)
        progress(3_000_000, 12_000_000)
        told.set()
        assert go.wait(20)
        progress(12_000_000, 12_000_000)
        raise DataError("The end of the test: nothing came.")

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr(background_jobs, "GRACE_SECONDS", {})
    monkeypatch.setattr(job_board, "PATIENCE", 0.0)  # everybody has left at once
    first = open_page("mnist")
    button(first, "Download (12 MB)").click().run()
    assert told.wait(20)
    first.radio(key="dataset").set_value("digits").run()
    assert not first.get("progress")
    for app in (open_page("mnist"), first.radio(key="dataset").set_value("mnist").run()):
        assert "Downloading 12 MB: 25%" in app.get("progress")[0].proto.text
        assert "It goes on while you look at other pages." in [caption.value for caption in app.caption]
    (job,) = job_board.board().jobs.values()
    go.set()
    job.result.result(20)
    assert [error.value for error in first.run().error] == ["The end of the test: nothing came."]
    assert calls == ["mnist"]


def test_an_unknown_data_set_in_the_address_shows_the_one_in_use() -> None:
    app = open_page("<b>none</b>", session.new_draft("digits", "lenet5"))
    assert app.radio(key="dataset").value == "digits"


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path / "file"))
    app = open_page("digits")
    (error,) = app.error
    assert "cannot be written" in error.value
    assert "CONVSCOPE\\_HOME" in error.value
    assert len(app.radio(key="dataset").options) == len(DATASETS)
