"""By hand: every operation is shown, likeness is counted rightly, and the contest is a fair one."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import core.probe.hog
from core.data.datasets import Dataset, load_dataset
from core.errors import ConvScopeError
from core.inference.prediction import predict
from core.model.build import build_model
from core.model.handmade import kernel
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.probe.classical import CLASSICAL
from core.probe.hog import HogResult
from core.probe.kernel_matching import best_matches
from core.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.shared.shell import session
from pages.shared.shell.navigation import path

Sheets = Callable[[AppTest], dict[str, Any]]


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(path("classical_vision"), default_timeout=60)
    app.query_params.update(query)
    return ran(app)


def ran(changed: Any) -> AppTest:
    app: AppTest = changed.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def pairs(app: AppTest) -> list[tuple[float, str, int]]:
    """Return similarity, name of the hand-made kernel and number of the filter of each pair, in their order."""
    found = re.findall(
        r"<b>([\d.]+)</b> (.*?)<br>.*?filter (\d+)", " ".join(html.proto.body for html in app.get("html"))
    )
    return [(float(cosine), name, int(number)) for cosine, name, number in found]


def weights(run_id: str, epoch: int | None = None) -> np.ndarray:
    return RunStore().load_model(run_id, epoch).get_submodule("conv1").weight.detach().numpy()


def record(*layers: Any) -> str:
    """Record a run on `digits` with the weights it starts from."""
    store = RunStore()
    spec = ModelSpec("Odd network", (1, 8, 8), 10, (*layers, Flatten(), Dense(10)))
    run_id = store.create(spec, TrainConfig(epochs=1), "digits", owner="tests")
    save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(spec).state_dict()))
    store.change(run_id, step=1)
    store.close()
    return run_id


def test_without_a_network_the_way_to_one_is_offered() -> None:
    assert [button.label for button in opened().button] == ["Go to Train"]


def test_every_operation_is_shown_beside_the_maps_of_the_first_convolution(trained_run: str, sheets: Sheets) -> None:
    app = opened(run=trained_run)
    shown = texts(app)
    assert not app.error
    for operation in CLASSICAL.values():
        assert f"**{operation.title}**  \n:small[{operation.summary}]" in shown
    alts = [picture.alt for element in app.get("image") for picture in element.proto.imgs]
    assert sum(alt.startswith(tuple(f"{each.title}: " for each in CLASSICAL.values())) for alt in alts) == 12
    assert len(sheets(app)["Maps of conv1"].data["labels"]) == 8


def test_a_setting_changes_its_own_picture_only(trained_run: str) -> None:
    def drawn(app: AppTest) -> dict[str, str]:
        pictures = (picture for element in app.get("image") for picture in element.proto.imgs)
        return {picture.alt.split(":")[0]: picture.url for picture in pictures}

    app = opened(run=trained_run)
    before = drawn(app)
    after = drawn(ran(app.slider(key="classical_gabor_theta").set_value(90)))
    assert {name for name in before if before[name] != after[name]} == {"Gabor"}


def test_a_photograph_can_be_looked_at_in_more_detail(trained_run: str) -> None:
    app = AppTest.from_file(path("classical_vision"), default_timeout=60)
    app.query_params["run"] = trained_run
    assert "classical_photograph" not in [toggle.key for toggle in ran(app).toggle]
    app.session_state["picture"] = session.PictureSelection("sample", "cat")
    ran(app)
    small = texts(app)
    ran(app.toggle(key="classical_photograph").set_value(True))
    assert not app.error
    assert texts(app) != small


def test_pairs_stand_in_the_order_of_their_likeness_and_are_counted(trained_run: str) -> None:
    place = RunStore().checkpoint(trained_run)
    checkpoint = load_checkpoint(place)
    changed = {name: tensor.clone() for name, tensor in checkpoint.weights.items()}
    changed["conv1.weight"][3, 0] = -0.1 * torch.tensor(kernel("sobel_x"))
    changed["conv1.weight"][5, 0] = 0
    save_checkpoint(place, replace(checkpoint, weights=changed))
    app = opened(run=trained_run)
    found = pairs(app)
    assert found[0] == (1.0, "−Sobel x", 3)
    assert found[-1] == (0.0, "like none", 5)
    cosines = [cosine for cosine, _, _ in found]
    assert cosines == sorted(cosines, reverse=True) and len(found) == 8
    alike = sum(match.cosine >= 0.8 for match in best_matches(weights(trained_run)))
    assert f"**{alike} of 8 filters {'is' if alike == 1 else 'are'} 0.8 or more like a hand-made one.**" in texts(app)
    start = sum(match.cosine >= 0.8 for match in best_matches(weights(trained_run, 0)))
    assert f"before training, as random numbers, {start} of them were" in texts(app)


def test_only_the_pattern_can_be_compared_and_an_epoch_beside_it(trained_run: str) -> None:
    app = opened(run=trained_run, other=trained_run, other_epoch="0")
    ran(app.segmented_control(key="match_by").set_value("pattern"))
    expected = [
        sorted(round(match.cosine, 2) for match in best_matches(weights(trained_run, epoch), centred=True))
        for epoch in (None, 0)
    ]
    found = [cosine for cosine, _, _ in pairs(app)]
    assert [sorted(found[:8]), sorted(found[8:])] == expected
    assert "These are random numbers" in texts(app)


def test_of_many_pairs_the_best_stand_first_and_all_are_a_press_away(home: Any) -> None:
    app = opened(run=record(Conv(20)))
    few = pairs(app)
    ran(app.toggle(key="match_all").set_value(True))
    assert len(few) == 12 and len(pairs(app)) == 20 and pairs(app)[:12] == few


def test_a_network_without_convolutions_says_so(home: Any) -> None:
    app = opened(run=record())
    assert [info.value.split(":")[0] for info in app.info] == [
        "This network has no convolution",
        "This network has no convolution to compare",
    ]


def test_even_kernels_get_a_sentence_and_the_rest_stays(home: Any) -> None:
    app = opened(run=record(Conv(4, kernel_size=2, padding=0)))
    assert [error.value for error in app.error] == [
        "Hand-made kernels have an odd size of at least 3, not 2: they need a middle."
    ]
    assert "**Sobel x**" in texts(app) and app.button(key="ask_contest")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Let HOG and SVM be ready at once, and write down what they are asked."""
    calls: list[tuple[str, int]] = []

    def hog_svm(dataset: Dataset, *, max_train: int, progress: Any) -> HogResult:
        calls.append((dataset.name, max_train))
        progress(64, 100)
        return HogResult(0.5, 1.5, 0.002, 36, max_train, len(dataset.test))

    monkeypatch.setattr(core.probe.hog, "hog_svm", hog_svm)
    return calls


def test_the_contest_is_judged_on_the_images_of_the_network(trained_run: str, asked: list[tuple[str, int]]) -> None:
    app = opened(run=trained_run, other=trained_run, other_epoch="0")
    assert not asked and not app.table
    ran(app.button(key="ask_contest").click())
    assert asked == [("digits", 320)]
    table = app.table[0].value
    digits, model = load_dataset("digits"), RunStore().load_model(trained_run, 0)
    answers = predict(model, digits.normalize(digits.test.images)).argmax(dim=1)
    untrained = (answers == digits.test.labels).float().mean().item()
    known = RunStore().get(trained_run).test_accuracy
    assert known is not None
    assert table["Test accuracy"].tolist() == ["50.0%", f"{known:.1%}", f"{untrained:.1%}"]
    assert table["Learned from"].tolist() == ["320 images"] * 3
    assert table["To learn"].iloc[0] == "1.5 s" and table["To learn"].iloc[2] == "0 s"
    ran(app)
    assert asked == [("digits", 320)], "it is measured once"


def test_a_contest_that_cannot_be_held_says_why(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def hog_svm(dataset: Dataset, **words: Any) -> HogResult:
        raise ConvScopeError("HOG needs images of at least 4 × 4 pixels, and these have 2 × 2.")

    monkeypatch.setattr(core.probe.hog, "hog_svm", hog_svm)
    app = opened(run=trained_run)
    ran(app.button(key="ask_contest").click())
    assert [error.value for error in app.error] == ["HOG needs images of at least 4 × 4 pixels, and these have 2 × 2."]


def test_a_training_from_these_kernels_is_one_press_away(trained_run: str) -> None:
    app = opened(run=trained_run)
    run = RunStore().get(trained_run)
    app.button(key=f"by_hand_{trained_run}").click().run()
    config = app.session_state["config"]
    assert config.first_filters == "by_hand"
    assert replace(config, first_filters="random") == TrainConfig.from_mapping(run.config)
    assert app.session_state["draft"].spec == run.spec
