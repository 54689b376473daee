"""What is taken away from the page is what it shows, and the command line beside it gives the same."""

import io
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.explain.__main__ import main
from core.explain.attribution import attribute
from core.explain.cli.record import read_settings
from core.inference.library import open_network
from core.runs.store import RunStore
from pages.sections.explain.export import DOWNLOADS
from pages.shared.network import current_network
from pages.shared.shell import services

pytestmark = pytest.mark.filterwarnings("ignore:Setting", "ignore::DeprecationWarning")
Made = dict[str, tuple[str, Callable[[], bytes]]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """Collect what the buttons would make: file name and maker by label. Nothing is made by drawing them."""
    found: Made = {}
    real = st.download_button

    def button(label: str, data: Callable[[], bytes], **more: object) -> bool:
        found[label] = (str(more["file_name"]), data)
        return real(label, data, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(st, "download_button", button)
    return found


def section() -> None:
    import streamlit as st

    from pages.sections.explain.export import take_away
    from pages.shared.explanation.controls import HeatmapStyle
    from pages.shared.explanation.rendering import MapColumn, ShownExplanation
    from pages.shared.network import current_network, inference
    from pages.shared.picture.picker import picture
    from pages.shared.shell import session

    network = current_network.library().get(st.query_params["run"])
    shown_picture, _ = picture(network, session.PictureSelection("test", network.dataset_name, 4))
    shown = []
    for epoch in map(int, st.query_params["epochs"].split()):
        weights = network.at(epoch)
        for method, target, versus, options in (
            ("occlusion", 3, None, {"window": 3}),
            ("gradient_shap", 3, None, {}),
            ("occlusion", 5, None, {"window": 3}),
            ("gradient_shap", 5, None, {}),
        ):
            found = inference.attribution(weights, shown_picture, target, method, versus=versus, **options)
            shown.append(ShownExplanation(MapColumn(weights, target, versus), found))
        if "versus" in st.query_params:
            other = int(st.query_params["versus"])
            found = inference.attribution(weights, shown_picture, 3, "occlusion", versus=other, window=3)
            shown.append(ShownExplanation(MapColumn(weights, 3, other), found))
    take_away(shown, shown_picture, HeatmapStyle(0.6, 95.0))


def opened(run_id: str, epochs: str, **query: str) -> AppTest:
    app = AppTest.from_function(section, default_timeout=60)
    app.query_params["run"] = run_id
    app.query_params["epochs"] = epochs
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def read(npz: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(npz), allow_pickle=False) as file:
        return dict(file)


def image_of(run_id: str) -> torch.Tensor:
    data = services.dataset(RunStore().get(run_id).dataset)
    return data.normalize(data.test.images[4:5])[0]


def test_each_button_makes_its_file(trained_run: str, made: Made) -> None:
    app = opened(trained_run, "2")
    assert [button.label for button in app.download_button] == [download.label for download in DOWNLOADS]
    assert all(button.help.endswith(".") and not button.disabled for button in app.download_button)
    files = {label: (name, make()) for label, (name, make) in made.items()}
    assert [name for name, _ in files.values()] == [
        f"small-network-on-digits-explained{ending}" for ending in (".png", ".npz", ".json", "-picture.png")
    ]
    arrays, model = read(files["Arrays"][1]), RunStore().load_model(trained_run, 2)
    assert np.array_equal(arrays["image"], image_of(trained_run))
    expected = attribute(model, image_of(trained_run), 3, "occlusion", window=3)
    assert np.array_equal(arrays["occlusion_class_3"], expected.values)
    assert Image.open(io.BytesIO(files["Sheet"][1])).width > 1500
    picture = np.asarray(Image.open(io.BytesIO(files["Picture"][1])))
    assert np.array_equal(picture, services.dataset("digits").test.images[4, 0])
    (asked,) = read_settings(files["Settings"][1].decode())
    assert (asked.source.model, asked.source.epoch) == (trained_run, 2)
    assert len(asked.calls) == 4


def test_the_command_line_gives_the_very_same(trained_run: str, made: Made, tmp_path: Path, monkeypatch: Any) -> None:
    app = opened(trained_run, "1")
    line = shlex.split(app.code[0].value)
    assert line[:3] == ["python", "-m", "core.explain"]
    for name, make in made.values():
        (tmp_path / name).write_bytes(make())
    monkeypatch.chdir(tmp_path)
    assert main([*line[3:], "-o", "again.npz"]) == 0
    assert Image.open(tmp_path / line[-1]).format == "PNG"
    before, after = read(made["Arrays"][1]()), read((tmp_path / "again.npz").read_bytes())
    assert sorted(before) == sorted(after)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_of_two_networks_the_settings_repeat_both(
    trained_run: str, made: Made, tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    app = opened(trained_run, "0 2")
    line = shlex.split(app.code[0].value)
    assert "--settings" in line
    for name, make in made.values():
        (tmp_path / name).write_bytes(make())
    monkeypatch.chdir(tmp_path)
    assert main([*line[3:], "-o", "again.npz"]) == 0
    assert not capsys.readouterr().err
    before, after = read(made["Arrays"][1]()), read((tmp_path / "again.npz").read_bytes())
    assert sorted(before) == sorted(after)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert not np.array_equal(before["A_occlusion_class_3"], before["B_occlusion_class_3"])
    assert len(json.loads(made["Settings"][1]())["asked"]) == 2


def test_what_one_line_cannot_say_the_settings_do(
    trained_run: str, made: Made, tmp_path: Path, monkeypatch: Any
) -> None:
    app = opened(trained_run, "2", versus="8")
    assert "the picture and the settings" in app.caption[0].value
    line = shlex.split(app.code[0].value)
    for name, make in made.values():
        (tmp_path / name).write_bytes(make())
    monkeypatch.chdir(tmp_path)
    assert main([*line[3:], "-o", "again.npz"]) == 0
    before, after = read(made["Arrays"][1]()), read((tmp_path / "again.npz").read_bytes())
    assert "occlusion_class_3_versus_8" in before
    assert sorted(before) == sorted(after)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_the_command_line_starts_from_the_same_pictures_as_the_page(trained_run: str) -> None:
    page, line = current_network.library().get(trained_run).background, open_network(trained_run).background
    assert line is not None
    assert torch.equal(page, line)


def test_without_explanations_there_is_nothing_to_take(trained_run: str, made: Made) -> None:
    app = opened(trained_run, "")
    assert all(button.disabled and "Nothing has been explained" in button.help for button in app.download_button)
    assert not app.code
