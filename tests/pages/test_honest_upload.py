"""Classify: what an answer is worth, many files at once, a drawing, a crop, an address."""

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import formatting
from core.data.crop import MIDDLE, Crop
from core.data.datasets import Split, load_dataset
from core.data.fitting import fit_image
from core.data.images import decode_image
from core.explain.influence import LabeledImages
from core.reliability.batch import batch_csv
from core.reliability.calibrated_model import CalibratedModel, calibrate
from core.reliability.features import extract_features
from core.reliability.nearest import TrainingFeatures
from core.runs.store import RunStore
from pages.shared.network import current_network, inference
from pages.shared.picture import input_image
from pages.shared.picture.samples import sample_file
from pages.shared.shell.navigation import path
from pages.shared.widgets.draw_pad import LONGEST, drawn
from tests.pages.conftest import settled

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")


def opened(run_id: str, **query: str) -> AppTest:
    app = AppTest.from_file(path("classify"), default_timeout=60)
    for name, value in {"run": run_id, **query}.items():
        app.query_params[name] = value
    return settled(app.run())


def texts(app: AppTest) -> str:
    elements = (*app.caption, *app.subheader, *app.info, *app.warning, *app.markdown, *app.error)
    return "\n".join(element.value for element in elements)


def file(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def digit(index: int) -> np.ndarray:
    """Return a test image, 8 × 8."""
    return load_dataset("digits").test.images[index, 0].numpy()


@pytest.fixture
def reader(trained_run: str) -> CalibratedModel:
    data, model = load_dataset("digits"), RunStore().load_model(trained_run)
    train = LabeledImages(data.train.images[:320], data.train.labels[:320], data.normalize)
    return calibrate(model, train, LabeledImages(data.valid.images, data.valid.labels, data.normalize))


def by_class(app: AppTest) -> "dict[str, tuple[str, str]]":
    frame = next(each.value for each in app.dataframe if "Calibrated" in each.value)
    return {row["Class"]: (row["As it says"], row["Calibrated"]) for _, row in frame.iterrows()}


def test_the_calibrated_answer_stands_beside_the_raw_one(
    trained_run: str, reader: CalibratedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches, nearest = [], TrainingFeatures.nearest
    monkeypatch.setattr(TrainingFeatures, "nearest", lambda *args: searches.append(args) or nearest(*args))
    app = opened(trained_run, picture="test:3")
    assert len(searches) == 1  # for the words beside the answer and for the pictures below
    data, model = load_dataset("digits"), RunStore().load_model(trained_run)
    inside = extract_features(model, data.test.images[3:4], data.normalize)
    raw, calibrated = torch.tensor(inside.logits[0]).softmax(0).numpy(), reader.temperature.calibrated(inside.logits[0])
    shown = by_class(app)
    assert len(shown) == 5
    for name, (said, better) in shown.items():
        assert said == formatting.share(float(raw[int(name)]))
        assert better == formatting.share(float(calibrated[int(name)]))
    assert f"divided by {reader.temperature.value:.2f}" in texts(app)
    cosines = [image.cosine for image in reader.near.nearest(inside.features[0], 9)]
    (cards,) = [element.proto.body for element in app.get("html") if "Training image" in element.proto.body]
    assert all(f"{value:.3f}" in cards for value in cosines)


def test_it_says_when_a_picture_looks_like_none_of_its_classes(trained_run: str, reader: CalibratedModel) -> None:
    data, model = load_dataset("digits"), RunStore().load_model(trained_run)
    raised = reader.alarm.raised(extract_features(model, data.test.images, data.normalize))
    features = extract_features(model, data.test.images, data.normalize)
    quiet = next(
        index
        for index, row in enumerate(features.features)
        if not raised[index]
        and all(image.label == features.logits[index].argmax() for image in reader.near.nearest(row, 9))
    )
    app = opened(trained_run, picture=f"test:{quiet}")
    assert "No alarm" in texts(app)
    assert "At most about 5% of pictures" in texts(app)
    inverted = 255 - data.test.images
    index = int(np.flatnonzero(reader.alarm.raised(extract_features(model, inverted, data.normalize)))[0])
    app.segmented_control(key="picture_kind_own").set_value("upload").run()
    app.file_uploader(key="picture_upload").upload("paper.png", file(255 - digit(index))).run()
    next(toggle for toggle in app.toggle if toggle.label == "Swap dark and light").set_value(False).run()
    assert "This looks like none of my classes" in texts(settled(app))


def test_nearest_images_of_other_classes_stand_beside_the_answer(trained_run: str, reader: CalibratedModel) -> None:
    data, model = load_dataset("digits"), RunStore().load_model(trained_run)
    features = extract_features(model, data.test.images, data.normalize)
    answers, raised = features.logits.argmax(1), reader.alarm.raised(features)
    agree = [
        sum(image.label == answer for image in reader.near.nearest(row, 9))
        for row, answer in zip(features.features, answers, strict=True)
    ]
    doubtful = next(index for index, count in enumerate(agree) if count <= 4 and not raised[index])
    words = texts(opened(trained_run, picture=f"test:{doubtful}"))
    few = f"only {agree[doubtful]} " if agree[doubtful] else "none has "
    assert f"Of the 9 nearest, {few}" in words and f"the class answered, “{answers[doubtful]}”" in words
    assert "No alarm" not in words
    sound = next(index for index, count in enumerate(agree) if count >= 5 and not raised[index])
    words = texts(opened(trained_run, picture=f"test:{sound}"))
    assert "No alarm" in words and "Of the 9 nearest" not in words


def test_few_validation_images_are_a_note_and_all_else_stays(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_dataset("digits")
    few = replace(data, valid=Split(data.valid.images[:25], data.valid.labels[:25]))
    monkeypatch.setattr(current_network, "dataset", lambda name: few)
    app = opened(trained_run, picture="test:3")
    assert not app.error
    notes = [caption.value for caption in app.caption if "takes 39 validation images" in caption.value]
    assert len(notes) == 1 and "the data set has 25." in notes[0]
    assert len(by_class(app)) == 5
    assert "on 25 validation images" in texts(app)


def test_without_a_calibration_the_nearest_training_images_are_there_all_the_same(
    trained_run: str, reader: CalibratedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_dataset("digits")
    few = replace(data, valid=Split(data.valid.images[:2], data.valid.labels[:2]))
    monkeypatch.setattr(current_network, "dataset", lambda name: few)
    app = opened(trained_run, picture="test:3")
    said = texts(app)
    assert "takes at least 19 validation images" in said and "its data set has 2." in said
    features = extract_features(RunStore().load_model(trained_run), data.test.images[3:4], data.normalize).features
    assert features is not None
    (cards,) = [element.proto.body for element in app.get("html") if "Training image" in element.proto.body]
    for near in reader.near.nearest(features[0], 9):
        assert f"Training image {near.index}, {data.class_names[near.label]}, likeness {near.cosine:.3f}" in cards


@pytest.mark.usefixtures("explanations_wait")
def test_a_pretrained_network_says_that_it_cannot_be_calibrated(home: Path) -> None:
    app = opened("zoo-efficientnet_lite0", picture="sample:coffee")
    assert "cannot be calibrated" in texts(app)
    assert "The network's answer to Sample “Coffee”." in texts(app)
    assert not app.error


def test_many_files_become_a_table_and_a_bad_one_keeps_the_others(trained_run: str, reader: CalibratedModel) -> None:
    app = opened(trained_run)
    files = [("a.png", file(digit(0)), "image/png"), ("bad.png", b"nothing", "image/png")]
    files.append(("=b.png", file(digit(1)), "image/png"))
    dark = io.BytesIO()
    Image.fromarray((np.arange(64, dtype=np.uint16) * 60).reshape(8, 8)).save(dark, "PNG")
    files.append(("dark.png", dark.getvalue(), "image/png"))
    app.file_uploader(key="picture_upload").set_value(files)
    settled(app.run())
    frame = next(each.value for each in app.dataframe if "file" in each.value)
    data, model = load_dataset("digits"), RunStore().load_model(trained_run)
    inside = extract_features(model, data.test.images[:2], data.normalize)
    assert list(frame["note"].str.startswith("Its 16-bit values are 0 to 3,780")) == [False, False, False, True]
    good = frame[frame["error"] == ""][:2]
    assert list(good["file"]) == ["a.png", "=b.png"]
    assert list(good["answer"]) == [str(index) for index in inside.logits.argmax(axis=1)]
    assert good["calibrated"].to_numpy() == pytest.approx(
        reader.temperature.calibrated(inside.logits).max(axis=1), rel=1e-4
    )
    assert list(good["alarm"]) == ["yes" if raised else "no" for raised in reader.alarm.raised(inside)]
    assert "no PNG, JPEG" in frame.loc[frame["file"] == "bad.png", "error"].item()
    assert "1 of 4 cannot be used" in texts(app)
    assert not app.error
    assert "answer to dark.png" in texts(app).replace("\u2060", "")
    lines = batch_csv(frame).decode().splitlines()
    assert len(lines) == 5
    assert any(",'=b.png," in f",{line}" for line in lines)
    assert "data:image" not in "".join(lines)


def test_what_is_drawn_reaches_the_network(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[input_image.InputImage] = []
    ask = inference.probabilities
    monkeypatch.setattr(
        inference, "probabilities", lambda weights, picture: seen.append(picture) or ask(weights, picture)
    )
    strokes = np.zeros((280, 280, 3), dtype=np.uint8)
    strokes[40:60, 60:220] = strokes[60:250, 200:220] = 255
    app = opened(trained_run)
    app.segmented_control(key="picture_kind_own").set_value("drawing").run()
    assert "Draw with the mouse" in texts(app)
    url = "data:image/png;base64," + base64.b64encode(file(strokes)).decode()
    app.session_state["draw_pad_grey"] = {"png": url}
    settled(app.run())
    assert seen[-1].pixels == fit_image(Image.fromarray(strokes), (1, 8, 8))[0].numpy().tobytes()
    assert "answer to Your drawing" in texts(app)


def test_what_the_browser_sends_is_looked_at_twice() -> None:
    whole = "data:image/png;base64," + base64.b64encode(b"abc").decode()
    assert drawn(whole) == b"abc"
    for value in (None, 3, "x", whole + "!", whole.replace("png", "svg+xml"), whole + "A" * LONGEST):
        assert drawn(value) is None


def test_the_crop_can_be_moved(trained_run: str) -> None:
    app = opened(trained_run, picture="sample:cat")
    before = MIDDLE, app.session_state["picture"].crop
    assert before[0] == before[1]
    app.slider(key="crop_x_cat").set_value(0).run()
    app.slider(key="crop_zoom_cat").set_value(2.0).run()
    assert app.session_state["picture"].crop == Crop(0.0, 0.5, 2.0)
    assert "Cropped where you chose" in texts(settled(app))
    expected, _ = fit_image(decode_image(sample_file("cat")), (1, 8, 8), crop=Crop(0.0, 0.5, 2.0))
    assert expected.shape == (1, 8, 8)
    assert app.query_params["picture"] in ("sample:cat", ["sample:cat"])


def test_the_address_names_a_sample_or_a_test_image(trained_run: str) -> None:
    assert "answer to Sample “Rocket”" in texts(opened(trained_run, picture="sample:rocket"))
    assert "Test image 5 is “" in texts(opened(trained_run, picture="test:5"))
    app = opened(trained_run, picture="valid:5")
    assert "Validation image 5 is “" in texts(app)
    assert app.query_params["picture"] in ("valid:5", ["valid:5"])
    for wrong in ("sample:dog", "file:/etc/passwd", "test:-1", "nonsense"):
        assert "picture that is not here" in texts(opened(trained_run, picture=wrong))


def test_stability_waits_for_a_press_and_counts(trained_run: str) -> None:
    app = opened(trained_run, picture="test:3")
    assert "changed pictures are still" not in texts(app)
    app.button(key="ask_stability").click().run()
    assert "changed pictures are still" in texts(settled(app))
    assert "of 10**" in texts(app)
    (cards,) = [element.proto.body for element in app.get("html") if "Mirrored" in element.proto.body]
    assert cards.count("<img") == 22


def test_a_map_that_says_nothing_gives_way_to_the_next_method(mute_run: str) -> None:
    app = opened(mute_run, picture="test:3")
    app.button(key="ask_stability").click().run()
    said = texts(settled(app))
    assert "Layer gradient × activation in place of Grad-CAM. Every value is zero" in said
    assert "below Layer gradient × activation of" in said


def test_beside_a_second_network_it_says_whose_reading_it_is(trained_run: str) -> None:
    said = "What follows is about network A."
    assert said not in texts(opened(trained_run, picture="test:3"))
    assert texts(opened(trained_run, picture="test:3", other=trained_run, other_epoch="0")).count(said) == 2
