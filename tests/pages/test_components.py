"""The widgets are registered by the app itself: looking for components among the installed packages changes nothing."""

import json

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.components.v2.manifest_scanner import scan_component_manifests
from streamlit.testing.v1 import AppTest


def tiles() -> None:
    from pages.shared.widgets.image_grid import image_grid

    image_grid(b"sheet", count=6, width=7, height=5, columns=3, key="grid", label="Six tiles")


def drawn() -> list[tuple[str, dict[str, object]]]:
    app = AppTest.from_function(tiles, default_timeout=60).run()
    assert not app.exception
    return [(element.proto.component_name, json.loads(element.proto.json)) for element in app.get("bidi_component")]


def test_a_widget_is_drawn_the_same_whether_installed_packages_are_searched_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without, searches = drawn(), []

    def scan() -> object:
        searches.append(1)
        return scan_component_manifests()

    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", scan)
    assert drawn() == without
    assert len(without) == len(searches) == 1
