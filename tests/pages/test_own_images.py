"""A visitor's own pictures: uploaded, shown, brought in, trained on, renamed and deleted, by hand on the data page."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data import user_datasets
from core.data.catalog import DATASETS
from core.data.importing.importer import import_images
from core.model.presets import preset
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from pages.shared.shell import services
from tests.data.archives import class_folders, packed, picture

PAGES = Path(__file__).resolve().parents[2] / "pages"
NAMES = ("<b>cat</b>"[:6], "dog *x*")


def open_page(page: str = "data", **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def opened() -> AppTest:
    app = open_page()
    app.session_state["own"] = True
    app.run()
    assert not app.exception
    return app


def button(app: AppTest, label: str):
    return next(button for button in app.button if button.label.startswith(label))


def archive() -> bytes:
    return packed(class_folders({"pets/dog *x*": 8, "pets/<i>cat": 8}) | {"pets/<i>cat/broken.png": b"x"})


def bring_in(app: AppTest) -> None:
    button(app, "Bring in").click().run()
    assert not app.exception


def test_at_first_the_page_says_how_to_pack_pictures() -> None:
    app = opened()
    assert "rose/" in app.code[0].value
    assert not [button for button in app.button if button.label.startswith("Bring in")]


def test_a_zip_is_shown_before_it_comes_in_and_is_a_data_set_afterwards() -> None:
    app = opened()
    app.file_uploader(key="own_zip_0").upload("my_pets.zip", archive(), "application/zip").run()
    assert not app.exception
    assert any("**17 files** in **2 classes**" in markdown.value for markdown in app.markdown)
    table = next(frame.value for frame in app.dataframe if "Class" in frame.value)
    assert table["Class"].tolist() == ["<i>cat", "dog *x*"]
    assert any("Few pictures" in warning.value for warning in app.warning)
    app.select_slider(key="own_side").set_value(16).run()
    bring_in(app)
    (name,) = user_datasets.names()
    info = DATASETS[name]
    assert (info.title, info.input_shape, info.num_images) == ("My pets", (3, 16, 16), 16)
    assert app.radio(key="dataset").value == name
    assert any("1 file left out" in expander.label for expander in app.expander)
    assert app.session_state["draft"].dataset == name
    assert app.session_state["draft"].spec.num_classes == 2


def test_an_address_leads_to_one_of_the_ways_in() -> None:
    app = open_page(own_images="files")
    assert app.segmented_control(key="own_way").value == "files"
    assert "own_images" not in app.query_params


def test_no_zip_at_all_gets_one_sentence() -> None:
    app = opened()
    app.file_uploader(key="own_zip_0").upload("x.zip", b"hello", "application/zip").run()
    assert not app.exception
    assert [error.value for error in app.error] == [
        "The file is no zip archive, or it is damaged: pack the folders again and choose that file."
    ]


def test_loose_files_are_sorted_by_what_they_are_called() -> None:
    app = opened()
    app.segmented_control(key="own_way").set_value("files").run()
    one_class = [(f"rose_{n}.png", picture(n), "image/png") for n in range(5)]
    app.file_uploader(key="own_loose_0").set_value(one_class).run()
    assert ["By their names all files are of one class" in error.value for error in app.error] == [True]
    both = [*one_class, *((f"tulip ({n}).png", picture(n), "image/png") for n in range(5, 9))]
    app.file_uploader(key="own_loose_0").set_value(both).run()
    bring_in(app)
    (name,) = user_datasets.names()
    assert (DATASETS[name].class_names, DATASETS[name].num_images) == (("rose", "tulip"), 9)
    assert [success.value for success in app.success] == ["My pictures is here now, and in use."]
    app.radio(key="dataset").set_value("digits").run()
    assert not app.success


@pytest.fixture
def learned(home: Path) -> tuple[str, str]:
    """Bring a data set in, train on it for an epoch, and return its name and the run's id."""
    data = import_images(archive(), "**Mine**", size=16)
    store = RunStore()
    config = TrainConfig(epochs=1, batch_size=8, precision="fp32", device="cpu")
    run_id = store.create(preset("lenet5", data.input_shape, 2), config, data.name, "Own run", owner="tests")
    Runner(store, run_id, "tests").run()
    assert store.get(run_id).status is Status.FINISHED
    store.close()
    return data.name, run_id


@pytest.mark.parametrize(
    "page", ["data", "build", "train", "runs", "home", "filters", "feature_maps", "explain", "classify"]
)
def test_every_page_takes_it(page: str, learned: tuple[str, str]) -> None:
    name, run_id = learned
    app = open_page(page, run=run_id, dataset=name)
    assert [error.value for error in app.error] == []


def test_renaming_and_deleting_ask_first_and_runs_stay_usable(learned: tuple[str, str]) -> None:
    name, run_id = learned
    app = open_page(dataset=name)
    app.text_input(key=f"own_new_{name}").set_value("Renamed")
    button(app, "Save name").click().run()
    assert not app.exception
    assert DATASETS[name].title == "Renamed"
    assert any("One training has learned from it" in markdown.value for markdown in app.markdown)
    button(app, "Delete for good").click().run()
    assert not app.exception
    assert name not in DATASETS
    assert app.radio(key="dataset").value in DATASETS
    run = services.store().get(run_id)
    assert run.class_names == ("<i>cat", "dog *x*")
    for page in ("data", "train", "runs", "filters", "explain", "classify", "build"):
        app = open_page(page, run=run_id)
        assert all("are not on this computer" in error.value for error in app.error), page
    app = open_page("classify", run=run_id)
    assert any("It says" in heading.value for heading in app.subheader)  # pictures of one's own are still classified


def test_a_data_set_in_training_cannot_be_deleted(home: Path) -> None:
    data = import_images(archive(), "Busy", size=16)
    store = RunStore()
    store.create(preset("lenet5", data.input_shape, 2), TrainConfig(epochs=1), data.name, "Waiting")
    store.close()
    app = open_page(dataset=data.name)
    assert button(app, "Delete for good").disabled
    assert data.name in DATASETS


def test_two_of_one_title_can_each_be_chosen_and_a_new_title_by_anybody_changes_no_choice(home: Path) -> None:
    pets = packed(class_folders({"cat": 8, "dog": 8}))
    names = [import_images(pets, "Pets", size=size, shares=(0.2, 0.2)).name for size in (16, 24)]
    app = open_page()
    for name in (*names, names[0]):
        app.radio(key="dataset").set_value(name).run()
        assert not app.exception
        assert app.query_params["dataset"] in (name, [name])
    user_datasets.rename_dataset(names[0], "Animals")
    for _ in range(2):
        app.run()
        assert app.radio(key="dataset").value == names[0]
        assert app.subheader[0].value == "Animals"


def test_a_class_is_renamed_and_merged_before_the_pictures_come_in() -> None:
    app = opened()
    files = packed(class_folders({"Cat": 4, "cat": 4, "dog": 4}))
    app.file_uploader(key="own_zip_0").upload("pets.zip", files, "application/zip").run()
    assert any("Cat and cat are 2 classes" in warning.value for warning in app.warning)
    next(box for box in app.selectbox if box.key.startswith("own_class_old_")).set_value("cat")
    next(field for field in app.text_input if field.key.startswith("own_class_new_")).set_value("Cat")
    button(app, "Save class name").click().run()
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "Class" in frame.value)
    assert table["Class"].tolist() == ["Cat", "dog"]
    assert not any("are 2 classes" in warning.value for warning in app.warning)
    bring_in(app)
    assert DATASETS[user_datasets.names()[0]].class_names == ("Cat", "dog")


def test_an_archive_of_locked_files_lists_them_with_the_reason() -> None:
    files = bytearray(packed(class_folders({"a": 2, "b": 2})))
    place = 0
    while (place := files.find(b"PK\x01\x02", place)) >= 0:
        files[place + 8] |= 1
        place += 4
    app = opened()
    app.file_uploader(key="own_zip_0").upload("locked.zip", bytes(files), "application/zip").run()
    assert not app.exception
    assert ["locked with a password" in error.value for error in app.error] == [True]
    listed = next(frame.value for frame in app.dataframe if "Because" in frame.value)
    assert set(listed["Because"]) == {"locked with a password"} and len(listed) == 4
