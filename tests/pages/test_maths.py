"""Maths: what is asked for reaches the sums, and what cannot be is said in one sentence."""

import base64
import json
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from streamlit.testing.v1 import AppTest

from core.maths.articles import ARTICLES
from core.runs.checkpoint import load_checkpoint, save_checkpoint
from core.runs.store import RunStore
from pages.sections.maths.layers import LOSS, TOPICS, VIEWS
from pages.shared.shell.navigation import path
from tests.pages.conftest import at_layer, offered_layers


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(path("maths"), default_timeout=60)
    app.query_params.update(query)
    return ran(app)


def ran(changed: Any) -> AppTest:
    """Run a page, or that of a widget whose value was set."""
    app: AppTest = changed.run()
    assert not app.exception
    return app


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def arrays(app: AppTest) -> dict[str, np.ndarray]:
    """Return what was sent to the view of a convolution, as arrays."""
    data = sent(app)
    found = {name: unpacked(data[name]) for name in ("image", "upstream")}
    found |= {name: unpacked(values) for name, values in data["autograd"].items()}
    return found | {"weight_values": unpacked(data["weight"])} if data.get("weight") else found


def unpacked(packed: dict[str, Any]) -> np.ndarray:
    kind = "<f4" if packed["single"] else "<f8"
    return np.frombuffer(base64.b64decode(packed["bytes"]), dtype=kind).astype(float)


def sent(app: AppTest) -> dict[str, Any]:
    """Return the data of the one view of numbers on the page."""
    found = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    (data,) = [data for data in found if "legend" in data and "png" not in data]
    return dict(data)


def test_without_a_network_a_kernel_by_hand_can_still_be_tried() -> None:
    app = opened()
    assert any("network" in words.value for words in app.markdown)
    ran(app.segmented_control(key="maths_section").set_value("kernels"))
    assert arrays(app)["output"].tolist() == [4, 5, -2, 2, 6, -5, 1, -1, -1]
    assert "⌊(5 + 0 − 3) / 1⌋ + 1 = 3" in captions(app)


def test_every_setting_of_a_kernel_reaches_the_sums() -> None:
    app = opened()
    ran(app.segmented_control(key="maths_section").set_value("kernels"))
    before = arrays(app)
    ran(app.toggle(key="kernel_flip").set_value(True))
    assert arrays(app)["output"].tolist() == (-before["output"]).tolist()  # Sobel turned is Sobel with the other sign
    ran(app.number_input(key="kernel_bias").set_value(2.0))
    assert arrays(app)["output"].tolist() == (2 - before["output"]).tolist()
    ran(app.number_input(key="kernel_padding_True").set_value(2))
    ran(app.number_input(key="kernel_stride_True").set_value(2))
    ran(app.number_input(key="kernel_dilation").set_value(2))
    assert "⌊(5 + 4 − (2 · (3 − 1) + 1)) / 2⌋ + 1 = 3" in captions(app)
    ran(app.selectbox(key="kernel_above").set_value("spot"))
    assert arrays(app)["upstream"].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    ran(app.selectbox(key="kernel_name").set_value("identity"))
    assert arrays(app)["weight_values"].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]


def test_groups_look_at_channels_of_their_own() -> None:
    app = opened()
    ran(app.segmented_control(key="maths_section").set_value("kernels"))
    ran(app.segmented_control(key="kernel_channels").set_value(4))
    ran(app.segmented_control(key="kernel_groups_4").set_value(2))
    ran(app.number_input(key="group_2").set_value(1))
    gradient = arrays(app)["image"].reshape(4, 25)
    assert sent(app)["first"] == 2
    assert not gradient[:2].any() and gradient[2:].any(axis=1).all()


def test_a_kernel_that_does_not_fit_is_refused_in_one_sentence() -> None:
    app = opened()
    ran(app.segmented_control(key="maths_section").set_value("kernels"))
    ran(app.selectbox(key="kernel_size_True").set_value(7))
    assert len(app.error) == 1 and "7" in app.error[0].value
    ran(app.number_input(key="kernel_padding_True").set_value(1))
    assert not app.error
    ran(app.segmented_control(key="kernel_operation").set_value("avg"))
    ran(app.number_input(key="kernel_padding_False").set_value(3))
    assert [error.value for error in app.error] == [
        "The padding of a window of 2 is at most 1, half of it: choose less."
    ]


def test_all_layers_of_a_network_can_be_followed(trained_run: str) -> None:
    app = opened(run=trained_run)
    names = offered_layers(app)
    assert {"conv1", "pool1", "residual1.conv2", "dense1", "loss"} <= set(names)
    for name in [*names[:-1], LOSS]:
        ran(at_layer(app, name))
        assert not app.error, name
        assert sent(app)["label"]
        (article,) = app.expander
        assert article.label.startswith("Read on: "), name


def test_every_kind_of_layer_has_a_text_to_read_on() -> None:
    assert set(TOPICS) == set(VIEWS) and set(TOPICS.values()) < set(ARTICLES)


def test_the_address_names_the_layer(trained_run: str) -> None:
    app = opened(run=trained_run, layer="pool1")
    assert " pool1 of " in sent(app)["label"]
    ran(at_layer(app, "dense1"))
    assert " dense1 of " in sent(app)["label"]


def test_the_numbers_of_a_layer_are_those_of_the_network(trained_run: str) -> None:
    app = opened(run=trained_run)
    ran(app.number_input(key=f"maths_map_{trained_run}_conv1").set_value(3))
    weight = RunStore().load_model(trained_run).get_submodule("conv1").weight[3].detach().numpy()
    np.testing.assert_array_equal(arrays(app)["weight_values"], weight.ravel())


def test_another_loss_starts_another_gradient(trained_run: str) -> None:
    app = opened(run=trained_run)
    ran(at_layer(app, LOSS))
    first = sent(app)["autograd"]["g"]
    ran(app.segmented_control(key=f"maths_loss_name_{trained_run}").set_value("mse"))
    assert sent(app)["autograd"]["g"] != first


def test_weights_that_ran_away_are_refused_in_one_sentence(trained_run: str) -> None:
    store = RunStore()
    place = store.checkpoint(trained_run)
    checkpoint = load_checkpoint(place)
    weights = {name: torch.full_like(value, torch.nan) for name, value in checkpoint.weights.items() if "conv1" in name}
    save_checkpoint(place, replace(checkpoint, weights={**checkpoint.weights, **weights}))
    store.close()
    app = opened(run=trained_run)
    assert [error.value for error in app.error] == [
        "The checkpoint holds numbers that are not finite: choose an earlier epoch."
    ]
