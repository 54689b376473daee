"""Ticked runs are laid over one another, and two of them are told apart in words."""

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.figures.palette import HUES
from core.model.layers import Dense, Dropout, Flatten
from core.model.spec import ModelSpec
from core.runs.records import Event, Metric
from core.train.config import TrainConfig
from pages.shared.shell import services
from pages.shared.shell.layout import escape_markdown

ROOT = Path(__file__).resolve().parents[2]
SPEC = ModelSpec("Small", (1, 8, 8), 10, (Flatten(), Dense(10)))
DROPPING = ModelSpec("Small", (1, 8, 8), 10, (Flatten(), Dropout(0.25), Dense(10)))


def record(name: str, accuracies: list[float], spec: ModelSpec = SPEC, **settings: object) -> str:
    """Record a finished run of one epoch for each of the validation accuracies, of two steps each."""
    store = services.store()
    run_id = store.create(spec, TrainConfig(**settings), "digits", name, owner="tests")
    metrics = []
    for epoch, accuracy in enumerate(accuracies, start=1):
        metrics.append(Metric(2 * epoch - 1, epoch, 0.1, 3 * epoch - 2, 2.0, 0.1))
        metrics.append(Metric(2 * epoch, epoch, 0.1, 3 * epoch, 1.0, 0.2, 1.5, accuracy))
    length = {"step": len(metrics), "total_steps": len(metrics), "steps_per_epoch": 2, "epoch": len(accuracies)}
    store.worker.record(run_id, metrics, status="finished", seconds=3.0 * len(accuracies), **length)
    return run_id


def compare(*run_ids: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "runs.py"), default_timeout=60)
    app.query_params["compare"] = "-".join(run_ids)
    app.run()
    assert not app.exception
    assert not app.error
    return app


def charts(app: AppTest) -> list[dict]:
    return [json.loads(element.proto.spec) for element in app.get("vega_lite_chart")]


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def test_one_run_is_compared_with_nothing() -> None:
    app = compare(record("Only", [0.5]))
    assert not charts(app)
    assert len(app.dataframe) == 1
    assert "Tick two or more" in words(app)


@pytest.mark.parametrize("count", [2, 5, 8])
def test_ticked_runs_share_two_charts_with_a_colour_each(count: int) -> None:
    ids = [record(f"Run {number}", [0.5, 0.75], seed=number) for number in range(count)]
    app = compare(*ids)
    loss, accuracy = charts(app)
    for chart in (loss, accuracy):
        assert chart["encoding"]["color"]["scale"] == {"domain": ids, "range": list(HUES["light"][:count])}
    assert loss["encoding"]["x"]["title"] == "Epoch"
    legend = app.dataframe[1].value
    assert legend["Name"].tolist() == [f"Run {number}" for number in range(count)]
    assert legend["Best valid"].tolist() == [" 75.0%"] * count
    assert legend["Seed"].tolist() == [str(number) for number in range(count)]
    assert len(set(legend["Curve"])) == count
    assert "Network" not in legend
    assert ("most that can be told apart" in words(app)) == (count == 8)


def test_no_more_than_eight_are_laid_over_one_another() -> None:
    ids = [record(f"Run {number}", [0.5]) for number in range(10)]
    app = compare(*ids)
    assert charts(app)[0]["encoding"]["color"]["scale"]["domain"] == ids[:8]


def test_the_axis_can_be_time_and_the_loss_logarithmic() -> None:
    app = compare(record("One", [0.5]), record("Two", [0.5, 0.6], seed=1))
    app.segmented_control[0].set_value("seconds")
    app.toggle[0].set_value(True).run()
    loss, accuracy = charts(app)
    assert loss["encoding"]["x"]["title"] == accuracy["encoding"]["x"]["title"] == "Seconds of training"
    assert loss["encoding"]["y"]["scale"]["type"] == "log"
    assert "type" not in accuracy["encoding"]["y"]["scale"]


def test_what_differs_between_two_is_told_beside_both_results() -> None:
    one = record("Plain <b>one</b>", [0.5, 0.75])
    other = record("Dropping", [0.9, 0.8], DROPPING, lr=0.01)
    text = words(compare(one, other))
    first = escape_markdown("Plain <b>one</b>")
    assert f"From **{first}** to **Dropping**" in text
    assert "- dropout1 (share dropped 0.25) added after flatten1\n- learning rate 0.001 → 0.01" in text
    assert "**Dropping** reached the higher best validation accuracy: 90.0% against 75.0%." in text
    assert "can be chance" not in text
    legend = compare(one, other).dataframe[1].value
    assert legend["Learning rate"].tolist() == ["0.001", "0.01"]


def test_runs_that_differ_by_chance_are_told_so() -> None:
    text = words(compare(record("Twin", [0.5]), record("Twin", [0.51], seed=3)))
    assert len(set(re.findall(r"From \*\*(Twin · .+?)\*\* to \*\*(Twin · .+?)\*\*", text)[0])) == 2
    assert "Nothing differs but the seed 0 → 3: any difference in the results is chance." in text
    assert re.search(r"Twin · .* reached the higher best validation accuracy: 51\.0% against 50\.0%\.", text)
    assert "With 300 validation images, a difference of up to 8.2 points can be chance." in text  # 2 √(2 · ¼ / 300)


def test_the_same_run_twice_differs_in_nothing() -> None:
    text = words(compare(record("Twin", [0.5]), record("Twin", [0.5])))
    assert "Nothing was set differently." in text
    assert "Both reached the same best validation accuracy: 50.0%." in text


def test_before_the_first_epoch_is_over_no_result_is_claimed() -> None:
    text = words(compare(record("New", []), record("Old", [0.5])))
    assert "Both need one whole epoch" in text


def test_what_was_changed_while_training_is_told() -> None:
    one, other = record("One", [0.5]), record("Other", [0.6])
    services.store().worker.record(other, (), events=[Event(1, "edit", "learning rate 0.001 → 0.1")])
    assert "Changed in **Other** while it trained: learning rate 0.001 → 0.1 after batch 1." in words(
        compare(one, other)
    )


def test_losses_of_different_kinds_are_not_to_be_compared() -> None:
    assert "only their accuracies compare" in words(compare(record("One", [0.5]), record("Two", [0.5], loss="mse")))


def test_deleted_runs_and_nonsense_in_the_address_are_left_out() -> None:
    one, other = record("One", [0.5]), record("Other", [0.6])
    app = compare("0123456789", one, "<script>", other, one)
    assert charts(app)[0]["encoding"]["color"]["scale"]["domain"] == [one, other]


def test_a_run_that_is_not_among_the_latest_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.sections.runs import selection

    old = record("Old", [0.5])
    new = record("New", [0.6])
    monkeypatch.setattr(selection, "LIMIT", 1)
    app = compare(old, new)
    assert charts(app)[0]["encoding"]["color"]["scale"]["domain"] == [old, new]
    assert app.dataframe[0].value["Name"].tolist() == ["New", "Old"]
    more = next(button for button in app.button if "Show more" in button.label)
    assert more.label == "The latest 1 runs. Show more"
