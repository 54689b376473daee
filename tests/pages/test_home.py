"""The first page: one button to a training, and the way to everything else."""

from streamlit.testing.v1 import AppTest

from core.demo import DEMOS, queue
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.shared.shell import services, session
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.navigation import path


def home_page() -> AppTest:
    return AppTest.from_file(path("home"), default_timeout=60).run()


def test_a_newcomer_sees_what_to_do_and_that_nothing_ran_yet():
    app = home_page()
    assert not app.exception
    assert [button.label for button in app.button] == ["Train a network", "Prepare the demo"]
    assert any("None yet" in caption.value for caption in app.caption)


def test_the_button_queues_the_tutorial_network_on_real_digits():
    app = home_page()
    app.button[0].click().run()
    assert not app.exception
    (run,) = RunStore().list()
    assert (run.status, run.dataset) == (Status.QUEUED, "mnist5k")
    assert run.spec == session.new_draft("mnist5k", "tutorial").spec
    assert TrainConfig.from_mapping(run.config).epochs == 5
    assert services.engine().submitted == [run.id]


def test_the_demo_is_queued_once_shows_how_far_it_is_and_can_be_cancelled():
    app = home_page()
    app.button(key="make_demo").click().run()
    assert not app.exception
    store = RunStore()
    runs = store.list()
    assert {run.name for run in runs} == {demo.name for demo in DEMOS.values()}
    assert [store.get(run_id).name for run_id in services.engine().submitted] == [demo.name for demo in DEMOS.values()]
    assert [button.label for button in app.button] == ["Train a network", "Cancel"]
    links = [link.proto.label for link in app.get("page_link")]
    assert all(demo.name in links for demo in DEMOS.values())
    first = next(run for run in runs if run.name == DEMOS["digits"].name)
    store.change(first.id, status=Status.FINISHED.value, seconds=10.0)
    app = home_page()
    (bar,) = app.get("progress")
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
    assert not app.exception
    assert [button.label for button in app.button] == ["Train a network"]
    assert not app.get("progress")
    assert {demo.name for demo in DEMOS.values()} <= {link.proto.label for link in app.get("page_link")}
    store.close()


def test_trainings_are_listed_as_text(trained_run):
    RunStore().rename(trained_run, "**bold** <b>x</b>")
    app = home_page()
    assert not app.exception
    labels = [link.proto.label for link in app.get("page_link")]
    named = [label for label in labels if "bold" in label]
    assert len(named) == 1 and named[0].startswith(escape_markdown("**bold** <b>x</b>"))
    assert named[0].endswith(f"· {RunStore().get(trained_run).valid_accuracy:.1%}")


def test_a_data_directory_that_cannot_be_used_is_one_sentence(home, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("CONVSCOPE_HOME", str(home / "file"))
    app = home_page()
    assert not app.exception
    assert "CONVSCOPE" in app.error[0].value
    assert [button.label for button in app.button] == ["Train a network"]
