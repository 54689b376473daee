"""Compress: what is chosen reaches the network, what is shown was measured, and a fine-tuning is a run."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

import core.compression.plan
from core.compression.changes import compare
from core.compression.cost import size_of
from core.compression.plan import compress
from core.compression.saving import from_file, to_file
from core.compression.ways import CompressionPlan, Pruning
from core.data.datasets import load_dataset
from core.formatting import byte_size
from core.model.layers import Activation, Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.checkpoint import beginning_of, load_checkpoint
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.initialization import InitialWeights
from core.train.runner import Runner
from pages.sections.compress import measure
from pages.sections.compress.controls import CompressionRequest
from pages.shared.network.current_network import library
from pages.shared.shell import services
from pages.shared.shell.navigation import path
from tests.pages.conftest import settled

pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated"),
    pytest.mark.filterwarnings("ignore:Please use quant_min and quant_max"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor, torch.quantize_per_channel"),
]


def opened(
    kind: str = "weights", amount: int = 60, *, int8: bool = False, split: str = "valid", **query: str
) -> AppTest:
    app = AppTest.from_file(path("compress"), default_timeout=60)
    app.session_state["compress_kind"] = kind
    app.session_state["compress_amount"] = amount
    app.session_state["compress_int8"] = int8
    app.session_state["compress_split"] = split
    for name, value in query.items():
        app.query_params[name] = value
    return settled(app.run())


def press(app: AppTest, place: str) -> AppTest:
    return settled(app.button(key=f"ask_{place}").click().run())


def plain_run() -> str:
    """Train a network without residual blocks for a moment, and return the id of its run."""
    store = RunStore()
    layers = (Conv(8), Activation(), Conv(6), Activation(), Flatten(), Dense(10))
    config = TrainConfig(epochs=1, batch_size=32, train_images=320, lr=0.01, precision="fp32", device="cpu")
    run = store.create(ModelSpec("Plain", (1, 8, 8), 10, layers), config, "digits", "Plain <b>", owner="tests")
    assert Runner(store, run, "tests").run() is Status.FINISHED
    store.close()
    return run


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def shown(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def test_without_a_network_the_page_says_so():
    app = opened()
    assert "No network has been trained yet" in app.markdown[-1].value or any(
        "No network has been trained yet" in element.value for element in app.markdown
    )
    assert not app.metric


@pytest.mark.parametrize(
    ("kind", "amount", "int8", "split"),
    [("weights", 70, False, "valid"), ("filters", 50, True, "test"), ("none", 0, True, "valid")],
)
def test_what_is_chosen_is_measured(kind: str, amount: int, int8: bool, split: str):
    run = plain_run()
    app = press(opened(kind, amount, int8=int8, split=split, run=run), "compress")
    digits, model = load_dataset("digits"), RunStore().load_model(run)
    plan = CompressionPlan(Pruning(kind, amount / 100) if amount else None, int8)
    made = compress(RunStore().get(run).spec, model, plan, digits.normalize(digits.valid.images[:256]))
    images = getattr(digits, split)
    wanted = compare(model, made.model, digits.normalize(images.images), images.labels)
    size = size_of(made.spec, made.model)
    found = metrics(app)
    assert found["Accuracy"] == f"{wanted.accuracies[1].value:.1%}"
    assert (found["File"], found["File, zipped"]) == (byte_size(size.file), byte_size(size.zipped))
    assert float(found["An image takes"].removesuffix(" ms")) > 0
    assert f"**{wanted.lost}** are wrong now" in shown(app) and f"**{wanted.won}** are right" in shown(app)
    assert f"Of {len(images):,} " in shown(app)
    verdicts = ("Neither network is better.", "by more than luck explains", "That is no difference: luck explains it")
    expected = 0 if wanted.lost == wanted.won else 1 if wanted.test.p_value < 0.05 else 2
    assert [words in shown(app) for words in verdicts] == [place == expected for place in range(3)]
    if not len(wanted.flipped):
        assert "No answer changed." in shown(app)
    else:
        first = next(button for button in app.button if str(button.key).startswith("flips_"))
        assert first.key == f"flips_{wanted.flipped[0]}"
        assert first.help is not None and first.help.startswith(f"Image {wanted.flipped[0]}, really")


def test_it_waits_for_a_press_and_other_choices_ask_anew(monkeypatch: pytest.MonkeyPatch, trained_run: str):
    calls: list[CompressionPlan] = []
    compute = core.compression.plan.compress

    def record(spec: Any, model: Any, plan: CompressionPlan, *rest: Any, **words: Any) -> Any:
        calls.append(plan)
        return compute(spec, model, plan, *rest, **words)

    monkeypatch.setattr(core.compression.plan, "compress", record)
    app = opened("layers", 30, run=trained_run)
    assert not calls and not app.metric
    press(app, "compress")
    assert calls[0] == CompressionPlan(Pruning("layers", 0.3)) and app.metric
    app.slider(key="compress_amount").set_value(80).run()
    assert not app.metric and app.button(key="ask_compress")
    settled(app.slider(key="compress_amount").set_value(30).run())
    assert app.metric and CompressionPlan(Pruning("layers", 0.8)) not in calls


def test_filters_that_cannot_be_cut_are_named(trained_run: str):
    app = press(opened("filters", 50, run=trained_run), "compress")
    assert "conv1" in shown(app) and "residual block behind it" in shown(app)


def test_explanations_are_compared(trained_run: str):
    app = press(press(opened("weights", 80, run=trained_run), "compress"), "compress_maps")
    assert "Rank correlation of the maps before and after: median" in shown(app)
    assert [caption.value for caption in app.caption].count("Before") == 6
    method = app.button_group(key="compress_method")
    assert len(method.options) == 3


def test_a_map_that_says_nothing_gives_way_to_the_next_method(mute_run: str):
    app = press(opened("weights", 80, run=mute_run), "compress")
    app = press(settled(app.button_group(key="compress_method").set_value("grad_cam").run()), "compress_maps")
    assert "Layer gradient × activation in place of Grad-CAM. Every value is zero" in shown(app)


def test_whole_numbers_are_explained_by_covering(trained_run: str):
    app = press(press(opened("none", int8=True, run=trained_run), "compress"), "compress_maps")
    assert "gradients do not pass through whole numbers" in shown(app)
    assert "Rank correlation of the maps before and after: median" in shown(app)


def test_the_cliff_is_drawn(trained_run: str):
    app = press(opened("layers", 42, run=trained_run), "compress_sweep")
    (chart,) = app.get("vega_lite_chart")
    assert json.loads(chart.proto.spec)["layer"][0]["mark"]["type"] == "area"
    assert "The circle is nearest to the share chosen" in shown(app)


@pytest.mark.parametrize("kind", ["weights", "filters"])
def test_a_fine_tuning_is_a_run_that_begins_pruned(kind: str):
    run = plain_run()
    app = press(opened(kind, 50, int8=True, run=run), "compress")
    app.number_input(key="compress_epochs").set_value(2)
    app.number_input(key=f"compress_rate_{run}").set_value(0.02)
    next(button for button in app.button if button.label.startswith("Fine-tune")).click().run()
    store = RunStore()
    new = next(each for each in store.list() if each.id != run)
    assert (new.status, new.config["epochs"], new.config["lr"]) == (Status.QUEUED, 2, 0.02)
    assert new.name == "Plain <b>, 50% pruned" and run in new.note
    digits = load_dataset("digits")
    plan = CompressionPlan(Pruning(kind, 0.5))
    made = compress(store.get(run).spec, store.load_model(run), plan, digits.normalize(digits.valid.images[:8]))
    first = load_checkpoint(store.checkpoint(new.id))
    assert new.spec == made.spec and beginning_of(store.checkpoint(new.id)) in new.note
    assert all(torch.equal(value, first.weights[name]) for name, value in made.model.state_dict().items())
    assert set(InitialWeights.of(first).masks) == set(made.masks) and bool(made.masks) == (kind == "weights")
    assert new.id in services.engine().submitted  # type: ignore[attr-defined]
    assert store.worker.claim("tests", 1) == new.id
    assert Runner(store, new.id, "tests").run() is Status.FINISHED
    end = store.load_model(new.id).state_dict()
    assert all(not end[name][~mask].any() for name, mask in made.masks.items())
    assert not torch.equal(end["conv1.weight"], first.weights["conv1.weight"])


def test_nothing_pruned_is_not_fine_tuned(trained_run: str):
    app = press(opened("none", int8=True, run=trained_run), "compress")
    assert not [button for button in app.button if button.label.startswith("Fine-tune")]
    assert "Prune something first" in shown(app)


def test_the_network_itself_is_kept_for_the_download(trained_run: str):
    press(opened("weights", 60, run=trained_run), "compress")
    request = CompressionRequest(library().get(trained_run), CompressionPlan(Pruning("weights", 0.6)), "valid")
    made = measure.smaller(request)
    again, model = from_file(to_file(made.spec, made.model))
    images = load_dataset("digits").normalize(load_dataset("digits").test.images[:16])
    with torch.no_grad():
        assert again == made.spec and torch.equal(model(images), made.model(images))


def test_damaged_weights_are_said_in_a_sentence(damaged_run: str):
    app = opened(run=damaged_run)
    assert "damaged" in app.error[0].value and not app.metric


def test_a_pretrained_network_is_refused(home: Path):
    app = opened(run="zoo-efficientnet_lite0")
    assert not app.exception and not app.metric
    assert ["training images are not here" in words.value for words in app.markdown].count(True) == 1


def test_a_flipped_image_leads_to_explain_with_that_image_chosen(trained_run: str) -> None:
    app = AppTest.from_file(str(Path(path("compress")).parents[1] / "app.py"), default_timeout=60)
    app.session_state["compress_amount"] = 90
    app.query_params["run"] = trained_run
    app.switch_page(str(path("compress")))
    press(app.run(), "compress")
    flipped = next(str(button.key) for button in app.button if str(button.key).startswith("flips_"))
    app.button(key=flipped).click().run()
    assert not app.exception
    assert app.title[0].value == "Explain"
    chosen = app.session_state["picture"]
    index = int(flipped.removeprefix("flips_"))
    assert (chosen.kind, chosen.name, chosen.split, chosen.index) == ("test", "digits", "valid", index)
