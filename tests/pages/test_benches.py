"""The loss and the optimiser workbench: what is shown are the numbers of core.maths, and torch agrees."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from core.data.datasets import load_dataset
from core.figures.landscapes import point_at
from core.formatting import number
from core.maths.landscapes import LANDSCAPES
from core.maths.losses import LOSSES, loss_value
from core.maths.rules import OPTIMIZERS
from core.runs.checkpoint import load_checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.workbench.batch_gradients import Batch
from core.workbench.torch_reference import torch_weights
from pages.sections.maths.equality import equality_badge
from pages.sections.maths.gradients import layer_weights, moved
from pages.shared.network.current_network import library


def losses() -> None:
    from pages.sections.maths.loss import SECTION
    from pages.shared.network.current_network import network_to_inspect

    SECTION.draw(network_to_inspect())


def optimizers() -> None:
    from pages.sections.maths.optimizer_step import SECTION
    from pages.shared.network.current_network import network_to_inspect

    SECTION.draw(network_to_inspect())


def race() -> None:
    from pages.sections.maths.optimizer_race import landscape_race

    landscape_race()


def opened(section: Callable[[], None], **state: Any) -> AppTest:
    app = AppTest.from_function(section, default_timeout=60)
    for key, value in state.items():
        app.session_state[key] = value
    return ran(app)


def ran(changed: Any) -> AppTest:
    app: AppTest = changed.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.subheader))


def logits(run_id: str, index: int = 0) -> tuple[np.ndarray, int]:
    data = load_dataset("digits")
    with torch.no_grad():
        found = RunStore().load_model(run_id).eval()(data.normalize(data.test.images[index : index + 1]))[0]
    return found.double().numpy(), int(data.test.labels[index])


def test_every_loss_has_its_value_its_formula_and_the_word_of_autograd(trained_run: str) -> None:
    app = opened(losses)
    values, label = logits(trained_run)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown == {rule.title: number(loss_value(name, values[None], [label]), 4) for name, rule in LOSSES.items()}
    assert texts(app).count(":material/check: equal") == 2 * len(LOSSES)
    assert ":material/close:" not in texts(app)
    assert len(app.latex) == 2 * len(LOSSES) + 1  # the last one is that of the text to read on
    p = np.exp(values - values.max())
    assert f"p = {number(p[label] / p.sum(), 3)} here" in texts(app)


def test_logits_by_hand_start_at_the_network_and_a_wrong_answer_shows_the_squared_error_asleep(
    trained_run: str,
) -> None:
    app = ran(opened(losses).segmented_control(key="bench_logits").set_value("hand"))
    values, label = logits(trained_run)
    assert [slider.value for slider in app.slider] == pytest.approx(np.round(values, 1))
    app = ran(next(button for button in app.button if button.label == "Sure and wrong").click())
    set_to = np.array([slider.value for slider in app.slider])
    assert set_to[label] == -4 and sorted(set_to)[-1] == 8
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Cross-entropy"] == number(loss_value("cross_entropy", set_to[None], [label]), 4)
    assert "times less" in texts(app)


def test_another_true_class_is_another_loss(trained_run: str) -> None:
    app = opened(losses)
    values, label = logits(trained_run)
    other = (label + 1) % 10
    ran(next(box for box in app.selectbox if box.label == "True class").set_value(other))
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Mean squared error"] == number(loss_value("mse", values[None], [other]), 4)


def test_a_damaged_network_gets_a_sentence(damaged_run: str) -> None:
    for section in (losses, optimizers):
        app = opened(section)
        assert "missing or damaged" in app.error[0].value


def test_an_answer_too_large_for_a_number_gets_a_sentence_and_the_weight_its_row(trained_run: str) -> None:
    place = RunStore().checkpoint(trained_run)
    checkpoint = load_checkpoint(place)
    huge = {name: value * 1e30 if value.is_floating_point() else value for name, value in checkpoint.weights.items()}
    save_checkpoint(place, replace(checkpoint, weights=huge))
    assert "not a number" in opened(losses).error[0].value
    app = opened(optimizers)
    assert not app.error
    assert len(app.dataframe[0].value) == len(OPTIMIZERS)


def test_every_optimiser_moves_the_weight_with_the_largest_gradient_as_torch_does(trained_run: str) -> None:
    app = ran(opened(optimizers).slider(key="bench_steps").set_value(2))
    table = app.dataframe[0].value
    assert len(table) == len(OPTIMIZERS)
    assert list(table["New value"]) == list(table["Torch"])
    assert len(set(table["New value"])) > 3
    assert "Every new value up to here equals" in texts(app)
    assert texts(app).count("by hand") == 1  # the run's own is worked out
    app = ran(app.pills(key=f"bench_worked_{trained_run}").set_value(["momentum", "adamw"]))
    assert texts(app).count("by hand") == texts(app).count(":material/check: equal") == 2


def test_one_weight_can_be_chosen_and_its_lines_have_its_numbers(trained_run: str) -> None:
    app = ran(opened(optimizers).segmented_control(key="bench_which").set_value("chosen"))
    for axis, at in {"Filter": 3, "Row": 0, "Column": 2}.items():
        app = ran(app.number_input(key=f"bench_axis_{trained_run}_conv1_{axis}").set_value(at))
    weight = RunStore().load_model(trained_run).conv1.weight
    chosen = next(axis.value for axis in app.number_input if axis.label == "Channel")
    assert f"**conv1, filter 3, channel {chosen}, row 0, column 2** is {number(weight[3, chosen, 0, 2].item(), 4)}" in (
        texts(app)
    )


def test_the_gradient_is_how_the_loss_changes_when_this_one_weight_moves(trained_run: str) -> None:
    weights, batch, place, small = library().get(trained_run), Batch(8, 3), (2, 0, 1, 1), 1e-6
    layer = layer_weights(weights, "conv1", batch)
    value = float(layer.values[place])
    below, above = (moved(weights, "conv1", place, value + change, batch)[1] for change in (-small, small))
    assert layer.gradients[place] == pytest.approx((above - below) / (2 * small), rel=1e-5)
    assert moved(weights, "conv1", place, value, batch) == pytest.approx((layer.gradients[place], layer.loss))


def test_a_click_on_the_map_is_the_start_and_a_number_typed_later_wins() -> None:
    ground = LANDSCAPES["valley"]
    app = opened(race, bench_map_valley_0={"selection": [0, 100, 300]})
    x, y = point_at(ground, 100, 300)
    typed = [app.number_input(key=f"bench_start_{axis}_valley") for axis in "xy"]
    assert [box.value for box in typed] == pytest.approx([x, y], abs=1e-3)
    app = ran(typed[0].set_value(1.5))
    assert app.number_input(key="bench_start_x_valley").value == 1.5
    assert app.number_input(key="bench_start_y_valley").value == pytest.approx(y, abs=1e-3)
    maps = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    (row, col) = next(data["selected"][1:] for data in maps if "Long valley" in data["label"])
    assert point_at(ground, row, col) == pytest.approx((1.5, y), abs=0.01)


@pytest.mark.parametrize("sent", [[0, -1, 5], [0, 5, 10**6], [1, 2], "x"])
def test_what_no_map_sends_is_no_start(sent: Any) -> None:
    app = opened(race, bench_map_valley_0={"selection": sent})
    start = [app.number_input(key=f"bench_start_{axis}_valley").value for axis in "xy"]
    assert start == list(LANDSCAPES["valley"].start)


def test_without_racers_the_page_says_so_and_the_surface_is_drawn_when_asked() -> None:
    app = ran(opened(race).toggle(key="bench_race_surface").set_value(True))
    assert len(app.get("plotly_chart")) == 1
    app = ran(app.pills(key="bench_racers").set_value([]))
    assert "Nobody races" in app.info[0].value


def test_a_check_says_in_words_when_numbers_differ() -> None:
    assert equality_badge(0.5, 0.5) == "by hand **0.5** · autograd **0.5** :material/check: equal"
    assert equality_badge(0.5, 0.25, "torch").endswith("torch **0.25** :material/close: they differ by 0.25")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_oracle_is_the_optimiser_of_the_training(name: str) -> None:
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0}
    first, second = torch_weights(name, 1.0, [0.5, 0.5], settings)
    plain = {"gd": (0.95, 0.9), "sgd": (0.95, 0.9), "momentum": (0.95, 0.855)}
    if name in plain:
        assert (first, second) == pytest.approx(plain[name])
    assert first < 1.0 and second < first
