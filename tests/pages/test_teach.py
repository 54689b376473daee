"""Own photographs in class boxes, by hand on the page: files, a folder, edits, and one press to a network."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.data.catalog import DATASETS
from core.data.collection import registry as registries
from core.data.collection.collection import Collection
from core.data.collection.making import make_dataset
from core.data.collection.registry import registry
from core.data.datasets import Dataset, load_dataset
from core.data.importing.decoder_worker import ImageFormat
from core.data.importing.importer import import_images
from core.data.split_assignment import SPLITS
from core.model.layers import Dense, Flatten
from core.model.spec import ModelSpec
from core.train.config import TrainConfig
from pages.shared.shell import services, session
from tests.data.archives import class_folders, packed, picture

PAGE = Path(__file__).resolve().parents[2] / "pages" / "teach.py"


@pytest.fixture(autouse=True)
def collections() -> Iterator[None]:
    registries.registry.cache_clear()
    yield
    registry().close()


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def of(app: AppTest) -> Collection:
    found = registry().find(app.session_state["boxes"])
    assert found is not None
    return found


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label.startswith(label))


def upload(app: AppTest, place: int, *files: tuple[str, bytes]) -> None:
    box = of(app).boxes[place]
    uploader = next(each for each in app.file_uploader if each.key.startswith(f"teach_files_{box.id}"))
    uploader.set_value([(name, data, "image/png") for name, data in files])
    run(app)
    decoded(app)


def decoded(app: AppTest) -> None:
    for box in of(app).boxes:
        for each in box.pictures:
            each.outcome.result(60)
    run(app)


def pictures(*seeds: int) -> list[tuple[str, bytes]]:
    return [(f"{seed}.png", picture(seed)) for seed in seeds]


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def test_from_two_empty_boxes_to_a_network_and_the_page_says_each_step() -> None:
    app = opened()
    assert [box.name for box in of(app).boxes] == ["Class 1", "Class 2"]
    assert "Put pictures into two classes" in captions(app) and button(app, "Train").disabled
    app.text_input(key=f"teach_name_{of(app).boxes[0].id}").set_value("<b>*Cat*").run()
    upload(app, 0, *pictures(*range(8)), ("bad.png", b"%PDF-1.4"))
    assert any("1 file left out" in each.label for each in app.expander)
    upload(app, 1, *pictures(20, 21), ("copy.png", picture(0)))
    assert "copy.png (\\<b>\\*Cat\\* and Class 2)" in " ".join(each.value for each in app.warning)
    button(app, "Train").click()
    run(app)
    while not of(app).run:
        run(app)
    work = services.store().get(of(app).run)
    assert work.name == "<b>*Cat*, Class 2" and work.class_names == ("<b>*Cat*", "Class 2")
    info = DATASETS[work.dataset]
    assert (info.num_images, info.input_shape) == (11, (3, 224, 224))
    draft = session.new_draft(work.dataset, "transfer")  # what is suggested for few
    assert (work.spec.layers, work.config["epochs"]) == (draft.spec.layers, 30)
    assert button(app, "Train again with these pictures")


def test_pictures_and_classes_are_sorted_anew_and_a_reload_keeps_them() -> None:
    app = opened()
    upload(app, 0, *pictures(1, 2, 3))
    upload(app, 1, *pictures(4))
    first = of(app).boxes[0]
    chosen = [picture.id for picture in first.pictures[:2]]
    app.session_state[f"teach_tray_{first.id}"] = {"chosen": [*chosen, "gone", 3]}
    run(app)
    assert "2 chosen" in captions(app)
    button(app, "To Class 2").click()
    run(app)
    assert [len(box.pictures) for box in of(app).boxes] == [1, 3]
    app.text_input(key=f"teach_name_{first.id}").set_value("Class 2").run()
    assert any("There is a class Class 2 already" in each.value for each in app.warning)
    assert app.text_input(key=f"teach_name_{first.id}").value == "Class 1"
    button(app, "Merge into Class 1").click()
    run(app)
    assert [(box.name, len(box.pictures)) for box in of(app).boxes] == [("Class 1", 4)]
    again = opened(boxes=of(app).token)
    assert of(again) is of(app)
    assert of(opened(boxes="of-nobody")) is not of(app)


def test_a_data_set_of_ones_own_is_sorted_anew_after_it_came_in() -> None:
    files = packed(class_folders({"a": 5, "b": 5}))
    data = import_images(files, "Mine", size=16, colour=False)
    app = opened(dataset=data.name)
    found = of(app)
    assert [(box.name, len(box.pictures)) for box in found.boxes] == [("a", 5), ("b", 5)]
    decoded(app)
    found.merge(found.boxes[1].id, found.add_class("c"))
    name = make_dataset(found.boxes, ImageFormat(found.side or 0, found.colour))
    again = load_dataset(name)
    assert again.class_names == ("a", "c") and again.info.input_shape == (1, 16, 16)

    def rows(dataset: Dataset) -> set[bytes]:
        return {image.tobytes() for split in SPLITS for image in dataset.split(split).images.numpy()}

    assert rows(again) == rows(data)


def test_few_pictures_are_judged_by_keeping_back_each_once() -> None:
    data = import_images(packed(class_folders({"a": 5, "b": 5})), "Few", size=16, colour=False)
    spec = ModelSpec("small", (1, 16, 16), 2, (Flatten(), Dense(2)))
    work = services.store().create(spec, TrainConfig(epochs=1, batch_size=4), data.name)

    def page(run_id: str) -> None:
        import streamlit as st

        from pages.shared.evaluation.cross_validation import by_all_images
        from pages.shared.shell import services

        st.fragment(by_all_images)(services.store().get(run_id), "here")

    app = run(AppTest.from_function(page, kwargs={"run_id": work}, default_timeout=120))
    button(app, "Judge it by all 10 pictures").click()
    run(app)
    while not app.markdown:
        run(app)
    assert re.fullmatch(r"\*\*\d+ of 10\*\* pictures are named rightly.*", app.markdown[0].value)
    assert "in 10 trainings like this one" in captions(app)


def test_a_folder_of_too_many_classes_gives_those_that_go_in_and_names_the_others() -> None:
    app = opened()
    (uploader,) = [each for each in app.file_uploader if each.key.startswith("teach_folder")]
    files = [(f"things/kind {number:03d}/a.png", picture(number), "image/png") for number in range(200)]
    uploader.set_value(files)
    run(app)
    names = [box.name for box in of(app).boxes]
    assert names == [f"kind {number:03d}" for number in range(30)]
    (said,) = [each.value for each in app.warning if "classes are the most here" in each.value]
    assert "the folder has 200" in said and "kind 030" in said and "kind 199" in said


def test_phones_get_a_code_only_where_they_reach_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()
    button(app, "Phone").click()
    run(app)
    assert any("--server.address 0.0.0.0" in each.value for each in app.info)
    monkeypatch.setattr("pages.sections.teach.phone_code.phone_address", lambda page: ("http://192.168.1.20:8501", ""))
    run(app)
    box = of(app).boxes[0]
    code = app.session_state["teach_codes"][box.id]
    assert registry().codes.find(code).box == box.id
    button(app, "Phones off").click()
    run(app)
    with pytest.raises(Exception, match="not valid any more"):
        registry().codes.find(code)
