"""The build page: every change of the stack reaches the draft, can be undone, and nothing that is built throws."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.data.catalog import DATASETS
from core.model.layers import LAYERS, Activation, Conv, Dense, Dropout, Flatten, MaxPool
from core.model.presets import PRESETS
from core.model.spec import MAX_LAYERS, ModelSpec
from pages.sections.build.layer_stack import ICONS
from pages.shared.shell import session
from pages.shared.shell.navigation import FOLDER, path

ON_MNIST5K = 320 + 18_496 + 73_856 + (1152 * 512 + 512) + 5_130


def build(draft: session.Draft | None = None) -> AppTest:
    app = AppTest.from_file(str(path("build")), default_timeout=60)
    if draft is not None:
        app.session_state["draft"] = draft
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return run(app)


def layers(app: AppTest) -> tuple[object, ...]:
    return app.session_state["draft"].spec.layers


def total(app: AppTest) -> str:
    return {metric.label: metric.value for metric in app.metric}["Parameters"]


def page_text(app: AppTest) -> str:
    return " ".join(str(html.value) for html in app.get("html") if "<style>" not in str(html.value))


def small(*stack: object) -> session.Draft:
    return session.Draft("digits", ModelSpec("Mine", (1, 8, 8), 10, stack))  # type: ignore[arg-type]


def test_the_first_network_is_the_tutorials() -> None:
    app = build()
    filters = [layer.out_channels for layer in layers(app) if isinstance(layer, Conv)]
    assert filters == [32, 64, 128]
    assert total(app) == f"{ON_MNIST5K:,}" == "688,138"
    text = page_text(app)
    assert "3 × 3 × 32 × 64 + 64 = <b>18,496</b>" in text
    assert "32×14×14 → <b>64×14×14</b>" in text
    assert any("**dense1** holds 86% of the parameters" in caption.value for caption in app.caption)
    assert not app.error and not app.button(key="train").disabled


def test_another_data_set_keeps_the_stack_and_changes_its_numbers() -> None:
    app = build()
    before = layers(app)
    app.selectbox(key="data_0").select("cifar10")
    run(app)
    assert layers(app) == before
    assert app.session_state["draft"].spec.input_shape == (3, 32, 32)
    assert total(app) == "1,147,466"


def test_every_kind_of_layer_can_be_added() -> None:
    app = build(small(Flatten(), Dense(10)))
    for kind in LAYERS:
        app.menu_button(key="add_last").click(kind)
        run(app)
        assert layers(app)[-1] == LAYERS[kind]()
    press(app, "open_0")
    app.menu_button(key="add_below").click("dropout")
    run(app)
    assert layers(app)[:3] == (Flatten(), Dropout(), Dense(10))
    assert set(ICONS) == set(LAYERS)


def test_layers_move_double_and_go_and_all_of_it_can_be_undone() -> None:
    start = (Conv(4), Activation(), MaxPool(), Flatten(), Dense(10))
    app = build(small(*start))
    press(app, "open_1")
    press(app, "do_down")
    assert layers(app) == (Conv(4), MaxPool(), Activation(), Flatten(), Dense(10))
    press(app, "do_up")
    assert layers(app) == start
    press(app, "do_duplicate")
    assert layers(app) == (Conv(4), Activation(), Activation(), MaxPool(), Flatten(), Dense(10))
    press(app, "do_remove")
    assert layers(app) == start
    press(app, "open_2")
    press(app, "do_remove")
    assert layers(app) == (Conv(4), Activation(), Flatten(), Dense(10))
    for _ in range(5):
        press(app, "undo")
    assert layers(app) == start
    assert app.button(key="undo").disabled


def test_settings_reach_the_draft_and_follow_their_layer() -> None:
    app = build(small(Conv(4), Conv(8), Flatten(), Dense(10)))

    def widget(label: str) -> object:
        return next(box for box in (*app.number_input, *app.selectbox) if box.label == label)

    widget("Filters").set_value(6)  # type: ignore[attr-defined]
    run(app)
    widget("Padding").set_value(2)  # type: ignore[attr-defined]
    run(app)
    assert layers(app)[:2] == (Conv(6, padding=2), Conv(8))
    press(app, "do_down")
    assert widget("Filters").value == 6  # type: ignore[attr-defined]
    press(app, "open_0")
    assert widget("Filters").value == 8 and widget("Padding").value == "same"  # type: ignore[attr-defined]
    press(app, "undo")
    press(app, "undo")
    assert layers(app)[:2] == (Conv(4), Conv(8))


def test_each_setting_has_a_widget_with_its_value() -> None:
    changed = replace(Dropout(), p=0.25)
    app = build(small(changed, Activation("leaky_relu"), Flatten(), Dense(10)))
    assert app.number_input[0].value == 0.25
    press(app, "open_1")
    function = next(box for box in app.selectbox if box.label == "Function")
    assert function.value == "leaky_relu"
    assert function.options[1] == "Leaky ReLU"


def test_an_impossible_layer_says_why_and_a_click_mends_it() -> None:
    draft = small(Conv(4), MaxPool(), MaxPool(), Conv(8, kernel_size=5, padding=0), Activation(), Flatten(), Dense(10))
    app = build(draft)
    assert "(2 − 5 + 2 × 0) / 1 + 1 = −2" in app.error[0].value
    assert page_text(app).count("waiting for conv2") == 3
    assert "1×8×8 → <b>4×8×8</b>" in page_text(app)
    assert app.button(key="train").disabled
    assert not app.code
    labels = [app.button(key=f"fix_{number}").label for number in range(3)]
    assert labels[0] == "Use padding 2 in conv2"
    press(app, "fix_0")
    assert layers(app)[3] == Conv(8, kernel_size=5, padding=2)
    assert not app.error and "waiting" not in page_text(app)
    assert "Conv2d(4, 8, kernel_size=5, padding=2)" in app.code[0].value
    press(app, "undo")
    assert app.session_state["draft"] == draft


def test_an_empty_stack_offers_a_beginning() -> None:
    app = build(small(Dense(10)))
    press(app, "do_remove")
    assert layers(app) == ()
    assert "nothing yet that could learn" in app.error[0].value
    press(app, "fix_0")
    assert len(layers(app)) == 13 and not app.error


@pytest.mark.parametrize("dataset", ["mnist5k", "digits", "shapes"])
def test_every_preset_works_on_every_shape_of_image(dataset: str) -> None:
    app = build(session.new_draft(dataset, "tutorial"))
    for name in PRESETS:
        app.menu_button(key="preset_menu").click(name)
        run(app)
        assert app.session_state["draft"] == session.new_draft(dataset, name)
        assert not app.error and app.text_input(key="network_name").value == PRESETS[name].title
    assert {DATASETS[name].input_shape for name in DATASETS} == {(1, 28, 28), (1, 8, 8), (3, 32, 32)}


def test_a_changed_preset_does_not_go_by_its_name() -> None:
    app = build()
    press(app, "do_remove")
    assert app.text_input(key="network_name").value == "Tutorial, changed"
    press(app, "undo")
    assert app.text_input(key="network_name").value == "Tutorial"
    press(app, "open_0")
    press(app, "do_remove")
    app.text_input(key="network_name").set_value("**Mine**")
    run(app)
    press(app, "open_0")
    press(app, "do_remove")
    assert app.session_state["draft"].spec.name == "**Mine**"


def test_a_name_of_ones_own_stays_though_it_is_that_of_another_preset() -> None:
    app = build()
    app.text_input(key="network_name").set_value(PRESETS["lenet5"].title)
    run(app)
    press(app, "do_remove")
    assert app.session_state["draft"].spec.name == PRESETS["lenet5"].title


def _rename(app: AppTest) -> None:
    app.text_input(key="network_name").set_value("  ")


def _add(app: AppTest) -> None:
    app.menu_button(key="add_last").click("dropout")


@pytest.mark.parametrize(("act", "words"), [(_rename, "1 to 80 characters"), (_add, "at most 64")])
def test_what_cannot_be_done_is_said_and_changes_nothing(act: Callable[[AppTest], None], words: str) -> None:
    draft = small(*[Activation()] * (MAX_LAYERS - 2), Flatten(), Dense(10))
    app = build(draft)
    act(app)
    run(app)
    assert words in app.error[0].value
    assert app.session_state["draft"] == draft
    press(app, "open_1")
    assert not app.error


def test_a_preview_shows_the_maps_of_all_layers_that_work() -> None:
    app = build(small(Conv(4), MaxPool(), Conv(8, kernel_size=31, padding=0), Flatten(), Dense(10)))
    assert "data:image/png" not in page_text(app)
    app.toggle(key="build_preview").set_value(True)
    run(app)
    text = page_text(app)
    assert text.count("data:image/png") == 3  # the image, conv1 and pool1
    assert "Test image 0" in text and "all maps" in text
    app.number_input(key="preview_digits").set_value(7)
    run(app)
    assert "Test image 7" in page_text(app)
    assert app.session_state["picture"] == session.PictureSelection("test", "digits", 7)


def test_training_it_leaves_the_run_of_the_address_behind() -> None:
    app = AppTest.from_file(str(FOLDER.parent / "app.py"), default_timeout=60)
    app.query_params["run"] = "old"
    app.switch_page("pages/build.py")
    run(app)
    assert app.title[0].value == "Build"
    app.button(key="train").click()
    app.run()
    assert app.title[0].value == "Train"
    assert "run" not in app.query_params
