"""The map of the data: its marks are what the core lays out, and a click shows that very image and its neighbours."""

import base64
import html
import json
import re
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.data.datasets import load_dataset
from core.figures.atlas import framed
from core.formatting import number
from core.probe.embedding.data_map import ImageSample, data_map, data_maps
from core.probe.features import layer_features
from core.runs.store import RunStore
from pages.sections.embedding import section
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.navigation import path
from tests.absent import make_absent
from tests.pages.conftest import settled


def opened(session: dict[str, Any] | None = None, **query: str) -> AppTest:
    app = AppTest.from_file(path("embedding"), default_timeout=60)
    app.query_params.update(query)
    for key, value in (session or {}).items():
        app.session_state[key] = value
    return settled(app.run())


def texts(app: AppTest) -> str:
    return "\n".join(each.value for each in [*app.markdown, *app.caption, *app.info, *app.subheader, *app.error])


def maps(app: AppTest) -> list[dict[str, Any]]:
    found = (json.loads(element.proto.json) for element in app.get("bidi_component"))
    return [data for data in found if "numbers" in data]


def numbers_of(scene: dict[str, str], name: str, kind: str, width: int = 1) -> np.ndarray:
    return np.frombuffer(base64.b64decode(scene[name]), dtype=kind).reshape(-1, width).squeeze()


def sample(count: int = 10**6) -> ImageSample:
    data = load_dataset("digits")
    return ImageSample(data.test.images[:count], data.test.labels[:count], data.normalize)


def explain_link(app: AppTest) -> str:
    (link,) = (each.proto for each in app.get("page_link") if each.proto.label.startswith("Explain this image"))
    assert link.page.endswith("explain")
    return str(link.query_string)


def hidden(run_id: str) -> str:
    return [name for name, _ in RunStore().load_model(run_id, None).named_children()][-2]


def test_without_a_network_the_way_to_one_is_offered() -> None:
    assert [button.label for button in opened().button] == ["Go to Train"]


def test_the_marks_are_the_pca_of_the_last_hidden_layer(trained_run: str) -> None:
    app = opened(run=trained_run)
    (data,) = maps(app)
    (scene,) = data["moments"]
    everything = sample()
    model = RunStore().load_model(trained_run, None)
    found = data_map(model, everything, hidden(trained_run), "pca")
    assert data["numbers"] == list(range(len(everything.images)))
    assert data["labels"] == everything.labels.tolist()
    np.testing.assert_allclose(numbers_of(scene, "places", "<f4", 2), framed(found.points), atol=1e-5)
    assert np.array_equal(numbers_of(scene, "answers", "<u2"), found.answers)
    assert np.array_equal(numbers_of(scene, "near", "<u2", 6), found.neighbors.indices[:, :6])
    assert {metric.label: metric.value for metric in app.metric} == {
        "Neighbours kept": f"{found.trustworthiness:.3f}",
        "Neighbours' vote": f"{found.knn_accuracy:.1%}",
        "Network": f"{(found.answers == everything.labels.numpy()).mean():.1%}",
    }
    assert found.explained_variance is not None and f"hold {found.explained_variance:.0%} of their variance" in texts(
        app
    )
    assert "Click a mark" in texts(app)


@pytest.mark.parametrize("layer", ["input", "conv1", "dense2"])
def test_another_layer_has_another_map(trained_run: str, layer: str) -> None:
    (data,) = maps(opened(run=trained_run, layer=layer))
    found = data_map(RunStore().load_model(trained_run, None), sample(), layer, "pca")
    np.testing.assert_allclose(numbers_of(data["moments"][0], "places", "<f4", 2), framed(found.points), atol=1e-5)


def test_a_click_shows_the_image_its_explanation_and_its_neighbours(trained_run: str) -> None:
    chosen, key = 17, f"embedding_map_{trained_run}_0"
    app = opened({key: {"picked": chosen}}, run=trained_run)
    data = load_dataset("digits")
    names = data.class_names
    assert f"Test image {chosen}: “{names[int(data.test.labels[chosen])]}”" in texts(app)
    kept = app.session_state["picture"]
    assert (kept.kind, kept.name, kept.index) == ("test", "digits", chosen)
    answer = int(numbers_of(maps(app)[0]["moments"][0], "answers", "<u2")[chosen])
    assert any(f"Grad-CAM of “{names[answer]}”" in image.proto.imgs[0].caption for image in app.get("image"))
    values = layer_features(RunStore().load_model(trained_run, None), data.test.images, hidden(trained_run),
                            normalize=data.normalize).values  # fmt: skip
    far = np.linalg.norm(values.astype(np.float64) - values[chosen], axis=1)
    far[chosen] = np.inf
    order = far.argsort(kind="stable")[:9]
    (cards,) = (element.proto.body for element in app.get("html") if "cs-cards" in element.proto.body)
    shown = re.findall(r'<img alt="Test image (\d+), [^"]* at a distance of ([^"]*)"', html.unescape(cards))
    assert [int(found) for found, _ in shown] == order.tolist()
    assert [text for _, text in shown] == [number(float(far[other])) for other in order]
    link = explain_link(app)
    assert f"run={trained_run}" in link and f"target={answer}" in link


@pytest.mark.parametrize("claim", [-1, 10**9, True, 1.0, "1", [1], None])
def test_what_is_no_image_of_the_map_is_not_believed(trained_run: str, claim: Any) -> None:
    app = opened({f"embedding_map_{trained_run}_0": {"picked": claim, "moment": claim}}, run=trained_run)
    assert "Click a mark" in texts(app)
    assert "picture" not in app.session_state


def test_all_epochs_are_shown_turned_to_fit_and_one_is_looked_at(trained_run: str) -> None:
    key = f"embedding_map_{trained_run}_0"
    app = opened({"embedding_moments": "all", key: {"picked": 3, "moment": "epoch 1"}}, run=trained_run)
    (data,) = maps(app)
    store, layer = RunStore(), hidden(trained_run)
    expected = list(data_maps([0, 1, 2], lambda epoch: store.load_model(trained_run, epoch), sample(), layer, "pca"))
    assert [scene["title"] for scene in data["moments"]] == ["epoch 0, untrained", "epoch 1", "epoch 2"]
    for scene, found in zip(data["moments"], expected, strict=True):
        np.testing.assert_allclose(numbers_of(scene, "places", "<f4", 2), framed(found.points), atol=1e-4)
    assert app.metric[1].value == f"{expected[1].knn_accuracy:.1%}"
    assert "(epoch 1)" in texts(app)
    assert "epoch=1" in explain_link(app)


def test_t_sne_is_laid_out_with_progress_and_can_be_declined(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened({"embedding_method": "tsne"}, run=trained_run)
    (data,) = maps(app)
    found = data_map(RunStore().load_model(trained_run, None), sample(), hidden(trained_run), "tsne")
    np.testing.assert_allclose(numbers_of(data["moments"][0], "places", "<f4", 2), framed(found.points), atol=1e-4)
    monkeypatch.setattr(section, "SECONDS_WITHOUT_PRESS", 0.0)
    app = opened({"embedding_method": "umap", "embedding_moments": "all"}, run=trained_run)
    assert not maps(app)  # what takes long waits for a click
    assert any(button.label.startswith("Compute 3 maps of") for button in app.button)


def test_without_umap_the_page_says_so_and_the_other_layouts_stay(
    trained_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_absent(monkeypatch, "umap")
    app = opened({"embedding_method": "umap"}, run=trained_run)
    sentence = "The package umap-learn is not installed here, and UMAP needs it: pip install umap-learn."
    assert escape_markdown(sentence) in [each.value for each in (*app.error, *app.info, *app.warning)]
    assert len(maps(opened({"embedding_method": "pca"}, run=trained_run))) == 1


def test_fewer_images_are_the_same_random_ones_each_time(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(section, "COUNTS", (40, 1000))
    app = opened({"embedding_count_digits": 40}, run=trained_run)
    (data,) = maps(app)
    there = len(sample().images)
    assert len(data["numbers"]) == 40 and data["numbers"] == sorted(data["numbers"])
    assert max(data["numbers"]) > 40
    assert data["labels"] == sample().labels[data["numbers"]].tolist()
    assert there > 40


def test_two_networks_stand_side_by_side_and_share_the_chosen_image(trained_run: str) -> None:
    chosen = 5
    app = opened(
        {f"embedding_map_{trained_run}_1": {"picked": chosen}}, run=trained_run, other=trained_run, other_epoch="0"
    )
    first, second = maps(app)
    assert first["group"] == second["group"]
    assert first["moments"] != second["moments"]
    assert texts(app).count(f"Test image {chosen}:") >= 1
    app.run()
    assert texts(app).count(f"Test image {chosen}: ") == 2


def test_damaged_weights_are_said_in_one_sentence(damaged_run: str) -> None:
    app = opened(run=damaged_run)
    assert len(app.error) == 1 and not maps(app)
    app = opened({"embedding_moments": "all"}, run=damaged_run)
    assert len(app.error) == 1 and not maps(app)


def test_of_a_pretrained_network_there_are_no_test_images() -> None:
    app = opened(run="zoo-efficientnet_lite0")
    assert "training images are not here" in texts(app)
    assert not maps(app)
