"""What if: edits of a copy add up, show what follows, can be taken back, and leave the run alone."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import streamlit
import torch
from streamlit.testing.v1 import AppTest

from core.data.datasets import load_dataset
from core.explain.attribution import attribute
from core.formatting import number, share
from core.inference.prediction import predict
from core.model.handmade import kernel
from core.probe.activations import capture_activations
from core.probe.edited_network import describe_edit, retyped
from core.probe.surgery import Edit, Off, Replace, Swap, apply_edits
from core.runs.checkpoint import load_checkpoint, save_checkpoint
from core.runs.store import RunStore
from pages.shared.shell.navigation import path

Sheets = Callable[[AppTest], dict[str, Any]]


def asked(run_id: str, edits: tuple[Edit, ...] = (), **remembered: Any) -> AppTest:
    """Open the page with the panel of changes, some of which are made already."""
    app = AppTest.from_file(path("filters"), default_timeout=60)
    app.query_params["run"] = run_id
    for name, value in {f"what_if_{run_id}": True, f"edits_{run_id}": edits, **remembered}.items():
        app.session_state[name] = value
    return ran(app)


def ran(changed: Any) -> AppTest:
    app: AppTest = changed.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def edits_of(app: AppTest, run_id: str) -> tuple[Edit, ...]:
    kept: tuple[Edit, ...] = app.session_state[f"edits_{run_id}"]
    return kept


def rows(app: AppTest) -> dict[str, tuple[str, str]]:
    """Read the table of answers: the probabilities of each class before and after, in describe_edit."""
    (body,) = (element.proto.body for element in app.get("html") if "<table class=cs-answers" in element.proto.body)
    found = re.findall(r"<th scope=row>(\d+).*?</th>" + 2 * r"<td class=share .*?>(.*?)</td>", body)
    return {name: (before, after) for name, before, after in found}


def image(index: int = 0) -> torch.Tensor:
    digits = load_dataset("digits")
    return digits.normalize(digits.test.images[index : index + 1])


def test_an_open_panel_says_what_to_do_and_that_the_run_is_safe(trained_run: str) -> None:
    app = asked(trained_run)
    assert "Nothing is changed yet" in texts(app)
    assert "its weights and its files stay as they are" in texts(app)
    assert app.button(key="surgery_apply").label == "Switch off filter 0"
    assert not app.get("undo")


def test_switching_off_changes_the_copy_only(trained_run: str) -> None:
    folder = RunStore().checkpoint(trained_run).parent
    before = {place.name: place.read_bytes() for place in folder.iterdir() if place.is_file()}
    app = ran(asked(trained_run).button(key="surgery_apply").click())
    assert edits_of(app, trained_run) == (Off("conv1", 0),)
    model = RunStore().load_model(trained_run)
    was, now = (predict(each, image())[0] for each in (model, apply_edits(model, [Off("conv1", 0)])))
    assert not torch.equal(was, now)
    shown = rows(app)
    assert 5 <= len(shown) <= 10
    assert shown == {name: (share(float(was[int(name)])), share(float(now[int(name)]))) for name in shown}
    assert {place.name: place.read_bytes() for place in folder.iterdir() if place.is_file()} == before


def test_edits_add_up_and_are_taken_back(trained_run: str) -> None:
    app = asked(trained_run, (Off("conv1", 3),), surgery_change="swap")
    app = ran(app.selectbox(key=f"swap_{trained_run}_conv1_0").set_value(5))
    app = ran(app.button(key="surgery_apply").click())
    edits = (Off("conv1", 3), Swap("conv1", 0, 5))
    assert edits_of(app, trained_run) == edits
    assert "1. conv1: filter 3 off\n2. conv1: filters 0 and 5 swapped" in texts(app)
    model = RunStore().load_model(trained_run)
    now = predict(apply_edits(model, edits), image())[0]
    assert all(after == share(float(now[int(name)])) for name, (_, after) in rows(app).items())
    app = ran(app.button(key="surgery_undo").click())
    assert edits_of(app, trained_run) == (Off("conv1", 3),)
    app = ran(app.button(key="surgery_reset").click())
    assert edits_of(app, trained_run) == ()
    assert "Nothing is changed yet" in texts(app)


def test_a_hand_made_kernel_is_as_strong_as_the_one_it_replaces(trained_run: str) -> None:
    app = asked(trained_run, surgery_change="replace", surgery_kernel="sobel_x")
    app = ran(app.button(key="surgery_apply").click())
    (edit,) = edits_of(app, trained_run)
    old = RunStore().load_model(trained_run).get_submodule("conv1").weight[0, 0].detach().numpy()
    new = np.asarray(edit.kernel)[0]
    made = kernel("sobel_x", 3)
    assert np.linalg.norm(new) == pytest.approx(np.linalg.norm(old))
    assert np.allclose(new / np.linalg.norm(new), made / np.linalg.norm(made))
    assert "conv1: filter 0 has another kernel (Sobel x)" in texts(app)


def test_a_single_input_channel_can_be_replaced(trained_run: str) -> None:
    layer = "residual1.conv1"
    app = asked(trained_run, surgery_change="replace", **{f"convolution_{trained_run}": layer})
    app = ran(app.selectbox(key=f"channel_{trained_run}_{layer}_0").set_value(2))
    app = ran(app.button(key="surgery_apply").click())
    (edit,) = edits_of(app, trained_run)
    old = RunStore().load_model(trained_run).get_submodule(layer).weight[0].detach().numpy()
    new = np.asarray(edit.kernel, dtype=np.float32)
    assert [np.array_equal(new[channel], old[channel]) for channel in range(8)] == [at != 2 for at in range(8)]
    assert describe_edit(edit) == f"{layer}: filter 0 has another kernel"


def test_what_is_typed_takes_effect_at_once_and_is_one_edit(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cells: dict[int, dict[str, Any]] = {}
    tables: list[list[list[float]]] = []

    def editor(table: Any, *, key: str, on_change: Callable[[], None], **_: Any) -> None:
        tables.append(table.to_numpy().tolist())
        streamlit.session_state[key] = {"edited_rows": cells}
        streamlit.button("Type", key="type", on_click=on_change)

    monkeypatch.setattr(streamlit, "data_editor", editor)
    first = Replace("conv1", 0, [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    app = asked(trained_run, (first,), surgery_change="replace", surgery_kernel="typed")
    assert tables[-1] == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    for value in (-1.0, -2.0):
        cells[1] = {"1": value}
        app = ran(app.button(key="type").click())
        edits = (first, Replace("conv1", 0, [[[1, 2, 3], [4, value, 6], [7, 8, 9]]]))
        assert edits_of(app, trained_run) == edits
        assert tables[-1] == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]  # the browser still holds what was typed into it
    now = predict(apply_edits(RunStore().load_model(trained_run), edits), image())[0]
    assert all(after == share(float(now[int(name)])) for name, (_, after) in rows(app).items())
    cells[1] = {"1": None}
    assert edits_of(ran(app.button(key="type").click()), trained_run) == edits
    cells.clear()
    app = ran(app.button(key="surgery_undo").click())
    assert edits_of(app, trained_run) == (first,)
    app = ran(app.button(key="surgery_undo").click())
    old = RunStore().load_model(trained_run).get_submodule("conv1").weight[0, 0].tolist()
    assert tables[-1] == old


def test_typed_numbers_take_their_places_and_empty_cells_are_none() -> None:
    values = np.arange(4.0).reshape(2, 2)
    assert retyped(values, {0: {"1": -7}, 1: {"0": 0.5}}).tolist() == [[0, -7], [0.5, 3]]
    assert np.isnan(retyped(values, {1: {"1": None}})[1, 1])
    assert retyped(values, {9: {"1": 1}, 0: {"9": 1, "_index": 3}}).tolist() == values.tolist()  # not of this table
    assert values.tolist() == [[0, 1], [2, 3]]


def test_maps_before_and_after_share_their_colours(trained_run: str, sheets: Sheets) -> None:
    app = asked(trained_run, (Off("conv1", 2),))
    shown = sheets(app)
    before, after = shown["Maps of relu1 before"], shown["Maps of relu1 after, B"]
    assert 2 in after.data["dead"] and 2 not in before.data["dead"]
    others = [channel for channel in range(8) if channel != 2]
    assert np.array_equal(before.tiles[others], after.tiles[others])
    assert "1 of 8 maps of relu1 (8 × 8) is no longer what it was." in texts(app)


def test_maps_of_a_later_layer_move_too(trained_run: str) -> None:
    app = asked(trained_run, (Off("conv1", 2),))
    app = ran(app.selectbox(key=f"surgery_maps_{trained_run}_conv1").set_value("residual1"))
    model = RunStore().load_model(trained_run)
    was, now = (
        capture_activations(each, image(), ["residual1"])["residual1"][0]
        for each in (model, apply_edits(model, [Off("conv1", 2)]))
    )
    moved = int(((was - now).abs().amax(dim=(1, 2)) > 1e-5).sum())
    assert moved > 1
    assert f"{moved} of 8 maps of residual1" in texts(app)


@pytest.mark.parametrize("method", ["grad_cam", "saliency"])
def test_both_explain_the_class_that_was_the_answer(method: str, trained_run: str) -> None:
    edits = (Off("conv1", 2), Off("conv1", 4))
    app = asked(trained_run, edits, surgery_method=method)
    model = RunStore().load_model(trained_run)
    target = int(model(image()).argmax())
    scores = [attribute(each, image()[0], target, method).score for each in (model, apply_edits(model, edits))]
    assert f"Before: score {number(scores[0])} After: score {number(scores[1])}" in texts(app)


def test_edits_that_do_not_fit_get_one_sentence_and_can_be_taken_back(trained_run: str) -> None:
    app = asked(trained_run, (Off("conv9", 0),))
    assert len(app.error) == 1 and "no convolution named 'conv9'" in app.error[0].value
    app = ran(app.button(key="surgery_undo").click())
    assert not app.error


def test_a_network_that_ran_away_gets_a_sentence(trained_run: str) -> None:
    place = RunStore().checkpoint(trained_run)
    checkpoint = load_checkpoint(place)
    weights = checkpoint.weights | {"dense2.weight": torch.full_like(checkpoint.weights["dense2.weight"], 3e38)}
    save_checkpoint(place, replace(checkpoint, weights=weights))
    app = asked(trained_run, (Off("conv1", 0),))
    assert len(app.error) == 1 and "scores are not finite" in app.error[0].value
