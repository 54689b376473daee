"""Attacks, training images and concepts follow the network, the picture and the settings chosen."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

import core.explain.attacks
import core.explain.tcav
from core.data.datasets import load_dataset
from core.explain import concept_test
from core.explain.attacks import Attack, attack
from core.explain.influence import LabeledImages, Snapshot, similarity, tracin
from core.explain.methods.registry import METHODS
from core.inference.prediction import predict
from core.model.build import build_model
from core.model.layers import Activation, Conv, Dense, Flatten, GlobalAvgPool
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.losses import cross_entropy
from core.workbench.training_influence import CHECKPOINTS
from pages.sections.attacks_concepts import concepts, influence
from pages.shared.shell.navigation import path
from tests.pages.conftest import at_layer, offered_layers, settled

pytestmark = pytest.mark.filterwarnings("ignore:Input Tensor 0 did not")


def opened(section: str = "attack", **query: str) -> AppTest:
    app = AppTest.from_file(path("attacks_concepts"), default_timeout=60)
    app.session_state["attacks_concepts_section"] = section
    for name, value in query.items():
        app.query_params[name] = value
    return settled(app.run())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Attack]:
    """Write down every attack that is carried out."""
    calls: list[Attack] = []
    compute = core.explain.attacks.attack

    def record(model: Any, pixels: Any, mean: Any, std: Any, how: Attack, **words: Any) -> Any:
        calls.append(how)
        return compute(model, pixels, mean, std, how, **words)

    monkeypatch.setattr(core.explain.attacks, "attack", record)
    return calls


@pytest.fixture
def make_run(home: Any) -> Callable[..., str]:
    """Return a function that records a run on `digits` with random weights and no epochs."""

    def make(*layers: Any) -> str:
        store = RunStore()
        spec = ModelSpec("Odd network", (1, 8, 8), 10, layers)
        run_id = store.create(spec, TrainConfig(epochs=1), "digits", owner="tests")
        save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(spec).state_dict()))
        store.change(run_id, step=1)
        store.close()
        return run_id

    return make


def texts(app: AppTest) -> str:
    return "\n".join(each.value for kind in (app.markdown, app.caption, app.success, app.info) for each in kind)


def pictures(app: AppTest) -> list[str]:
    return [element.value[0] for element in app.get("image")]


def by_hand(run_id: str, how: Attack, index: int = 0) -> Any:
    digits = load_dataset("digits")
    return attack(RunStore().load_model(run_id), digits.test.images[index], digits.mean, digits.std, how)


def test_without_a_network_it_says_so_and_offers_the_way_to_one() -> None:
    app = opened()
    assert "No network has been trained yet" in app.markdown[-1].value
    assert [button.label for button in app.button] == ["Go to Train"]


def test_an_unknown_run_gets_one_sentence_and_a_way_on(trained_run: str) -> None:
    app = opened(run="0123456789")
    assert "There is no such run" in app.markdown[-1].value
    assert [button.label for button in app.button] == ["See all runs"]


@pytest.mark.parametrize("section", ["attack", "training", "concepts"])
@pytest.mark.parametrize(("run", "sentence"), [("damaged_run", "damaged"), ("weightless_run", "no weights yet")])
def test_a_network_that_cannot_be_loaded_gets_one_sentence(
    section: str, run: str, sentence: str, request: pytest.FixtureRequest
) -> None:
    app = opened(section, run=request.getfixturevalue(run))
    assert len(app.error) == 1
    assert sentence in app.error[0].value


def test_the_attack_is_the_one_that_was_asked_for(trained_run: str, asked: list[Attack]) -> None:
    app = opened(run=trained_run)
    assert asked == [Attack("fgsm", 8)]
    before = pictures(app)
    app.slider(key="attack_strength_linf").set_value(60).run()
    assert asked[-1] == Attack("fgsm", 60)
    after = pictures(app)
    assert before[0] == after[0]
    assert before[-1] != after[-1]
    app.segmented_control(key="attack_by").set_value("pgd").run()
    app.segmented_control(key="attack_norm").set_value("l2").run()
    app.number_input(key="attack_steps").set_value(4).run()
    app.slider(key="attack_strength_l2").set_value(320).run()
    assert asked[-1] == Attack("pgd", 320, "l2", 4)


def test_what_came_of_it_is_said(trained_run: str) -> None:
    app = opened(run=trained_run)
    app.slider(key="attack_strength_linf").set_value(64).run()
    found = by_hand(trained_run, Attack("fgsm", 64))
    was, now = int(found.before.argmax()), int(found.after.argmax())
    assert was != now
    assert app.success[0].value.startswith(f"The answer turns from “{was}” to “{now}”. Of 8 random changes")
    assert f"no value by more than {int(found.change.abs().max())} levels" in texts(app)
    assert "× amplified" in texts(app)
    app.slider(key="attack_strength_linf").set_value(1).run()
    assert not app.success
    assert f"The answer is still “{was}”: raise the strength, or let PGD" in app.info[0].value


def test_an_attack_can_be_told_where_to_lead(trained_run: str, asked: list[Attack]) -> None:
    app = opened(run=trained_run)
    best = int(by_hand(trained_run, Attack()).before.argmax())
    wanted = (best + 4) % 10
    towards = app.selectbox(key=f"attack_towards_{trained_run}_{best}")
    assert len(towards.options) == 10
    towards.set_value(wanted).run()
    assert asked[-1] == Attack("fgsm", 8, towards=wanted)


def test_the_class_and_the_method_that_are_explained_before_and_after(
    trained_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, int, torch.Tensor]] = []
    compute = core.explain.attribution.attribute

    def attribute(model: Any, image: Any, target: int, method: str, *args: Any, **options: Any) -> Any:
        calls.append((method, target, image))
        return compute(model, image, target, method, *args, **options)

    monkeypatch.setattr(core.explain.attribution, "attribute", attribute)
    target = (int(by_hand(trained_run, Attack()).before.argmax()) + 1) % 10
    app = opened(run=trained_run, target=str(target))
    app.slider(key="attack_strength_linf").set_value(20).run()
    calls.clear()
    app.selectbox(key="attack_method").set_value("saliency").run()
    assert [call[:2] for call in calls] == [("saliency", target)] * 2
    digits, found = load_dataset("digits"), by_hand(trained_run, Attack("fgsm", 20))
    for call, pixels in zip(calls, (found.original, found.pixels), strict=True):
        assert torch.allclose(call[2], digits.normalize(pixels[None])[0])
    assert f"{METHODS['saliency'].title}" in app.selectbox(key="attack_method").options


def test_the_smallest_strength_is_found_on_a_press_and_can_be_used(trained_run: str) -> None:
    app = opened(run=trained_run)
    assert not [button for button in app.button if button.key == "use_strength"]
    app.button(key="ask_smallest").click().run()
    settled(app)
    strengths = [
        strength
        for strength in core.explain.attacks.STRENGTHS
        if by_hand(trained_run, Attack("fgsm", strength)).successful
    ]
    assert f"turns the answer is **{strengths[0]}**" in texts(app)
    app.button(key="use_strength").click().run()
    assert app.slider(key="attack_strength_linf").value == strengths[0]
    assert app.success


def test_what_cannot_be_attacked_gets_one_sentence(make_run: Callable[..., str]) -> None:
    run_id = make_run(Flatten(), Dense(10))
    store = RunStore()
    network = store.load_model(run_id)
    zeros = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    save_checkpoint(store.checkpoint(run_id), Checkpoint(zeros))
    app = opened(run=run_id)
    assert [error.value for error in app.error] == [
        "The network's answer does not react to small changes of this picture (its gradient is zero), so an attack "
        "has no direction to go: try another picture or epoch."
    ]


def cards(app: AppTest) -> list[list[tuple[int, str]]]:
    """Return the number and the note of every card, group by group."""
    bodies = [element.proto.body for element in app.get("html") if "<ol>" in element.proto.body]
    found = re.compile(r'title="Training image (\d+),[^"]*".*?<span>(.*?)</span>')
    return [[(int(index), note) for index, note in found.findall(body)] for body in bodies]


def training_images() -> tuple[LabeledImages, torch.Tensor]:
    digits = load_dataset("digits")
    images = LabeledImages(digits.train.images[:320], digits.train.labels[:320], digits.normalize)
    return images, digits.normalize(digits.test.images[:1])[0]


def test_training_images_are_those_of_tracin_over_the_runs_epochs(trained_run: str) -> None:
    store, (images, image) = RunStore(), training_images()
    target = int(predict(store.load_model(trained_run), image[None]).argmax())
    moments = [Snapshot(lambda epoch=epoch: store.load_model(trained_run, epoch), 0.01) for epoch in (1, 2)]  # type: ignore[misc]
    expected = tracin(moments, images, image, target, cross_entropy)
    alike = similarity(store.load_model(trained_run), images, image)
    app = opened("training", run=trained_run)
    groups = [[index for index, _ in group] for group in cards(app)]
    assert groups[0] == expected.argsort(descending=True)[:9].tolist()
    assert groups[1] == expected.argsort()[:9].tolist()
    assert groups[2] == alike.argsort(descending=True)[:9].tolist()
    for index, note in cards(app)[0] + cards(app)[2]:
        assert note[0] == ("✓" if images.labels[index] == target else "✗")
    assert "for each of 320 training images" in texts(app)
    assert "after epochs 1, 2" in texts(app)


def test_only_what_was_learned_until_the_chosen_epoch_counts(trained_run: str) -> None:
    app = opened("training", run=trained_run, epoch="1")
    assert "after epoch 1." in texts(app)
    whole = opened("training", run=trained_run)
    assert cards(whole)[0] != cards(app)[0]
    untrained = opened("training", run=trained_run, epoch="0")
    assert ["has learned from no image yet" in info.value for info in untrained.info] == [True]
    assert len(cards(untrained)) == 1


def test_another_class_is_taught_by_other_images(trained_run: str) -> None:
    first = opened("training", run=trained_run, target="1")
    other = opened("training", run=trained_run, target="2")
    assert cards(first)[0] != cards(other)[0]
    assert [index for index, _ in cards(first)[2]] == [index for index, _ in cards(other)[2]]  # alike whatever is asked


def test_without_epochs_it_says_why_and_still_shows_what_looks_alike(make_run: Callable[..., str]) -> None:
    app = opened("training", run=make_run(Conv(4), Activation(), Flatten(), Dense(10)))
    assert ["kept no weights of its epochs" in info.value for info in app.info] == [True]
    assert len(cards(app)) == 1


def test_a_network_without_a_dense_end_says_why_not(make_run: Callable[..., str]) -> None:
    app = opened("training", run=make_run(Conv(10), GlobalAvgPool()))
    assert ["does not end in a dense layer" in error.value for error in app.error] == [True]
    assert not cards(app)


def test_many_training_images_are_looked_through_when_asked(make_run: Callable[..., str]) -> None:
    app = opened("training", run=make_run(Flatten(), Dense(10)))
    assert app.segmented_control(key="influence_count_1197").options == ["1,000", "All 1,197"]
    assert "Of 1,000 training images" in texts(app)
    app.segmented_control(key="influence_count_1197").set_value("1197").run()
    assert "Of 1,197 training images" in texts(settled(app))


def test_checkpoints_are_few_and_stand_for_the_epochs_before_them(trained_run: str) -> None:
    from pages.shared.network.current_network import library

    store = RunStore()
    for epoch in range(3, 31):
        save_checkpoint(store.checkpoint(trained_run, epoch), Checkpoint({}))
    kept = influence.moments_of(library().get(trained_run))
    assert len(kept) == CHECKPOINTS
    assert kept[-1][0] == 30
    assert sum(rate for _, rate in kept) == pytest.approx(30 * 0.01)


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Write down what is asked about concepts."""
    calls: list[dict[str, Any]] = []
    compute = core.explain.tcav.concept_scores

    def record(model: Any, layer: str, target: int, examples: Any, *args: Any, **words: Any) -> Any:
        found = compute(model, layer, target, examples, *args, **words)
        calls.append({"layer": layer, "target": target, "examples": examples, "found": found})
        return found

    monkeypatch.setattr(core.explain.tcav, "concept_scores", record)
    return calls


def test_concepts_are_asked_of_test_images_of_the_class_at_the_layer(
    trained_run: str, reports: list[dict[str, Any]]
) -> None:
    app = opened("concepts", run=trained_run, target="3")
    digits = load_dataset("digits")
    assert (reports[0]["layer"], reports[0]["target"]) == ("pool2", 3)
    assert torch.equal(reports[0]["examples"], digits.test.images[digits.test.labels == 3][:60])
    layers = offered_layers(app)
    assert layers == ["conv1", "relu1", "pool1", "residual1", "pool2", "flatten1", "dense1", "tanh1"]
    at_layer(app, "relu1").run()
    settled(app)
    assert reports[-1]["layer"] == "relu1"
    table = app.dataframe[0].value
    assert list(table["Concept"]) == ["Stripes", "Checks", "Dots"]  # the network sees no colours
    assert list(table["Score"]) == pytest.approx([100 * each.score for each in reports[-1]["found"].concepts])
    assert "only patterns can be asked about" in texts(app)
    assert "At **relu1**" in texts(app)


def test_a_concept_that_is_not_significant_says_so(trained_run: str, reports: list[dict[str, Any]]) -> None:
    app = opened("concepts", run=trained_run)
    for words, score in zip(app.dataframe[0].value["In words"], reports[0]["found"].concepts, strict=True):
        if not score.readable:
            assert words == "cannot be read off this layer"
        elif score.significant:
            assert words in ("speaks for it", "speaks against it")
        else:
            assert words == "not significant"


@pytest.mark.parametrize(
    ("layers", "options"), [((Flatten(), Dense(10)), ["flatten1"]), ((Conv(10), GlobalAvgPool()), ["conv1"])]
)
def test_the_smallest_networks_can_be_asked(
    make_run: Callable[..., str], reports: list[dict[str, Any]], layers: tuple[Any, ...], options: list[str]
) -> None:
    app = opened("concepts", run=make_run(*layers))
    assert offered_layers(app) == options
    assert reports[0]["layer"] == options[0]
    assert not app.error


@pytest.fixture
def pretrained(home: Path) -> str:
    return "zoo-efficientnet_lite0"


def test_a_pretrained_network_has_no_training_images(pretrained: str) -> None:
    app = opened("training", run=pretrained)
    assert ["training images are not here" in words.value for words in app.markdown].count(True) == 1
    assert not cards(app)


def test_a_pretrained_network_can_be_attacked(pretrained: str) -> None:
    app = opened(run=pretrained)
    assert app.success or "The answer is still" in app.info[0].value
    assert len(pictures(app)) == 5


def test_a_pretrained_network_is_asked_about_variations_of_the_picture(
    pretrained: str, reports: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concept_test, "sample_sizes", lambda shape: concept_test.SampleSizes(12, 24, 2))
    monkeypatch.setattr(concepts, "SECONDS_WITHOUT_PRESS", 0.0)
    monkeypatch.setattr(concept_test, "concepts_for", lambda channels: ("dots",))
    app = opened("concepts", run=pretrained)
    assert not reports
    assert "38 pictures, about" in app.button(key="ask_concepts").label
    app.button(key="ask_concepts").click().run()
    settled(app)
    assert reports[0]["examples"].shape == (2, 3, 224, 224)
    assert len(reports[0]["found"].concepts) == 1
    assert "2 crops and mirror images of your picture" in texts(app)
