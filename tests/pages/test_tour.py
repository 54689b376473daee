"""The guided tour: a guess on each of five pages about one's own network, left and taken up again."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.classroom.tour import STOPS
from core.runs.store import RunStore
from pages.shared.shell.navigation import PAGES, path


def opened(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(path(name), default_timeout=60)
    app.query_params.update(query)
    return ran(app)


def ran(changed: Any) -> AppTest:
    app: AppTest = changed.run()
    assert not app.exception
    return app


def links(app: AppTest) -> dict[str, str]:
    return {link.proto.label: "&".join(sorted(link.proto.query_string.split("&"))) for link in app.get("page_link")}


@pytest.mark.parametrize("name", STOPS)
def test_a_guess_is_locked_and_answered_by_the_network_and_the_way_leads_on(name: str, trained_run: str) -> None:
    app = opened(name, run=trained_run, tour=name)
    assert not any("Next: " in label for label in links(app))
    radio = app.radio(key=f"tour_{name}_{trained_run}")
    ran(radio.set_value(0))
    assert radio.key not in {other.key for other in app.radio}
    assert any("You guessed: **" in text.value for text in app.markdown)
    answer = " ".join(element.value for element in [*app.success, *app.warning])
    if name == "train":
        accuracy = RunStore().get(trained_run).valid_accuracy
        assert accuracy is not None and f"gets {accuracy:.1%} right" in answer.replace("\\", "")
    assert answer.startswith(("Right. ", "It is: "))
    following = [*STOPS, None][list(STOPS).index(name) + 1]
    assert [query for label, query in links(app).items() if label.startswith("Next: ")] == (
        [f"run={trained_run}&tour={following}"] if following else []
    )


def test_elsewhere_the_page_says_where_the_tour_goes_on_and_leaving_ends_it(trained_run: str) -> None:
    app = opened("filters", run=trained_run, tour="evaluate")
    assert links(app)[f"Tour, stop 4 of 5 is on {PAGES['evaluate'].title}"].endswith("tour=evaluate")
    ran(app.button(key="tour_leave").click())
    assert "tour" not in app.query_params and not any("Tour" in label for label in links(app))


def test_home_begins_it_and_takes_it_up_again(trained_run: str) -> None:
    assert links(opened("home"))["Take the tour: five guesses about it"].endswith("tour=train")
    assert links(opened("home", tour="explain"))["Go on with the tour: stop 5 of 5"].endswith("tour=explain")


@pytest.mark.parametrize("name", STOPS)
def test_an_address_that_names_no_stop_shows_no_tour(name: str, trained_run: str) -> None:
    app = opened(name, run=trained_run, tour="<b>")
    assert not any(str(radio.key).startswith("tour_") for radio in app.radio)
    assert "tour_leave" not in {button.key for button in app.button}
