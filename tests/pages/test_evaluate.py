"""Evaluate: what is shown is what scikit-learn finds in the answers of the very network, split and epoch chosen."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from streamlit.testing.v1 import AppTest

from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.evaluation.answers import Answers, answers_of
from core.evaluation.comparison import compare, significance_verdict
from core.evaluation.confusion import cell, confusion_counts, mistakes
from core.evaluation.galleries import GALLERIES
from core.formatting import p_value
from core.model.build import build_model
from core.model.layers import Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.sections.evaluate.confusion_matrix import clicked
from pages.shared.shell.navigation import path
from tests.pages.conftest import settled

SECTIONS = ("overview", "confusion", "curves", "galleries", "contest")
every_section = pytest.mark.parametrize("section", SECTIONS)


def opened(section: str = "overview", split: str = "test", **query: str) -> AppTest:
    app = AppTest.from_file(path("evaluate"), default_timeout=60)
    app.session_state["evaluate_section"] = section
    app.session_state["evaluate_split"] = split
    for name, value in query.items():
        app.query_params[name] = value
    return settled(app.run())


def answered(run_id: str, split: str = "test", epoch: int | None = None) -> Answers:
    """Ask a network about a split without any page."""
    digits = load_dataset("digits")
    images = getattr(digits, split)
    model = RunStore().load_model(run_id, epoch)
    return answers_of(model, images.images, images.labels, normalize=digits.normalize)


@pytest.fixture
def untrained_run(trained_run: str) -> str:
    """Record a run on `digits` with random weights beside the trained one."""
    store = RunStore()
    spec = ModelSpec("Flat network", (1, 8, 8), 10, (Flatten(), Dense(10)))
    run_id = store.create(spec, TrainConfig(epochs=1), "digits", "Flat", owner="tests")
    save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(spec).state_dict()))
    store.change(run_id, step=1)
    store.close()
    return run_id


def figures(app: AppTest) -> dict[str, tuple[str, str]]:
    return {metric.label: (metric.value, metric.delta) for metric in app.metric}


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.success, app.info, app.subheader)
    return "\n".join(each.value for kind in kinds for each in kind)


def rows(app: AppTest, place: int = 0) -> list[dict[str, Any]]:
    """Return the rows of a chart."""
    import pyarrow as pa  # type: ignore[import-untyped]

    chart = app.get("vega_lite_chart")[place].proto
    data = chart.data.data if chart.HasField("data") else chart.datasets[0].data.data
    found: list[dict[str, Any]] = pa.ipc.open_stream(data).read_all().to_pylist()
    return found


def images(app: AppTest, row: str) -> list[int]:
    """Return the numbers of the images of a row, in order."""
    keys = [str(button.key) for button in app.button if str(button.key).startswith(f"{row}_")]
    return [int(key.rpartition("_")[2]) for key in keys if key.rpartition("_")[2].isdigit()]


def test_without_a_network_it_says_so_and_offers_the_way_to_one() -> None:
    app = opened()
    assert "No network has been trained yet" in app.markdown[-1].value
    assert [button.label for button in app.button] == ["Go to Train"]


@every_section
@pytest.mark.parametrize(("run", "sentence"), [("damaged_run", "damaged"), ("weightless_run", "no weights yet")])
def test_a_network_that_cannot_be_loaded_gets_one_sentence(
    section: str, run: str, sentence: str, request: pytest.FixtureRequest
) -> None:
    if section == "contest":
        run_id = request.getfixturevalue(run)
        app = opened(section, run=run_id, other=run_id)
    else:
        app = opened(section, run=request.getfixturevalue(run))
    assert len(app.error) == 1
    assert sentence in app.error[0].value


@every_section
def test_a_pretrained_network_has_no_test_images_and_the_way_on_is_offered(section: str, trained_run: str) -> None:
    app = opened(section, run="zoo-efficientnet_lite0")
    assert [info.value for info in app.info if "has no test images here" in info.value]
    assert {"Go to Train", "Give this one a picture of your own"} <= {link.proto.label for link in app.get("page_link")}
    assert not app.metric
    assert not app.error


@pytest.mark.parametrize("split", ["test", "valid"])
@pytest.mark.parametrize("epoch", [None, 0, 1])
def test_figures_are_those_of_the_chosen_split_and_epoch(trained_run: str, split: str, epoch: int | None) -> None:
    query = {} if epoch is None else {"epoch": str(epoch)}
    app = opened(split=split, run=trained_run, **query)
    answers = answered(trained_run, split, epoch)
    shown = figures(app)
    right = metrics.accuracy_score(answers.labels, answers.predicted)
    assert shown["Accuracy"][0] == f"{right:.1%}"
    loss = metrics.log_loss(answers.labels, answers.probabilities, labels=range(10))
    assert shown["Cross-entropy"][0] == f"{loss:.3f}"
    top = metrics.top_k_accuracy_score(answers.labels, answers.logits, k=3, labels=range(10))
    assert shown["Top 3"][0] == f"{top:.1%}"
    assert list(shown) == ["Accuracy", "Top 3", "Top 5", "Cross-entropy", "Brier score", "Calibration error"]
    table = app.dataframe[0].value
    recall = metrics.recall_score(answers.labels, answers.predicted, average=None, labels=range(10))
    assert table["Recall"].tolist() == pytest.approx((recall * 100).tolist())
    assert table["Images"].sum() == table["Predicted"].sum() == 300
    macro = metrics.f1_score(answers.labels, answers.predicted, average="macro", zero_division=0)
    assert app.dataframe[1].value["F1"][0] == pytest.approx(macro * 100)
    never = set(range(10)) - set(answers.predicted.tolist())
    assert set(np.flatnonzero(table["Precision"].isna())) == never
    assert ("never predicted: precision has no value" in texts(app)) == bool(never)


def test_accuracy_on_the_validation_images_is_the_one_that_the_training_noted(trained_run: str) -> None:
    noted = RunStore().get(trained_run).valid_accuracy
    assert noted is not None
    assert figures(opened(split="valid", run=trained_run))["Accuracy"][0] == f"{noted:.1%}"


@every_section
def test_a_network_that_ran_away_gets_one_sentence(section: str, untrained_run: str) -> None:
    store = RunStore()
    weights = {name: value.sign() * 3e38 for name, value in store.load_model(untrained_run).state_dict().items()}
    save_checkpoint(store.checkpoint(untrained_run), Checkpoint(weights))
    store.close()
    query = {"other": untrained_run} if section == "contest" else {}
    app = opened(section, run=untrained_run, **query)
    (sentence,) = {error.value for error in app.error}  # of a contest, both sides say it
    assert "not finite numbers" in sentence


def test_asking_once_is_enough_until_the_weights_change(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import core.evaluation.answers

    asked, ask = [], core.evaluation.answers.answers_of

    def count(*args: Any, **words: Any) -> Answers:
        asked.append(len(args[1]))
        return ask(*args, **words)

    monkeypatch.setattr(core.evaluation.answers, "answers_of", count)
    app = opened(run=trained_run)
    app.segmented_control(key="evaluate_section").set_value("curves").run()
    settled(app)
    assert asked == [300]
    app.segmented_control(key="evaluate_split").set_value("valid").run()
    settled(app)
    assert asked == [300, 300]
    app.select_slider(key="pick_epoch").set_value(1).run()
    settled(app)
    assert asked == [300] * 3


def test_the_matrix_begins_with_the_most_frequent_mistake(trained_run: str) -> None:
    app = opened("confusion", run=trained_run)
    answers = answered(trained_run)
    counts = confusion_counts(answers)
    found = rows(app)
    assert {(row["row"], row["column"]): row["count"] for row in found} == {
        (true, predicted): counts[true, predicted] for true in range(10) for predicted in range(10)
    }
    true, predicted, count = mistakes(counts)[0]
    assert [(row["row"], row["column"]) for row in found if row["chosen"]] == [(true, predicted)]
    assert f"**{count:,} of {counts[true].sum():,}** images of “{true}” were taken for “{predicted}”" in texts(app)
    assert images(app, "cell_images_0") == cell(answers, true, predicted)[:12].tolist()
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    assert spec["layer"][0]["params"][0]["name"] == "cell"


def test_a_cell_that_is_chosen_shows_its_images(trained_run: str) -> None:
    app = opened("confusion", run=trained_run)
    answers = answered(trained_run)
    app.selectbox(key="cell_true_digits").set_value(4)
    app.selectbox(key="cell_predicted_digits").set_value(4).run()
    assert images(app, "cell_images_0") == cell(answers, 4, 4)[:12].tolist()
    app.button(key="cell_images_0_button").click().run()
    assert images(app, "cell_images_0") == cell(answers, 4, 4)[:96].tolist()
    counts = confusion_counts(answers)
    true, predicted = map(int, np.argwhere(counts == 0)[0])
    app.selectbox(key="cell_true_digits").set_value(true)
    app.selectbox(key="cell_predicted_digits").set_value(predicted).run()
    assert [f"No image of “{true}” was taken for “{predicted}”" in info.value for info in app.info] == [True]


def test_what_the_browser_says_was_clicked_is_looked_at_twice() -> None:
    def said(cell: Any) -> tuple[int, int] | None:
        return clicked({"selection": {"cell": cell}}, 10)

    assert said([{"row": 9, "column": 0}]) == (9, 0)
    wrong = (
        [],
        None,
        "x",
        ["x"],
        [{}],
        [{"row": 10, "column": 0}],
        [{"row": -1, "column": 0}],
        [{"row": True, "column": 0}],
    )
    assert [said(cell) for cell in wrong] == [None] * len(wrong)
    assert [clicked(value, 10) for value in (None, {}, {"selection": 1}, "x")] == [None] * 4


def test_shares_are_of_the_row(trained_run: str) -> None:
    app = opened("confusion", run=trained_run)
    app.segmented_control(key="confusion_measure").set_value("shares").run()
    answers = answered(trained_run)
    expected = metrics.confusion_matrix(answers.labels, answers.predicted, normalize="true", labels=range(10))
    for row in rows(app):
        share = expected[row["row"], row["column"]]
        assert row["share"] == pytest.approx(share, abs=1e-4)
        assert row["label"] == ("" if not row["count"] else "< 1%" if share < 0.005 else f"{share:.0%}")


@pytest.mark.parametrize("split", ["test", "valid"])
def test_an_image_leads_to_explain_with_that_image_chosen(trained_run: str, split: str) -> None:
    app = AppTest.from_file(str(Path(path("evaluate")).parents[1] / "app.py"), default_timeout=60)
    app.session_state["evaluate_section"] = "confusion"
    app.session_state["evaluate_split"] = split
    app.query_params["run"] = trained_run
    app.switch_page(str(path("evaluate")))
    settled(app.run())
    index = images(app, "cell_images_0")[1]
    app.button(key=f"cell_images_0_{index}").click().run()
    assert not app.exception
    chosen = app.session_state["picture"]
    digits = load_dataset("digits")
    assert (chosen.kind, chosen.name, chosen.split, chosen.index) == ("test", "digits", split, index)
    label = int(getattr(digits, split).labels[index])
    assert f"image {index} is “{label}”" in texts(app)
    assert app.title[0].value == "Explain"
    answers = answered(trained_run, split)
    assert f"It says “{answers.predicted[index]}”" in [heading.value for heading in app.subheader]


def test_calibration_and_curves_are_those_of_the_network(trained_run: str) -> None:
    app = opened("curves", run=trained_run)
    answers = answered(trained_run)
    from sklearn.calibration import calibration_curve

    accuracy, confidence = calibration_curve(answers.right, answers.confidence, n_bins=10)
    found = rows(app)
    assert [row["accuracy"] for row in found] == pytest.approx(accuracy, abs=1e-4)
    assert [row["confidence"] for row in found] == pytest.approx(confidence, abs=1e-4)
    app.selectbox(key="ranking_class_digits_0").set_value(3).run()
    auc = metrics.roc_auc_score(answers.labels == 3, answers.probabilities[:, 3])
    average = metrics.average_precision_score(answers.labels == 3, answers.probabilities[:, 3])
    assert f"AUC {auc:.3f}" in texts(app)
    assert f"Average precision {average:.3f}" in texts(app)
    assert {row["class"] for row in rows(app, 2) if row["kind"] == "chosen"} == {"3"}


@pytest.mark.parametrize("name", GALLERIES)
def test_galleries_show_their_images_in_order(name: str, trained_run: str) -> None:
    app = opened("galleries", run=trained_run, epoch="1")
    app.segmented_control(key="evaluation_gallery").set_value(name).run()
    expected = GALLERIES[name].order(answered(trained_run, epoch=1))
    assert images(app, f"gallery_{name}_0") == expected[:24].tolist()
    assert bool(len(expected)) != (GALLERIES[name].none in texts(app))


def test_two_networks_are_compared_image_by_image(trained_run: str, untrained_run: str) -> None:
    app = opened("contest", run=trained_run, other=untrained_run)
    compared = compare(answered(trained_run), answered(untrained_run))
    test = compared.test
    shown = figures(app)
    assert shown["Only one is right"] == (
        f"{test.only_first + test.only_other:,}",
        f"A {test.only_first:,} · B {test.only_other:,}",
    )
    assert shown["McNemar's p"][0] == p_value(test.p_value)
    assert significance_verdict(test) in [text.value for text in app.markdown]
    assert "**A is better on images like these**" in significance_verdict(test)
    for group in ("only_first", "only_other", "neither", "both"):
        app.segmented_control(key="contest_group").set_value(group).run()
        found = images(app, f"contest_{group}")
        assert set(found) <= set(getattr(compared, group).tolist())
        assert len(found) == min(24, len(getattr(compared, group)))


def test_two_epochs_stand_side_by_side(trained_run: str) -> None:
    app = opened(run=trained_run, other=trained_run, other_epoch="0")
    accuracies = [metric.value for metric in app.metric if metric.label == "Accuracy"]
    expected = [answered(trained_run, epoch=epoch).right.mean() for epoch in (None, 0)]
    assert accuracies == [f"{value:.1%}" for value in expected]
    app.segmented_control(key="evaluate_section").set_value("confusion").run()
    settled(app)
    chosen = [[(row["row"], row["column"]) for row in rows(app, side) if row["chosen"]] for side in (0, 1)]
    assert chosen[0] == chosen[1]  # one cell is looked at in both


def test_comparing_needs_a_second_network_on_the_same_images(trained_run: str) -> None:
    app = opened("contest", run=trained_run)
    assert app.query_params["other_epoch"] in ("0", ["0"])  # to compare two is to switch the comparison on
    assert "McNemar's p" in [metric.label for metric in app.metric]
    settled(app.toggle(key="compare").set_value(False).run())
    assert ["Put a second network" in info.value for info in app.info] == [True]
    app = settled(app.toggle(key="compare").set_value(True).run())
    assert "McNemar's p" in [metric.label for metric in app.metric]
    app = opened("contest", run=trained_run, other="zoo-efficientnet_lite0")
    assert ["has no test images here" in error.value for error in app.error] == [True]


def test_the_same_network_twice_is_no_different(trained_run: str) -> None:
    app = opened("contest", run=trained_run, other=trained_run)
    assert "Both get exactly the same images" in texts(app)


def test_class_names_are_shown_as_text(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    names = tuple(f"<b>*{index}*</b>" for index in range(10))
    monkeypatch.setitem(DATASETS, "digits", replace(DATASETS["digits"], class_names=names))
    for section in SECTIONS[:4]:
        app = opened(section, run=trained_run)
        assert "<b>" not in texts(app).replace(r"\<b>", "")
        assert not [button for button in app.button if "<b>" in button.label.replace(r"\<b>", "")]
