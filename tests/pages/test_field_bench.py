"""The bench of receptive fields: regions, gradients and counts are those of the network, whatever is clicked."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data.datasets import load_dataset
from core.formatting import number
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten, MaxPool
from core.model.spec import ModelSpec
from core.probe.units import effective_field
from core.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.shared.shell import session
from tests.pages.conftest import at_layer


def bench() -> None:
    from pages.sections.maths.receptive_field import SECTION
    from pages.shared.network import current_network

    SECTION.draw(current_network.network_to_inspect())


def opened(run_id: str, **session: Any) -> AppTest:
    app = AppTest.from_function(bench, default_timeout=60)
    app.query_params["run"] = run_id
    for key, value in session.items():
        app.session_state[key] = value
    return ran(app)


def ran(changed: Any) -> AppTest:
    app: AppTest = changed.run()
    assert not app.exception
    assert not app.error
    return app


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def captions(app: AppTest) -> list[str]:
    """Return what stands below the pictures."""
    return [picture.caption for element in app.get("image") for picture in element.proto.imgs if picture.caption]


@pytest.fixture
def make_run(home: Any) -> Callable[..., str]:
    """Return a function that records a run on `digits` with the weights it starts from."""

    def make(*layers: Any) -> str:
        store = RunStore()
        spec = ModelSpec("Odd network", (1, 8, 8), 10, (*layers, Flatten(), Dense(10)))
        run_id = store.create(spec, TrainConfig(epochs=1), "digits", owner="tests")
        save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(spec).state_dict()))
        store.change(run_id, step=1)
        store.close()
        return run_id

    return make


def test_a_click_shows_the_region_the_gradient_and_the_arithmetic_of_that_number(trained_run: str) -> None:
    digits, model = load_dataset("digits"), RunStore().load_model(trained_run)
    image = digits.normalize(digits.test.images[:1])
    values = model[:3](image)[0]
    channel = int(values[:, 3, 1].argmax())
    session = {
        f"field_layer_{trained_run}": "pool1",
        f"field_channel_{trained_run}_pool1": channel,
        f"field_map_{trained_run}_pool1": {"selection": [0, 3, 1]},
    }
    app = opened(trained_run, **session)
    shown = texts(app)
    assert f"Row 3, column 1: **{number(values[channel, 3, 1].item())}**" in shown
    # conv 3 × 3 and pooling 2 × 2: rows 2 · 3 − 1 to 2 · 3 + 2 of which the picture ends at 7
    assert "3 × 4 pixels: rows 5 to 7, columns 1 to 4." in shown
    table = app.dataframe[0].value
    assert table["Size"].tolist() == ["1 + (3 − 1) × 1 = 3", "3 + (1 − 1) × 1 = 3", "3 + (2 − 1) × 1 = 4"]
    assert table["Jump"].tolist() == ["1 × 1 = 1", "1 × 1 = 1", "1 × 2 = 2"]
    assert "Row 3: −1 + 3 × 2 = **5** to 5 + 4 − 1 = **8**; what lies above 7 is padding." in shown
    assert "Column 1: −1 + 1 × 2 = **1** to 1 + 4 − 1 = **4**." in shown
    slopes = effective_field(model, image[0], "pool1", channel, 3, 1).numpy()
    part = slopes[5:8, 2:4].sum() / slopes.sum()
    assert f"**{part:.0%}** of the gradient lies in the inner half (rows 5 to 7, columns 2 to 3)" in shown


def test_another_layer_and_direction_are_a_press_away(trained_run: str) -> None:
    app = opened(trained_run)
    ran(at_layer(app, "dense2"))
    assert "dense2 has no rows and columns any more." in texts(app)
    assert "The whole picture." in texts(app)
    assert app.number_input(key=f"field_channel_{trained_run}_dense2").max == 9
    names = app.dataframe[0].value["Layer"].tolist()
    assert names[3:5] == ["residual1.conv1", "residual1.conv2"]
    ran(app.segmented_control(key="field_direction").set_value("ahead"))
    assert captions(app)[0] == "conv1: reaches 9 of 64 units"


def test_a_pixel_in_the_corner_reaches_fewer_units(trained_run: str) -> None:
    session = {"field_direction": "ahead", f"field_pixel_{trained_run}": {"selection": [0, 0, 0]}}
    app = opened(trained_run, **session)
    assert captions(app) == [
        "conv1: reaches 4 of 64 units",
        "relu1: reaches 4 of 64 units",
        "pool1: reaches 1 of 16 units",
        "residual1: reaches 9 of 16 units",
        "pool2: reaches 4 of 4 units",
    ]
    assert "the pixel can move each answer" in texts(app)


def test_a_pixel_between_the_windows_reaches_nothing(make_run: Callable[..., str]) -> None:
    run_id = make_run(Conv(4, kernel_size=1, stride=2, padding=0))
    app = opened(run_id, field_direction="ahead", **{f"field_pixel_{run_id}": {"selection": [0, 3, 3]}})
    assert captions(app) == ["conv1: reaches 0 of 16 units"]
    assert "No window touches this pixel" in texts(app)


def test_a_unit_that_sees_only_padding_says_so(make_run: Callable[..., str]) -> None:
    run_id = make_run(Conv(4, kernel_size=1, padding=1))
    app = opened(run_id, **{f"field_map_{run_id}_conv1": {"selection": [0, 0, 0]}})
    assert "Nothing of the picture, only the zeros around it." in texts(app)
    assert "No pixel moves this number: no window of its layer meets the picture." in texts(app)


def test_maps_of_one_number_and_an_even_picture_are_shown(make_run: Callable[..., str]) -> None:
    file = io.BytesIO()
    Image.new("L", (40, 40), 128).save(file, "PNG")
    run_id = make_run(Conv(4, kernel_size=7, padding=0), MaxPool())
    app = opened(
        run_id,
        picture=session.PictureSelection("upload", "even.png", data=file.getvalue()),
        **{f"field_layer_{run_id}": "pool1"},
    )
    assert "Every pixel of this picture is alike" in app.info[0].value
    assert "Row 0, column 0" in texts(app)
    assert "The whole picture." in texts(app)


def test_a_gradient_that_is_no_number_gets_a_sentence(trained_run: str) -> None:
    place = RunStore().checkpoint(trained_run)
    checkpoint = load_checkpoint(place)
    broken = {name: tensor.clone() for name, tensor in checkpoint.weights.items()}
    broken["conv1.weight"].fill_(3e38)
    save_checkpoint(place, replace(checkpoint, weights=broken))
    app = opened(trained_run)
    assert "the training ran away" in app.warning[0].value
