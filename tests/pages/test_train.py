"""The training page: settings reach the run, a run shows where it stands, and every request reaches the store."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.demo import tutorial
from core.errors import TrainingError
from core.formatting import duration
from core.model.layers import Dense
from core.model.shapes import summarize
from core.options import options
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.shared.run import start
from pages.shared.run.run_controls import ACTIONS
from pages.shared.run.start import epoch_time
from pages.shared.shell import services, session
from pages.shared.shell.job_board import board
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.navigation import path


def train_page(run_id: str | None = None, part: str = "") -> AppTest:
    app = AppTest.from_file(path("train"), default_timeout=90)
    if run_id:
        app.query_params["run"] = run_id
    if part:
        app.query_params["part"] = part
    app.session_state["draft"] = session.new_draft("digits", "lenet5")
    for setting in options(TrainConfig):
        app.session_state[f"group_{setting.group}"] = True  # nothing is folded away
    return app.run()


def button(app: AppTest, label: str):
    return next(button for button in app.button if button.label == label)


def labels(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def test_the_time_is_measured_before_the_start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(start, "epoch_time", epoch_time)
    app = train_page()
    assert not app.exception
    (seconds,) = (job.result.result() for job in board().jobs.values())
    words = f" an epoch here, {duration(seconds * 5)} in all; 12 batches were timed."
    assert any(caption.value.endswith(words) for caption in app.caption)


def test_a_measurement_that_failed_is_said_and_can_be_made_again(monkeypatch: pytest.MonkeyPatch):
    answers = [TrainingError("How long it takes could not be measured."), 2.0]

    def measure(*_: object) -> float:
        answer = answers.pop(0)
        if isinstance(answer, TrainingError):
            raise answer
        return answer

    monkeypatch.setattr("core.train.estimate.time_epoch_apart", measure)
    monkeypatch.setattr(start, "epoch_time", epoch_time)
    app = train_page()
    assert "How long it takes could not be measured." in [caption.value for caption in app.caption]
    app.button(key="again_timing").click().run()
    assert "About 2 s an epoch here, 10 s in all; 12 batches were timed." in [caption.value for caption in app.caption]
    assert not answers


WANTED = {
    "epochs": 3,
    "lr": 0.02,
    "batch_size": 16,
    "optimizer": "momentum",
    "loss": "cross_entropy",
    "schedule": "step",
    "label_smoothing": 0.1,
    "momentum": 0.5,
    "clip_norm": 2.0,
    "weight_decay": 0.01,
    "l1": 0.001,
    "warmup_epochs": 0.5,
    "step_epochs": 2,
    "step_factor": 0.5,
    "patience": 3,
    "max_seconds": 60.0,
    "target_accuracy": 0.9,
    "train_images": 200,
    "wrong_labels": 0.1,
    "order": "by_class",
    "inputs": "unit",
    "flip": 0.5,
    "shift": 0.1,
    "rotation": 15.0,
    "crop": 0.2,
    "jitter": 0.3,
    "cutout": 0.25,
    "seed": 9,
    "first_filters": "by_hand",
    "precision": "fp32",
    "device": "cpu",
}


def setting_widgets(app: AppTest) -> dict:
    return {widget.key: widget for widget in [*app.number_input, *app.selectbox, *app.slider]}


@pytest.mark.parametrize(("part", "expected"), [("", {"get": 1}), ("next", {"get": 1, "list": 1})])
def test_a_warm_rerun_reads_the_run_once_and_the_list_of_runs_for_the_next_one_only(trained_run, reads, part, expected):
    app = train_page(trained_run, part)
    reads.clear()
    app.run()
    assert not app.exception
    assert reads == expected


def test_every_setting_reaches_the_run():
    assert set(WANTED) == {setting.name for setting in options(TrainConfig)}
    app = train_page()
    assert setting_widgets(app)["config_momentum"].disabled  # Adam has none
    for name in ("optimizer", "schedule"):
        setting_widgets(app)[f"config_{name}"].set_value(WANTED[name])
    app.run()
    for name, value in WANTED.items():
        setting_widgets(app)[f"config_{name}"].set_value(value)
    button(app, "Start training").click().run()
    assert not app.exception
    (run,) = RunStore().list()
    assert TrainConfig.from_mapping(run.config) == TrainConfig(**WANTED)
    assert run.spec == session.new_draft("digits", "lenet5").spec
    assert app.query_params["run"] == run.id
    assert services.engine().submitted == [run.id]


def test_what_differs_from_the_defaults_is_named_and_can_be_undone():
    app = train_page()
    assert "Use the defaults" not in labels(app)
    setting_widgets(app)["config_wrong_labels"].set_value(0.3).run()
    app.run()
    assert any("wrong labels" in caption.value for caption in app.caption)
    button(app, "Use the defaults").click().run()
    assert not app.exception
    assert setting_widgets(app)["config_wrong_labels"].value == 0
    assert app.session_state["config"] == TrainConfig()


def test_a_live_change_and_the_pace_reach_the_run(trained_run):
    store = RunStore()
    store.change(trained_run, status="running")
    app = train_page(trained_run)
    app.session_state[f"live_{trained_run}"] = True  # the popover is open
    app.run()
    (rate,) = [widget for widget in app.number_input if (widget.key or "").startswith(f"live_{trained_run}_lr")]
    assert rate.value == 0.01
    rate.set_value(0.5).run()
    assert not app.exception
    assert store.worker.requests(trained_run).live == {"lr": 0.5}
    (rate,) = [widget for widget in app.number_input if (widget.key or "").startswith(f"live_{trained_run}_lr")]
    assert rate.value == 0.5
    (pace,) = [widget for widget in app.selectbox if (widget.key or "").startswith("pace_")]
    pace.set_value(2.0).run()
    assert store.worker.requests(trained_run).pace == 2.0


def test_a_refusal_is_one_sentence(trained_run):
    RunStore().change(trained_run, status="running")
    app = train_page(trained_run)
    RunStore().change(trained_run, status="finished")  # it ended between the last look and the press
    button(app, "Pause").click().run()
    assert not app.exception
    assert "This run is finished" in app.error[0].value


def test_a_second_start_is_another_run():
    app = train_page()
    button(app, "Start training").click().run()
    assert "Start training" not in labels(app)  # the run is shown
    app.query_params["part"] = "next"
    button(app.run(), "Start training").click().run()
    assert "part" not in app.query_params
    assert len({run.id for run in RunStore().list()}) == 2


def test_an_impossible_network_cannot_start():
    app = AppTest.from_file(path("train"), default_timeout=60)
    draft = session.new_draft("digits", "lenet5")
    app.session_state["draft"] = replace(draft, spec=replace(draft.spec, layers=(Dense(10),)))
    app.run()
    assert not app.exception
    assert button(app, "Start training").disabled
    assert "cannot work yet" in app.error[0].value


def test_a_data_set_that_must_be_downloaded_cannot_start():
    app = AppTest.from_file(path("train"), default_timeout=60)
    app.session_state["draft"] = session.new_draft("cifar10", "tutorial")
    app.run()
    assert not app.exception
    assert button(app, "Start training").disabled
    assert "downloaded first" in app.info[0].value


def test_a_run_that_waits_behind_others_shows_its_place_and_what_goes_before_it(trained_run, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_SLOTS", "1")
    monkeypatch.setenv("CONVSCOPE_RUNS", "1")
    store = RunStore()
    done = store.get(trained_run)
    store.change(trained_run, status="running", step=done.steps_per_epoch, name="First *one*")
    config = TrainConfig.from_mapping(done.config)
    between, waiting = (store.create(done.spec, config, done.dataset, name) for name in ("Second", "Mine"))
    app = train_page(waiting)
    assert not app.exception
    links = [link.proto.label for link in app.main.get("page_link")]
    assert links[0].startswith("1 · First \\*one\\*: trains")
    epochs = config.epochs * done.seconds / config.epochs
    assert links[1] == f"2 · Second: waits, about {duration(epochs * 2)}"
    assert any(text.value.startswith("**Place 3 in the queue.**") for text in app.markdown)
    assert {button.label for button in app.button} == {"Stop training"}
    assert not app.metric
    store.request(between, "stop")
    assert any("Place 2" in text.value for text in train_page(waiting).markdown)


def test_where_the_app_trains_nothing_a_run_waits_for_a_worker_and_says_how_to_start_one(weightless_run, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_ENGINE", "none")
    store = RunStore()
    app = train_page(weightless_run)
    assert [text.value for text in app.warning] == [
        "No worker is running, so this training waits. Start one on any machine:"
    ]
    assert app.code[0].value.startswith("python -m core.train.worker --url")
    assert {button.label for button in app.button} == {"Stop training"}
    monkeypatch.setenv("CONVSCOPE_ENGINE", "ray")
    for words in ("", "Ray at 10.0.0.5:6379 cannot be reached."):
        monkeypatch.setattr(type(services.engine()), "words", words)
        said = words or "Ray has not placed a worker yet, so this training waits."
        assert [text.value for text in train_page(weightless_run).warning] == [escape_markdown(said)]
    store.presence.show("somewhere", 1, 1)
    app = train_page(weightless_run)
    assert not app.warning and "One batch" in {button.label for button in app.button}  # its turn comes at once
    run = store.get(weightless_run)
    store.create(run.spec, TrainConfig.from_mapping(run.config), run.dataset, owner="somewhere")
    assert any("Place 2 in the queue" in text.value for text in train_page(weightless_run).markdown)


def test_runs_that_train_in_turns_say_their_share_of_the_machine(trained_run, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_SLOTS", "1")
    store = RunStore()
    done = store.get(trained_run)
    store.change(trained_run, status="running", owner="app", images_per_second=1200.0, test_accuracy=None)
    store.change(trained_run, step=done.total_steps - 1)
    config = TrainConfig.from_mapping(done.config)
    others = [store.create(done.spec, config, done.dataset, owner="app") for _ in range(2)]
    app = train_page(trained_run)
    assert any("Training, 1 of 3 at a time" in text.value for text in app.markdown)
    (speed,) = [metric for metric in app.metric if metric.label == "Images per second"]
    assert speed.value == "400" and "1,200 in its own" in speed.proto.help
    for run_id in others:
        store.request(run_id, "stop")
        store.change(run_id, status="stopped")
    app = train_page(trained_run)
    assert not any("at a time" in text.value for text in app.markdown)
    waiting = store.create(done.spec, config, done.dataset)
    assert not any("in the queue" in text.value for text in train_page(waiting).markdown)  # its turn comes at once
    monkeypatch.setenv("CONVSCOPE_MEMORY_MB", "300")
    assert any("Place 2 in the queue" in text.value for text in train_page(waiting).markdown)


def test_the_tutorials_training_is_one_press_and_leads_to_its_images_first(monkeypatch):
    app = train_page(part="tutorial")
    assert "Start training" not in labels(app)
    (link,) = [link.proto for link in app.main.get("page_link")]
    assert (link.label, link.query_string) == ("Get CIFAR-10", "dataset=cifar10")
    assert list(app.table[0].value["Right"]) == [each.words for each in tutorial.ACCURACIES]
    monkeypatch.setattr(tutorial, "is_stored", lambda name: name == "cifar10")
    app = train_page(part="tutorial")
    button(app, "Start training").click().run()
    (run,) = RunStore().list()
    assert (run.name, run.dataset, run.origin) == (tutorial.NAME, "cifar10", tutorial.ORIGIN)
    assert {key: run.config[key] for key in ("epochs", "batch_size", "optimizer", "lr")} == {
        "epochs": 10,
        "batch_size": 64,
        "optimizer": "adam",
        "lr": 0.001,
    }
    assert sum(layer.num_params for layer in summarize(run.spec)) == 1_147_466
    assert session.new_draft("digits", "lenet5") == app.session_state["draft"]


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        (Status.QUEUED, {"Pause", "One batch", "One epoch", "Stop training"}),
        (Status.RUNNING, {"Pause", "One batch", "One epoch", "Stop training"}),
        (Status.PAUSED, {"Resume", "One batch", "One epoch", "Stop training"}),
        (Status.STOPPED, {"Resume"}),
        (Status.INTERRUPTED, {"Resume"}),
        (Status.FAILED, set()),
        (Status.FINISHED, set()),
    ],
)
def test_only_what_makes_sense_is_offered(trained_run, status, offered):
    RunStore().change(trained_run, status=status.value)
    app = train_page(trained_run)
    assert not app.exception
    assert {button.label for button in app.button if (button.key or "").endswith(f"_{trained_run}")} >= offered
    assert not {label for label, _ in ACTIONS.values()} & labels(app) - offered


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.PAUSED])
def test_a_run_that_only_does_single_batches_offers_the_same_all_the_while(trained_run, status):
    RunStore().change(trained_run, status=status.value, wanted="pause")
    offered = [button.label for button in train_page(trained_run).button if (button.key or "").endswith(trained_run)]
    assert offered[:4] == ["Resume", "One batch", "One epoch", "Stop training"]


def test_a_run_that_waits_for_its_first_batch_cannot_say_how_long_an_epoch_is(trained_run):
    RunStore().change(trained_run, status="queued", step=0, total_steps=0, steps_per_epoch=0)
    app = train_page(trained_run)
    assert button(app, "One epoch").disabled
    assert not button(app, "One batch").disabled


@pytest.mark.parametrize(
    ("status", "label", "wanted"),
    [
        (Status.QUEUED, "One batch", ("queued", "pause", 1)),
        (Status.RUNNING, "Pause", ("running", "pause", 0)),
        (Status.RUNNING, "Stop training", ("running", "stop", 0)),
        (Status.PAUSED, "One batch", ("queued", "pause", 1)),
        (Status.PAUSED, "One epoch", ("queued", "pause", 10)),
        (Status.INTERRUPTED, "Resume", ("queued", "run", 0)),
    ],
)
def test_a_press_reaches_the_store(trained_run, status, label, wanted):
    store = RunStore()
    store.change(trained_run, status=status.value)
    app = train_page(trained_run)
    button(app, label).click().run()
    assert not app.exception
    wishes = store.worker.requests(trained_run)
    assert (wishes.status, wishes.wanted, wishes.steps) == wanted


def test_a_finished_run_shows_its_numbers_and_curves(trained_run):
    run = RunStore().get(trained_run)
    app = train_page(trained_run)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Test accuracy"] == f"{run.test_accuracy:.1%}"
    assert shown["Validation accuracy"] == f"{run.valid_accuracy:.1%}"
    curves = [chart.proto.alt for chart in app.get("vega_lite_chart") if chart.proto.alt.endswith("by epoch")]
    assert curves == [f"{measure} of training and validation by epoch" for measure in ("Loss", "Accuracy")]


def test_the_cause_of_a_failure_is_shown_as_text(trained_run):
    RunStore().change(trained_run, status="failed", message="The loss was <b>no number</b> in step 3.")
    app = train_page(trained_run)
    assert app.error[0].value == escape_markdown("The loss was <b>no number</b> in step 3.")


def test_an_unknown_run_is_one_sentence_and_a_new_training_can_start():
    app = train_page("0123456789")
    assert not app.exception
    assert "no such run" in app.error[0].value
    assert not button(app, "Start training").disabled
