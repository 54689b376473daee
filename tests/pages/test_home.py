"""The first page: a network to go on with or to train first, its pictures, and the way to everything else."""

import base64
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.demo.making import queue
from core.demo.plans import DEMOS
from core.report import shipped
from core.runs.records import Status
from core.runs.scores import accuracy_cell, accuracy_text
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.sections.home import beginning
from pages.sections.home.network import network_to_go_on_with
from pages.shared.shell import services, session
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.navigation import path


def home_page() -> AppTest:
    app = AppTest.from_file(path("home"), default_timeout=60).run()
    assert not app.exception
    return app


def primary(app: AppTest) -> list[str]:
    return [button.label for button in app.button if button.proto.type == "primary"]


def pictures(app: AppTest) -> int:
    return sum(element.proto.body.count("data:image/") for element in app.get("html"))


def links(app: AppTest) -> list[Any]:
    """Return the links of the page itself, without those of the side menu."""
    return [link.proto for link in app.main.get("page_link")]


def test_a_newcomer_has_one_main_button_and_the_pictures_of_what_it_gives():
    app = home_page()
    assert [button.label for button in app.button] == ["Start training", "Prepare the demo"]
    assert primary(app) == ["Start training"]
    assert pictures(app) == 5  # curve, filters, maps, image, explanation
    ready = shipped.read()
    assert any(f"{ready.accuracy:.1%}" in caption.value for caption in app.caption)
    assert (
        len(links(app)) == 10
    )  # a photograph, own pictures, the tutorial, a file and the six steps: nothing to go on with


def test_a_warm_rerun_looks_for_the_demo_once(trained_run: str, reads: Counter[str]):
    app = home_page()
    reads.clear()
    app.run()
    assert not app.exception
    assert reads == {"get": 1, "list": 3}  # the latest runs; the demo's, by their origins and of earlier versions


def test_the_names_of_the_small_curves_stand_where_no_line_can_be():
    bodies = "".join(element.proto.body for element in home_page().get("html"))
    sources = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", bodies)
    (svg,) = [base64.b64decode(source).decode() for source in sources if source]
    lines = [float(y) for points in re.findall(r'points="([^"]+)"', svg) for y in re.findall(r",([\d.]+)", points)]
    names = [float(y) for y in re.findall(r'y="([\d.]+)" fill="[^"]+">(?:training|validation)<', svg)]
    size = float(re.findall(r'font-size="(\d+)"', svg)[0])
    lowest = max(float(y) for y in re.findall(r'y1="(\d+)"', svg))  # where accuracy is 0, in a run of any length
    assert len(names) == 2
    assert max(lines) <= lowest <= min(names) - size


def test_the_pictures_that_come_with_the_app_are_small_and_of_the_first_training():
    ready = shipped.read()
    assert (ready.dataset, ready.preset) == (session.FIRST_DATASET, session.FIRST_PRESET)
    assert TrainConfig(epochs=ready.epochs) == beginning.FIRST
    assert ready.valid[-1] == (ready.epochs, pytest.approx(ready.accuracy, abs=1e-4))
    assert ready.portrait.filters.epochs == tuple(range(ready.epochs + 1))
    assert sum(file.stat().st_size for file in shipped.FOLDER.iterdir()) < 100_000


def test_the_button_queues_the_tutorial_network_on_real_digits():
    app = home_page()
    app.button(key="train_first").click().run()
    assert not app.exception
    (run,) = RunStore().list()
    assert (run.status, run.dataset) == (Status.QUEUED, "mnist5k")
    assert run.spec == session.new_draft("mnist5k", "tutorial").spec
    assert TrainConfig.from_mapping(run.config).epochs == 5
    assert services.engine().submitted == [run.id]
    said = [each.value for each in home_page().markdown]
    assert "" not in said and not any(run.name in words for words in said)  # the link's label has said it


@pytest.mark.parametrize(("warm", "words"), [(False, "Nothing is sent"), (True, "Takes about 10 s on this machine.")])
def test_how_long_it_takes_is_said_once_it_was_measured_here(monkeypatch, warm: bool, words: str):
    monkeypatch.setattr(services, "is_warm", lambda: warm)
    app = home_page()
    assert any(caption.value.startswith(words) for caption in app.caption)
    assert any("Takes about" in caption.value for caption in app.caption) is warm


def test_ones_own_network_comes_first_with_its_state_its_accuracy_and_ways_into_it(trained_run: str):
    app = home_page()
    first, *inside = links(app)[:4]
    run = RunStore().get(trained_run)
    assert first.label == f"Go on with {run.name}" and first.query_string == f"run={run.id}"
    assert f"**{run.valid_accuracy:.1%}** of the validation images right" in "".join(
        each.value for each in app.markdown
    )
    assert [link.page for link in inside] == ["filters", "feature_maps", "explain"]
    assert all(f"run={run.id}" in link.query_string for link in inside)
    assert [("picture=test" in link.query_string) for link in inside] == [False, True, True]
    assert pictures(app) == 5
    assert primary(app) == []
    assert "Start training" in [button.label for button in app.button]


def test_its_pictures_are_those_of_the_other_pages(trained_run: str, sheets: Callable[[AppTest], dict[str, Any]]):
    from core.inference.library import NetworkLibrary
    from core.report.portrait import portrait
    from tests.report.pictures import tiles

    drawn = portrait(NetworkLibrary(RunStore()).get(trained_run))
    assert drawn.filters and drawn.filters.epochs == (0, 1, 2) and drawn.explained
    page = AppTest.from_file(path("filters"), default_timeout=60)
    page.query_params["run"] = trained_run
    (sheet,) = [each for label, each in sheets(page.run()).items() if "ilters of" in label]
    last = tiles(drawn.filters.png, 3, 3, gap=1)[-len(sheet.tiles) :]
    assert {tile.tobytes() for tile in last} == {tile.tobytes() for tile in sheet.tiles}
    page = AppTest.from_file(path("feature_maps"), default_timeout=60)
    page.query_params |= {"run": trained_run, "picture": f"test:{drawn.explained.index}"}
    page.query_params["layer"] = drawn.explained.layers[0]
    (sheet,) = [each for label, each in sheets(page.run()).items() if "Feature maps of" in label]
    shown = tiles(drawn.explained.maps, 8, 8, gap=1)[:6]
    assert {tile.tobytes() for tile in shown} <= {tile.tobytes() for tile in sheet.tiles}
    said = "".join(each.value for each in page.markdown)
    assert f"The network says **{drawn.explained.answer}**" in said


def test_one_goes_on_with_ones_own_before_the_demo_and_with_what_has_weights():
    store = RunStore()
    draft = session.new_draft("digits", "tutorial")
    own, failed = (store.create(draft.spec, TrainConfig(), "digits", name) for name in ("own", "failed"))
    store.change(own, status=Status.FINISHED.value, step=10)
    store.change(failed, status=Status.FAILED.value)
    queue(store, lambda run_id: None)
    runs = store.list()
    assert network_to_go_on_with(runs).id == own
    demo = [run for run in runs if run.origin]
    assert network_to_go_on_with(demo).name == DEMOS["digits"].name
    assert network_to_go_on_with([store.get(failed)]).id == failed
    assert network_to_go_on_with(()) is None
    store.close()


@pytest.mark.parametrize(
    ("share", "images", "words"), [(1.0, 2, "2 of 2"), (0.5, 30, "15 of 30"), (0.9744, 500, "97.4%"), (0.9, 0, "90.0%")]
)
def test_an_accuracy_on_few_images_is_a_count(share: float, images: int, words: str):
    assert accuracy_text(share, images) == words


def test_in_a_column_shares_are_sorted_by_size_and_few_images_are_called_so():
    texts = [accuracy_cell(*each) for each in ((1.0, 2), (0.5, 30), (0.0952, 500), (0.974, 500), (1.0, 500))]
    assert texts[2:] == sorted(texts)[2:] and set(texts[:2]) == set(sorted(texts)[:2])
    assert [text.strip() for text in texts] == ["2 of 2, too few", "15 of 30", "9.5%", "97.4%", "100.0%"]
    assert accuracy_cell(None, 2) is None


def test_own_pictures_have_a_door_that_opens_where_they_become_classes():
    (door,) = [link for link in links(home_page()) if link.label == "Teach it your own classes"]
    assert (door.page, door.query_string) == ("teach", "")


def test_the_demo_is_queued_once_shows_how_far_it_is_and_can_be_cancelled():
    app = home_page()
    app.button(key="make_demo").click().run()
    assert not app.exception
    store = RunStore()
    runs = store.list()
    assert {run.name for run in runs} == {demo.name for demo in DEMOS.values()}
    assert [store.get(run_id).name for run_id in services.engine().submitted] == [demo.name for demo in DEMOS.values()]
    app = home_page()
    assert [button.label for button in app.button] == ["Start training", "Cancel"]
    assert {demo.name for demo in DEMOS.values()} <= {link.label for link in links(app)}
    first = next(run for run in runs if run.name == DEMOS["digits"].name)
    store.change(first.id, status=Status.FINISHED.value, seconds=10.0, step=3)
    assert "left" not in str([bar.proto.text for bar in home_page().get("progress")])  # too few batches
    store.change(first.id, step=200)
    app = home_page()
    bar = next(bar for bar in app.get("progress") if bar.proto.text.startswith("Preparing"))
    assert bar.proto.text.startswith("Preparing the demo: 27%") and bar.proto.text.endswith("left")
    app.button(key="cancel_demo").click().run()
    assert not app.exception
    assert [run.id for run in store.list()] == [first.id]  # what is finished stays
    assert "Prepare the demo" in [button.label for button in app.button]
    store.close()


def test_a_whole_demo_is_offered_no_more_but_led_to():
    store = RunStore()
    queue(store, lambda run_id: None)
    for run in store.list():
        store.change(run.id, status=Status.FINISHED.value)
    app = home_page()
    assert [button.label for button in app.button] == ["Start training"]
    assert not app.get("progress")
    assert {demo.name for demo in DEMOS.values()} <= {link.label.split(" · ")[0] for link in links(app)}
    store.close()


def test_trainings_are_listed_as_text(trained_run):
    RunStore().rename(trained_run, "**bold** <b>x</b>")
    app = home_page()
    named = [link.label for link in links(app) if "bold" in link.label]
    plain = escape_markdown("**bold** <b>x</b>")
    assert named == [
        f"Go on with {plain}",
        f"{plain} · Finished · {RunStore().get(trained_run).valid_accuracy:.1%}",
    ]


def test_a_data_directory_that_cannot_be_used_is_one_sentence(home, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("CONVSCOPE_HOME", str(home / "file"))
    app = home_page()
    assert len(app.error) == 1 and "CONVSCOPE" in app.error[0].value
    assert [button.label for button in app.button] == ["Start training"]
