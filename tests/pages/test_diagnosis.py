"""The findings of a run are shown with a remedy that really becomes the next training; recipes break one on purpose."""

import math

import pytest
from streamlit.testing.v1 import AppTest

from core.data.catalog import DATASETS
from core.model.layers import Activation
from core.model.presets import preset
from core.runs.records import Evidence, Metric, Status
from core.train.config import TrainConfig
from core.train.recipes import RECIPES
from pages.shared.shell import navigation, services, session

GUESS = math.log(10)
TUTORIAL = preset("tutorial", (1, 8, 8), 10)


def panel(run_id: str) -> None:
    from core.options import options
    from core.train.config import TrainConfig
    from pages.sections.train.diagnosis import diagnosis_panel, findings_of, outline
    from pages.shared.shell import services, session
    from pages.shared.shell.controls import ask
    from pages.shared.shell.layout import show_errors

    with show_errors():
        run = services.store().get(run_id)
        outline(run, findings_of(run))
        diagnosis_panel(run, findings_of(run))
    for setting in options(TrainConfig)[:3]:  # as the panel below asks for them
        ask(setting, getattr(session.config(), setting.name), f"config_{setting.name}")


def gallery() -> None:
    from pages.sections.train.recipes import recipe_gallery

    recipe_gallery()


def show(run_id: str) -> AppTest:
    app = AppTest.from_function(panel, default_timeout=60, kwargs={"run_id": run_id}).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    shown = [*app.markdown, *app.caption, *app.success, *app.info, *app.warning]
    return "\n".join(element.value for element in shown)


def button(app: AppTest, label: str):
    return next(button for button in app.button if button.label == label)


def recorded(loss: float = 900.0, *, status: Status = Status.FINISHED, spec=TUTORIAL, evidence=(), origin="", **config):
    """Record a run on `digits` of 100 steps whose loss is that of guessing, but in the second one."""
    store = services.store()
    run_id = store.create(spec, TrainConfig(**{"lr": 0.1, "seed": 5, **config}), "digits", owner="tests", origin=origin)
    valid = (GUESS, 0.1)
    metrics = [
        Metric(step, 1 + step // 51, 0.1, step / 10, loss if step == 2 else GUESS, 0.1, *(() if step % 50 else valid))
        for step in range(1, 101)
    ]
    store.worker.record(run_id, metrics, evidence, step=100, steps_per_epoch=50, total_steps=100)
    store.change(run_id, status=status.value)
    return run_id


def test_of_a_sound_training_nothing_is_said(trained_run):
    app = show(trained_run)
    assert "Nothing unusual so far." in texts(app)
    assert not any("for the next training" in button.label for button in app.button)


def test_before_the_first_step_there_is_nothing_to_say(weightless_run):
    assert "unusual" not in texts(show(weightless_run))


def test_a_finding_shows_its_numbers_and_its_remedy():
    shown = texts(show(recorded()))
    assert "**Learning rate too high**" in shown
    assert "The loss leapt to 900 in step 2 and stays at 2.30; guessing costs 2.30." in shown
    assert "**Remedy:** Lower the learning rate from 0.1 to 0.001." in shown
    assert "unusual" not in shown


def test_the_remedy_becomes_the_next_training():
    run_id = recorded()
    app = show(run_id)
    app.number_input(key="config_epochs").set_value(77).run()
    button(app, "Set this for the next training").click().run()
    assert not app.exception
    run = services.store().get(run_id)
    assert app.session_state["config"] == TrainConfig.from_mapping({**run.config, "lr": 0.001})
    assert app.session_state["draft"] == session.Draft("digits", run.spec)
    assert app.number_input(key="config_lr").value == 0.001
    assert app.number_input(key="config_epochs").value == 5
    assert app.query_params["part"] == "next"
    assert "Start training" in app.session_state["announcement"]


def test_a_network_that_is_to_blame_is_mended():
    sigmoids = tuple(Activation("sigmoid") if layer.kind == "activation" else layer for layer in TUTORIAL.layers)
    gradients = [
        Evidence(step, "gradient", layer, norm)
        for step in range(1, 40)
        for layer, norm in (("conv1", 1e-4), ("conv2", 0.01), ("dense2", 1.0))
    ]
    spec = RECIPES["sigmoid"].make(TUTORIAL, TrainConfig())[0]
    assert spec.layers == sigmoids
    app = show(recorded(GUESS, spec=spec, evidence=gradients, lr=0.001))
    button(app, "Set this for the next training").click().run()
    assert app.session_state["draft"] == session.Draft("digits", TUTORIAL)


def test_while_it_trains_the_remedy_is_shown_and_has_to_wait():
    app = show(recorded(status=Status.RUNNING))
    assert button(app, "Set this for the next training").disabled
    assert "too high" in texts(app)


def test_a_run_on_images_that_are_gone_has_no_button(monkeypatch):
    run_id = recorded()
    monkeypatch.delitem(DATASETS, "digits")
    app = show(run_id)
    assert "too high" in texts(app)
    assert not any("for the next training" in button.label for button in app.button)


def test_settings_of_another_version_are_one_sentence():
    run_id = recorded()
    services.store().change(run_id, config='{"warp": 9}')
    app = show(run_id)
    assert "warp" in app.error[0].value


def test_the_gallery_asks_before_it_starts(monkeypatch):
    went = []
    monkeypatch.setattr(navigation, "go", lambda name, **query: went.append((name, query)))
    app = AppTest.from_function(gallery, default_timeout=60)
    app.session_state["draft"] = session.Draft("digits", TUTORIAL)
    app.session_state["config"] = TrainConfig(lr=5.0, seed=8)
    app.run()
    assert [radio.label for radio in app.radio] == [recipe.question for recipe in RECIPES.values()]
    assert all(button.disabled for button in app.button)
    assert "**Tutorial** on **Small handwritten digits (8 × 8)**" in texts(app)
    app.radio(key="guess_wrong_labels").set_value(2).run()
    assert [button.key for button in app.button if not button.disabled] == ["start_wrong_labels"]
    app.button(key="start_wrong_labels").click().run()
    assert not app.exception
    (run,) = services.store().list()
    assert went == [("train", {"run": run.id})]
    assert services.engine().submitted == [run.id]
    assert run.name == "30% wrong labels · Small handwritten digits (8 × 8)"
    assert TrainConfig.from_mapping(run.config) == TrainConfig(seed=8, wrong_labels=0.3, epochs=16)
    assert run.spec == TUTORIAL
    assert run.note == "Broken on purpose: 30% wrong labels. Guess: The same on both."


@pytest.mark.parametrize(
    ("dataset", "name", "there"),
    [("mnist", "tutorial", "mnist5k"), ("digits", "resnet", "digits"), ("digits", "tiny_vgg", "digits")],
)
def test_recipes_start_from_what_is_at_hand_and_breaks(monkeypatch, dataset, name, there):
    monkeypatch.setattr(navigation, "go", lambda name, **query: None)
    app = AppTest.from_function(gallery, default_timeout=60)
    app.session_state["draft"] = session.new_draft(dataset, name)
    app.run()
    app.radio(key="guess_healthy").set_value(0).run()
    app.button(key="start_healthy").click().run()
    (run,) = services.store().list()
    info = DATASETS[there]
    kept = "tiny_vgg" if name == "tiny_vgg" else "tutorial"
    assert (run.dataset, run.spec) == (there, preset(kept, info.input_shape, 10))


def test_every_recipe_can_be_started(monkeypatch):
    monkeypatch.setattr(navigation, "go", lambda name, **query: None)
    app = AppTest.from_function(gallery, default_timeout=60)
    app.session_state["draft"] = session.Draft("digits", TUTORIAL)
    app.run()
    for key in RECIPES:
        app.radio(key=f"guess_{key}").set_value(0)
    app.run()
    for key in RECIPES:
        app.button(key=f"start_{key}").click().run()
        assert not app.exception
    assert len(services.store().list()) == len(RECIPES)


@pytest.mark.parametrize(
    ("guess", "loss", "status", "words"),
    [
        ("Leap far up", 900.0, Status.FINISHED, "Right. The diagnosis named it: learning rate too"),
        ("Stay where it is", 900.0, Status.FINISHED, "It is: Leap far up. The diagnosis named it"),
        ("Leap far up", GUESS, Status.FINISHED, "The diagnosis did not name it"),
        ("Leap far up", 900.0, Status.RUNNING, "You guessed: **Leap far up**."),
    ],
)
def test_a_broken_run_says_what_was_guessed_and_whether_it_was_named(guess, loss, status, words):
    origin = f"recipe:high_rate:{RECIPES['high_rate'].choices.index(guess)}"
    shown = texts(show(recorded(loss, status=status, origin=origin)))
    assert words in shown
    assert ("The diagnosis" in shown) == (status is Status.FINISHED)


def test_a_sound_recipe_expects_no_finding(trained_run):
    services.store().change(trained_run, origin="recipe:healthy:0")
    app = show(trained_run)
    assert "found nothing, as it should" in app.success[0].value


@pytest.mark.parametrize("origin", ["", "recipe:later:0", "recipe:high_rate:9", "recipe:high_rate:<b>", "demo:digits"])
def test_a_note_decides_nothing_and_an_unknown_origin_is_left_alone(trained_run, origin):
    services.store().annotate(trained_run, "Broken on purpose: Learning rate × 100. Guess: Leap far up.")
    services.store().change(trained_run, origin=origin)
    app = show(trained_run)
    assert not app.success
    assert not app.info
