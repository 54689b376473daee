"""A run that came from another machine without its data set: every page is open to it, and says what it cannot show."""

from importlib import import_module
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from core.data.catalog import DATASETS
from core.exchange.dataset import OFFERED_IMAGES
from core.exchange.import_archive import import_run
from core.runs.store import RunStore
from tests.exchange.foreign import CLASSES, Foreign, made

PAGES = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "pages").glob("*.py"))
CHOICES = {  # session keys of the section that is looked at, on pages that show one at a time
    "attacks_concepts": "attacks_concepts_section",
    "evaluate": "evaluate_section",
    "maths": "maths_section",
    "explain": "explain_section",
}
NEEDS_IMAGES = {"evaluate", "embedding", "compress", "classical_vision"}
NOT_HERE = "are not on this computer: bring them in on the page Runs"
NOT_BROUGHT = "are not brought in yet"


@pytest.fixture(scope="module", params=["colour", "grey"])
def foreign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    return made(tmp_path_factory.mktemp("elsewhere"), colour=request.param == "colour")


@pytest.fixture
def imported(foreign: Foreign, home: Path) -> str:
    store = RunStore()
    run = import_run(store, foreign.archive)
    store.close()
    return run


def open_page(page: str, run: str, **state: str) -> AppTest:
    app = AppTest.from_file(str(Path(__file__).resolve().parents[2] / "pages" / f"{page}.py"), default_timeout=120)
    app.query_params["run"] = run
    for key, value in state.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception, (page, state, app.exception[0].value)
    return app


def offers(app: AppTest) -> list[Button]:
    return [button for button in app.button if button.label == "Bring in its 88 images"]


def words_of(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.subheader, app.text)
    return "\n".join(str(element.value) for elements in kinds for element in elements)


def sections_of(page: str) -> list[str]:
    """Return the keys of the sections that a page offers to choose from."""
    folder = Path(__file__).resolve().parents[2] / "pages" / "sections" / page
    modules = [import_module(f"pages.sections.{page}.{path.stem}") for path in sorted(folder.glob("*.py"))]
    return [module.SECTION.key for module in modules if hasattr(module, "SECTION")]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(imported: str, page: str) -> None:
    key = CHOICES.get(page)
    for section in sections_of(page) if key else [""]:
        app = open_page(page, imported, **({key: section} if key else {}))
        assert key is None or app.session_state[key] == section
        words = words_of(app)
        assert "There is no data set" not in words
        others = [error.value for error in app.error if NOT_HERE not in error.value]
        assert not others, (page, section, others)
        assert words.count(NOT_HERE) <= 2, (page, section)
        if page in NEEDS_IMAGES or section == "training":
            assert NOT_BROUGHT in words and len(offers(app)) == 1, (page, section)


def test_its_answer_has_the_names_of_its_classes(imported: str) -> None:
    words = words_of(open_page("classify", imported))
    assert any(name in words for name in CLASSES)


@pytest.mark.parametrize("page", ["runs", "evaluate", "compress", "embedding"])
def test_a_button_brings_its_images_in(imported: str, foreign: Foreign, page: str) -> None:
    app = open_page(page, imported)
    (button,) = offers(app)
    button.click().run()
    assert not app.exception and foreign.dataset in DATASETS
    assert not offers(app) and NOT_BROUGHT not in words_of(app)
    assert "are here now" in app.toast[0].value


@pytest.mark.parametrize("page", ["evaluate", "compress", "embedding", "classify"])
def test_images_that_did_not_come_lead_to_the_page_that_takes_them(imported: str, page: str) -> None:
    store = RunStore()
    (store.checkpoint(imported).parent / OFFERED_IMAGES).unlink()
    store.close()
    app = open_page(page, imported)
    assert NOT_HERE in words_of(app) and not offers(app)
    assert "Bring images in on the page Data" in [link.proto.label for link in app.get("page_link")]
