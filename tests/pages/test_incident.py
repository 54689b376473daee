"""The run database goes away under the open app: every page says so or goes on, none breaks."""

import pytest
from streamlit.testing.v1 import AppTest

from core.model.build import build_model
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.store import RunStore
from pages.shared.shell import navigation, services, session


def opened(name: str, run_id: str = "") -> AppTest:
    app = AppTest.from_file(navigation.path(name), default_timeout=60)
    if run_id:
        app.query_params["run"] = run_id
    return app.run()


def test_a_deleted_database_is_told_on_the_pages_of_runs_until_it_is_read(trained_run, home):
    opened("home")
    (home / "runs.db").unlink()
    for name in ("train", "runs", "home"):
        app = opened(name, trained_run)
        assert not app.exception
        (warning,) = app.warning
        assert "was deleted or replaced" in warning.value
        assert "found again in their folders: 1. If more" in warning.value
    app.button(key="incident_read").click().run()
    assert not app.warning
    assert not app.exception


def test_weights_of_which_nothing_is_known_are_named(home):
    store = RunStore()
    spec = session.new_draft("digits", "tutorial").spec
    save_checkpoint(home / "runs" / "0123456789" / "latest.safetensors", Checkpoint(build_model(spec).state_dict()))
    store.close()
    app = opened("runs")
    assert not app.exception
    assert any("0123456789" in caption.value for caption in app.caption)


@pytest.mark.parametrize("name", navigation.PAGES)
def test_no_page_breaks_when_the_database_is_damaged_and_all_work_once_it_is_moved_away(trained_run, home, name):
    services.store()
    (home / "runs.db").write_bytes(b"this is no database" * 1000)
    app = opened(name, trained_run)
    assert not app.exception
    said = [error.value for error in app.error]
    assert len(said) <= 1 and all(words.startswith("The run database is damaged: move ") for words in said)
    for path in home.glob("runs.db*"):
        path.unlink()
    app = opened(name, trained_run)
    assert not app.exception and not app.error
