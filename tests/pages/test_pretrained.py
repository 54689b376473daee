"""Pretrained networks on the pages: chosen, fetched only when asked, and looked into like any other."""

import json
import socket
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from streamlit.testing.v1 import AppTest

from core.compat import import_torchvision
from core.figures.grids import filters_as_rgb
from core.inference.library import zoo_id
from core.inference.prediction import predict
from core.inference.sources import NO_IMAGES
from core.model import zoo
from core.model.zoo import ZOO
from core.model.zoo_weights import load_pretrained
from core.probe.activations import capture_activations
from core.probe.layer_graph import layer_graph
from core.probe.surgery import Off, apply_edits
from pages.sections.filters import top_images
from pages.sections.maths import layer_pass
from pages.shared.network import current_network
from pages.shared.shell import session
from pages.shared.shell.navigation import path

LITE = "efficientnet_lite0"
RUN = zoo_id(LITE)
INSPECT = ("filters", "feature_maps", "classical_vision", "maths", "explain", "classify")


def opened(name: str, run: str = RUN, *, session: dict[str, Any] | None = None, **query: str) -> AppTest:
    app = AppTest.from_file(path(name), default_timeout=120)
    for key, value in {"run": run, **query}.items():
        if value:
            app.query_params[key] = value
    for key, value in (session or {}).items():
        app.session_state[key] = value
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.subheader, app.info, app.warning, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def image(name: str = LITE) -> torch.Tensor:
    """Return the cat as a network receives it."""
    from pages.shared.picture.picker import picture
    from pages.shared.shell import session

    network = current_network.library().pretrained(name)
    return network.normalize(picture(network, session.PictureSelection("sample", "cat"))[0].tensor())[None]


@pytest.fixture
def kept(home: Any) -> Callable[[str], torch.nn.Module]:
    """Return a function that puts random weights of a network where downloaded ones are kept."""

    def keep(name: str) -> torch.nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = import_torchvision().models.get_model(name, weights=None).eval()
        ZOO[name].path.parent.mkdir(exist_ok=True)
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, ZOO[name].path)
        return model

    return keep


@pytest.mark.usefixtures("explanations_wait")
@pytest.mark.parametrize("name", INSPECT)
def test_without_any_training_a_pretrained_network_is_one_click_away(name: str) -> None:
    app = opened(name, run="", session={"maths_section": "fields"})
    assert [button.label for button in app.button] == ["Go to Train"]
    offered = app.pills(key="first_pretrained")
    assert offered.label == "Or look into a pretrained network" and len(offered.options) == len(ZOO)
    offered.set_value(LITE).run()
    assert not app.exception and not app.error
    assert app.query_params["run"] == RUN
    assert next(box for box in app.selectbox if box.label == "Network").value == RUN


def test_home_leads_a_photograph_to_the_bundled_network() -> None:
    app = AppTest.from_file(path("home"), default_timeout=60).run()
    (link,) = [link.proto for link in app.get("page_link") if link.proto.label == "Upload a photograph, see why"]
    assert (link.page, link.query_string) == ("classify", f"run={RUN}")


@pytest.mark.usefixtures("explanations_wait")
def test_classify_names_the_cat_and_explains_another_class() -> None:
    app = opened("classify")
    assert "It says “Egyptian cat”" in [heading.value for heading in app.subheader]
    bars = [button for button in app.button if button.key.startswith("class_")]
    expected = predict(load_pretrained(LITE), image())[0]
    assert [int(bar.key.removeprefix("class_")) for bar in bars] == expected.topk(5).indices.tolist()
    assert f"{float(expected.max()):.1%}" in bars[0].label
    assert "must choose one of its 1,000 classes" in texts(app)
    kinds = app.segmented_control(key="picture_kind_own").options
    assert kinds == ["Upload", "Camera", "Draw", "Sample"]
    another = app.selectbox(key="another_class")
    assert len(another.options) == 995
    espresso = ZOO[LITE].class_names.index("espresso")
    another.set_value(espresso).run()
    assert app.query_params["target"] == str(espresso)
    assert "What speaks for “espresso”?" in texts(app)
    app.button(key="sample_coffee").click().run()
    assert "It says “espresso”" in texts(app)
    assert not app.exception


def test_a_picture_that_was_given_is_explained_without_a_press(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_network, "pass_seconds", lambda weights: 0.25)
    app = opened("classify")
    assert not [button for button in app.button if str(button.key).startswith("ask_integrated")]
    assert not [link for link in app.get("page_link") if link.proto.label == "Give this one a picture of your own"]


def test_the_usual_methods_are_those_that_explain_the_network_within_seconds(
    trained_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_network, "pass_seconds", lambda weights: 0.1 * (weights.pretrained is not None))
    app = opened("explain")
    assert not [info for info in app.info if "this network has none" in info.value]
    assert app.session_state["methods_Gradients"] == ["saliency", "input_x_gradient"]
    assert not [button for button in app.button if str(button.key).startswith("ask_")]
    app.query_params["run"] = trained_run
    app.run()
    assert app.session_state["methods_Rules for going back"] == ["guided_backprop"]
    assert app.session_state["methods_Gradients"] == ["integrated_gradients", "smooth_grad"]


def test_a_test_image_of_another_network_gives_way_to_a_sample(trained_run: str) -> None:
    app = opened("feature_maps", session={"picture": session.PictureSelection("test", "digits", index=3)})
    assert "Sample “Cat”, 3 × 224 × 224" in texts(app)


def test_the_network_is_chosen_like_any_other(trained_run: str) -> None:
    app = opened("filters", run=trained_run)
    box = next(box for box in app.selectbox if box.label == "Network")
    assert len(box.options) == 1 + len(ZOO)
    assert "ResNet-18 · pretrained, 47 MB to download" in box.options
    box.set_value(RUN).run()
    assert app.query_params["run"] == RUN
    assert "Filter 0 of stem.conv" in texts(app)


@pytest.mark.parametrize(("layer", "kind"), [("blocks.3.depthwise.relu", "maps"), ("blocks.5", "maps")])
def test_feature_maps_are_those_of_the_layer(
    layer: str, kind: str, sheets: Callable[[AppTest], dict[str, Any]]
) -> None:
    app = opened("feature_maps", layer=layer)
    (found,) = [sheet for label, sheet in sheets(app).items() if label == f"Feature maps of {layer}"]
    model = load_pretrained(LITE)
    expected = capture_activations(model, image(), [layer])[layer][0].numpy()
    assert found.tiles.shape == (*expected.shape, 3)
    tile, row, col = found.data["selected"]
    assert expected[tile, row, col] == expected.max()
    part = next(part for part in layer_graph(model, (3, 224, 224)) if part.name == layer)
    top, left, bottom, right = part.receptive_field.box(row, col)
    assert f"rows {top} to {bottom - 1}, columns {left} to {right - 1}." in texts(app)


def test_layers_without_places_are_numbers_and_the_last_are_the_classes() -> None:
    app = opened("feature_maps", layer="pool")
    assert "1,280 numbers" in texts(app) and "the mean of the 7 × 7 numbers of map" in texts(app)
    app = opened("feature_maps", layer="classifier")
    (chart,) = app.get("plotly_chart")
    names = json.loads(chart.proto.spec)["layout"]["yaxis"]["ticktext"]
    assert len(names) == 24 and "Egyptian cat" in names[0]
    assert "The 24 largest of 1,000." in texts(app)


def test_filters_are_the_weights(sheets: Callable[[AppTest], dict[str, Any]]) -> None:
    app = opened("filters")
    weights = load_pretrained(LITE).stem.conv.weight.detach().numpy()
    found = sheets(app)["Filters of stem.conv"]
    np.testing.assert_array_equal(found.tiles, filters_as_rgb(weights))
    assert "practically zero" in texts(app)  # and no word of training images that were not looked at


def test_a_filter_is_put_in_order_excited_and_switched_off() -> None:
    layer = "blocks.4.depthwise.conv"
    session = {f"convolution_{RUN}": layer, "filter_order": "contribution"}
    session |= {f"excites_{RUN}": True, f"what_if_{RUN}": True}
    app = opened("filters", session=session)
    assert "First those that speak most for **“Egyptian cat”**" in texts(app)
    assert NO_IMAGES in texts(app)
    press = next(button for button in app.button if button.label.startswith("Switch off filter"))
    index = int(press.label.split()[-1])
    press.click().run()
    assert not app.exception
    model = load_pretrained(LITE)
    after = predict(apply_edits(model, (Off(layer, index),)), image())[0]
    assert f"{float(after.max()):.1%} after" in texts(app)


def test_a_picture_is_made_that_excites_a_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top_images, "STEPS", 3)
    app = opened("filters", session={f"excites_{RUN}": True})
    next(button for button in app.button if button.label == "Preferred input").click().run()
    assert not app.exception
    assert "Its strongest answer to this picture is **" in texts(app)
    assert "training image (" not in texts(app)


def views(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(element.proto.json) for element in app.get("bidi_component")]


@pytest.mark.parametrize("layer", ["stem.conv", "stem.relu", "blocks.1.project.bn", "blocks.3.expand.conv", "pool"])
def test_layers_are_followed_number_by_number(layer: str) -> None:
    app = opened("maths", layer=layer)
    assert not app.error
    (view,) = [data for data in views(app) if "autograd" in data]
    assert "looking at Sample “Cat”" in view["label"]
    model = load_pretrained(LITE)
    loss = -predict(model, image())[0].max().log()
    assert f"the likeliest class: {float(loss):.4g}." in texts(app)


def test_only_the_part_around_the_strongest_number_of_large_maps_is_sent() -> None:
    app = opened("maths", layer="stem.conv")
    (view,) = [data for data in views(app) if "kernel" in data]
    assert view["shape"] == [3, 17, 17] and view["stride"] == [2, 2]
    maps = capture_activations(load_pretrained(LITE), image(), ["stem.conv"])["stem.conv"][0, 0].abs()
    row, col = divmod(int(maps.argmax()), maps.shape[1])
    assert f"rows {row - 4} to {row + 3} and columns {col - 4} to {col + 3} of the output's 112 × 112" in texts(app)


def test_the_loss_is_followed_for_the_likeliest_classes() -> None:
    app = opened("maths", layer="softmax and loss")
    (view,) = [data for data in views(app) if "col_names" in data]
    assert len(view["col_names"]) == 24 and "Egyptian cat" in view["col_names"]
    assert "The 24 likeliest of 1,000 classes are shown" in texts(app)


def test_a_network_too_large_for_double_precision_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_pass, "MOST_PARAMETERS", 4)
    assert "too many to follow in double precision" in opened("maths", layer="stem.conv").error[0].value


def test_receptive_fields_go_both_ways() -> None:
    app = opened("maths", session={"maths_section": "fields"})
    assert "Where the way branches, this is the branch that sees most." in texts(app)
    app = opened("maths", session={"maths_section": "fields", "field_direction": "ahead"})
    fields = {part.name: part.receptive_field for part in layer_graph(load_pretrained(LITE), (3, 224, 224))}
    top, left, bottom, right = fields["blocks.5"].reach(112, 112)
    captions = [image.proto.imgs[0].caption for image in app.get("image")]
    assert f"blocks.5: reaches {(bottom - top) * (right - left)} of 196 units" in captions


@pytest.mark.parametrize("section", ["losses", "optimizers"])
def test_what_needs_training_images_says_so_and_the_rest_works(section: str) -> None:
    app = opened("maths", session={"maths_section": section})
    assert not app.error
    assert (NO_IMAGES in texts(app)) is (section == "optimizers")


def test_classical_vision_says_that_it_has_no_training_images() -> None:
    assert NO_IMAGES in texts(opened("classical_vision"))


def test_a_network_that_is_not_here_is_offered_and_blocks_nothing() -> None:
    for name in INSPECT:
        app = opened(name, run=zoo_id("resnet18"))
        assert [button.label for button in app.button] == ["Download (47 MB)"]
        assert "He, Zhang, Ren and Sun (2015)" in texts(app)
        assert any(box.label == "Network" for box in app.selectbox)
        assert not app.error


def test_offline_the_download_is_one_sentence(monkeypatch: pytest.MonkeyPatch, home: Any) -> None:
    monkeypatch.setenv("no_proxy", "*")
    app = opened("filters", run=zoo_id("resnet18"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening
        monkeypatch.setattr(zoo, "PLACE", f"http://127.0.0.1:{taken.getsockname()[1]}/")
        app.button(key="ask_download_resnet18").click().run()
    assert not app.exception
    assert "The weights of ResNet-18 could not be downloaded because 127.0.0.1 cannot be reached" in app.error[0].value
    assert not ZOO["resnet18"].is_here
    assert app.button(key="again_download_resnet18").label == "Try again"


def test_a_download_ends_in_the_network(monkeypatch: pytest.MonkeyPatch, kept: Callable[[str], Any]) -> None:
    told: list[int] = []

    def load(name: str, progress: Callable[[int, int], None] | None = None) -> Any:
        if progress is None:  # asked once it is here
            return load_pretrained(name)
        for part in range(0, 101, 10):
            progress(part, 100)
            told.append(part)
        return kept(name)

    app = opened("filters", run=zoo_id("squeezenet1_1"))
    monkeypatch.setattr("core.model.zoo_weights.load_pretrained", load)
    app.button(key="ask_download_squeezenet1_1").click().run()
    assert not app.exception
    assert told[-1] == 100
    assert "64 filters of 3 × 3" in texts(app)


def test_two_pretrained_networks_stand_side_by_side(kept: Callable[[str], Any]) -> None:
    kept("squeezenet1_1")
    app = opened("feature_maps", other=zoo_id("squeezenet1_1"))
    assert "A · EfficientNet-Lite0 · pretrained" in texts(app) and "B · SqueezeNet 1.1 · pretrained" in texts(app)
    assert "**A** says **Egyptian cat**" in texts(app) and "**B** says" in texts(app)
    app = opened("filters", other=zoo_id("squeezenet1_1"), session={f"convolution_{RUN}": "stem.conv"})
    assert app.error[0].value.startswith("The network has no convolution named 'stem.conv'")


def test_a_second_network_that_is_not_here_leaves_the_first_in_peace() -> None:
    app = opened("feature_maps", other=zoo_id("resnet18"))
    assert "Download (47 MB)" in [button.label for button in app.button]
    assert "The network says **Egyptian cat**" in texts(app)


@pytest.mark.usefixtures("explanations_wait")
def test_beside_a_network_for_other_pictures_the_sentence_is_the_usual_one(trained_run: str) -> None:
    app = opened("classify", other=trained_run)
    assert any(
        "This network looks at pictures of 1 × 8 × 8, not of 3 × 224 × 224" in error.value for error in app.error
    )
    assert "It says “Egyptian cat”" in texts(app)


def test_an_unknown_name_gets_one_sentence_and_a_way_on() -> None:
    app = opened("filters", run="zoo-lenet")
    assert "There is no such pretrained network" in texts(app)
    assert [button.label for button in app.button] == ["See all runs"]


def test_pages_about_trainings_are_not_disturbed(trained_run: str) -> None:
    app = opened("runs")
    assert not app.error and app.query_params["run"] == trained_run
    app = opened("train")
    assert not app.error
