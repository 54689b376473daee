"""The course of an explanation: every kept epoch is asked, once, about the same picture and class."""

import base64
import io
import json
import threading
import time
from concurrent.futures import wait
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import core.explain.attribution
from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.explain.attribution import attribute, heatmap
from core.explain.strength import CLEAR, Strength
from core.figures.epochs import course_tiles
from core.figures.overlays import faded
from core.inference.prediction import predict
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from pages.sections.explain import through_time
from pages.shared.shell import background_jobs, navigation
from pages.shared.shell.job_board import Lane, board, threads_of
from pages.shared.shell.layout import escape_markdown
from tests.pages.conftest import settled

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")
LOOK = {"strength": 0.85, "percentile": 99.0, "sign": "both"}


def script() -> None:
    from pages.sections.explain.through_time import SECTION
    from pages.shared.display.class_bars import pick_target
    from pages.shared.network.comparison import require_weights
    from pages.shared.picture.picker import pick_picture
    from pages.shared.shell.layout import show_errors

    with show_errors():
        both = require_weights()
        picture = pick_picture(both[0])
        SECTION.draw(both, picture, pick_target(both, picture))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Write down every explanation that is computed."""
    calls: list[dict[str, Any]] = []
    compute = core.explain.attribution.attribute

    def attribute(model: Any, image: Any, target: int, method: str, **options: Any) -> Any:
        calls.append({"method": method, "target": target, "options": options, "model": model})
        return compute(model, image, target, method, **options)

    monkeypatch.setattr(core.explain.attribution, "attribute", attribute)
    return calls


@pytest.fixture
def shapes_run(home: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Train a small network on a few shapes, whose masks are known, and return the id of its run."""
    monkeypatch.setitem(DATASETS, "shapes", replace(DATASETS["shapes"], split_sizes=(64, 20, 20)))
    store = RunStore()
    config = TrainConfig(epochs=1, batch_size=32, train_images=64, precision="fp32", device="cpu")
    spec = ModelSpec("Small", (3, 32, 32), 10, (Conv(4), Activation(), MaxPool(4), Flatten(), Dense(10)))
    run_id = store.create(spec, config, "shapes", "Small on shapes", owner="tests")
    Runner(store, run_id, "tests").run()
    store.close()
    return run_id


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.session_state["methods_Gradients"] = ["saliency"]
    app.session_state["methods_Covering"] = ["occlusion"]
    return settled(app.run())


def again(run_id: str, **changes: Any) -> str:
    """Record another run with the files of one, and return its id."""
    store = RunStore()
    run = store.get(run_id)
    spec = changes.get("spec", run.spec)
    other = store.create(spec, TrainConfig(epochs=2), run.dataset, "Another <b>run</b>", owner="tests")
    store.change(other, step=run.step, steps_per_epoch=run.steps_per_epoch, status="finished")
    for path in store.checkpoint(run_id).parent.glob("*.safetensors"):
        target = store.checkpoint(other).parent / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    store.close()
    return other


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption, *app.info])


def books(app: AppTest) -> list[dict[str, Any]]:
    found = (json.loads(element.proto.json) for element in app.get("bidi_component"))
    return [data for data in found if "strips" in data]


def tiles(book: dict[str, Any]) -> np.ndarray:
    """Return all tiles of the sheet, uint8 (N, H, W, 3)."""
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(book["png"]))).convert("RGB"))
    cells = image.reshape(-1, book["height"], book["columns"], book["width"], 3).swapaxes(1, 2)
    return np.asarray(cells.reshape(-1, book["height"], book["width"], 3))


def rows(app: AppTest, title: str) -> list[dict[str, Any]]:
    """Return the rows of the chart of that title."""
    chart = next(each.proto for each in app.get("vega_lite_chart") if each.proto.alt.startswith(title))
    found: list[dict[str, Any]] = pa.ipc.open_stream(chart.data.data).read_all().to_pylist()
    return found


def picture() -> Any:
    digits = load_dataset("digits")
    return digits.test.images[0], digits.normalize(digits.test.images[:1])[0]


def direct(run_id: str, epoch: int, target: int, method: str) -> np.ndarray:
    """Return the map of an epoch, asked without any page."""
    values: np.ndarray = heatmap(attribute(RunStore().load_model(run_id, epoch), picture()[1], target, method)).numpy()
    return values


def answer(run_id: str, epoch: int | None = None) -> np.ndarray:
    return predict(RunStore().load_model(run_id, epoch), picture()[1][None])[0].numpy()


def test_every_epoch_has_its_map_its_probability_and_its_answer(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run)
    best = int(answer(trained_run).argmax())
    assert [(call["method"], call["target"]) for call in asked] == [("saliency", best)] * 3
    (book,) = books(app)
    assert book["moments"] == ["untrained", "epoch 1", "epoch 2"]
    assert book["chosen"] == 2
    (strip,) = book["strips"]
    for epoch, leaf in enumerate(strip["leaves"]):
        likely = answer(trained_run, epoch)
        assert leaf["share"] == pytest.approx(float(likely[best]))
        assert leaf["lines"][1] == f"says {likely.argmax()}"
    maps = np.stack([direct(trained_run, epoch, best, "saliency") for epoch in range(3)])
    shown = np.broadcast_to(picture()[0].numpy().transpose(1, 2, 0), (8, 8, 3))
    drawn = course_tiles(faded(shown, False), maps, signed=False, **LOOK)  # type: ignore[arg-type]
    found = tiles(book)
    assert np.array_equal(found[0], shown)
    assert np.array_equal(found[1:4], drawn.pixels)
    assert [row["value"] for row in rows(app, "Probability")] == pytest.approx(
        [float(answer(trained_run, epoch)[best]) for epoch in range(3)], rel=1e-4
    )
    measured = [row["value"] for row in rows(app, "Rank correlation")]
    ranks = [np.corrcoef(_ranks(values), _ranks(maps[-1]))[0, 1] for values in maps]
    assert measured == pytest.approx(ranks, rel=1e-4)
    assert "One scale for all maps" in texts(app)


def _ranks(values: np.ndarray) -> np.ndarray:
    flat = values.ravel()
    return np.array([(flat < value).sum() + ((flat == value).sum() - 1) / 2 for value in flat])


def test_scale_and_method_reach_the_pictures_and_nothing_is_computed_twice(
    trained_run: str, asked: list[dict[str, Any]]
) -> None:
    app = opened(run=trained_run)
    before, best = tiles(books(app)[0]), int(answer(trained_run).argmax())
    asked.clear()
    settled(app.segmented_control(key="course_scale").set_value("own").run())
    assert not asked
    assert not np.array_equal(tiles(books(app)[0])[1:3], before[1:3])
    assert "Each map is scaled by itself" in texts(app)
    settled(app.selectbox(key="course_method").set_value("occlusion").run())
    assert [(call["method"], call["target"]) for call in asked] == [("occlusion", best)] * 3


def test_another_class_is_followed_at_all_epochs(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run, target="4")
    assert {call["target"] for call in asked} == {4}
    assert books(app)[0]["strips"][0]["leaves"][0]["lines"][0].startswith("4 ")
    best = int(answer(trained_run).argmax())
    assert (f"In the end it says “{best}”, not “4”." in texts(app)) == (best != 4)


def test_a_new_epoch_computes_only_itself(trained_run: str, asked: list[dict[str, Any]]) -> None:
    store = RunStore()
    late = store.checkpoint(trained_run, 2)
    kept = late.read_bytes()
    late.unlink()
    store.change(trained_run, status="running", owner="tests", heartbeat=time.time())
    app = opened(run=trained_run)
    assert books(app)[0]["moments"] == ["untrained", "epoch 1"]
    assert "new epochs appear" in texts(app)
    asked.clear()
    late.write_bytes(kept)
    settled(app.button(key="refresh").click().run())
    assert books(app)[0]["moments"] == ["untrained", "epoch 1", "epoch 2"]
    assert len(asked) == 1
    store.close()


def test_it_says_what_the_maps_promise_and_which_fall_short(trained_run: str) -> None:
    app = opened(run=trained_run)
    app.session_state["methods_Rules for going back"] = ["lrp"]
    settled(app.run())
    settled(app.selectbox(key="course_method").set_value("lrp").run())
    (book,) = books(app)
    store, (_, image) = RunStore(), picture()
    target = int(answer(trained_run).argmax())
    gaps = [attribute(store.load_model(trained_run, epoch), image, target, "lrp").gap for epoch in (0, 1, 2)]
    store.close()
    short = [gap for gap in gaps if gap.shortfall]
    assert short
    worst = max(short, key=lambda gap: gap.share)
    assert f"{worst.promise.words} {len(short)} of these 3 maps fall short of it." in texts(app)
    assert escape_markdown(worst.shortfall) in texts(app)
    for leaf, gap in zip(book["strips"][0]["leaves"], gaps, strict=True):
        assert (f"sum {gap.off} off" in leaf["lines"]) is (gap in short)


def test_a_damaged_epoch_keeps_the_others(trained_run: str) -> None:
    whole = tiles(books(opened(run=trained_run))[0])
    store = RunStore()
    path = store.checkpoint(trained_run, 1)
    path.write_bytes(path.read_bytes()[:100])
    store.close()
    app = opened(run=trained_run)
    assert not app.error
    leaves = books(app)[0]["strips"][0]["leaves"]
    assert "damaged" in leaves[1]["missing"]
    assert not leaves[0]["missing"] and not leaves[2]["missing"]
    assert tiles(books(app)[0]).shape == whole.shape
    assert [row["epoch"] for row in rows(app, "Probability")] == [0, 2]
    best = int(answer(trained_run).argmax())
    says = [int(answer(trained_run, epoch).argmax()) == best for epoch in (0, 2)]
    assert ("even untrained" if all(says) else "from epoch 2 on") in texts(app)


def test_where_no_epoch_can_be_asked_the_reason_stands_alone(home: Any) -> None:
    store = RunStore()
    spec = ModelSpec("Dense", (1, 8, 8), 10, (Flatten(), Dense(10)))
    config = TrainConfig(epochs=1, batch_size=32, train_images=64, precision="fp32", device="cpu")
    run_id = store.create(spec, config, "digits", owner="tests")
    Runner(store, run_id, "tests").run()
    store.close()
    app = AppTest.from_function(script, default_timeout=60)
    app.query_params["run"] = run_id
    app.session_state["methods_Layers"] = ["grad_cam"]
    settled(app.run())
    assert not books(app)
    assert ["convolution" in info.value for info in app.info] == [True]


def test_a_run_without_epochs_says_so_and_offers_one_that_has(trained_run: str) -> None:
    store = RunStore()
    for path in store.checkpoint(trained_run).parent.glob("epoch-*.safetensors"):
        path.unlink()
    store.close()
    app = opened(run=trained_run)
    assert "has no epochs of its training" in texts(app)
    assert [button.label for button in app.button][-1] == "Go to Train"
    assert not books(app)


def test_weights_later_than_the_last_epoch_come_last(trained_run: str) -> None:
    store = RunStore()
    run = store.get(trained_run)
    store.change(trained_run, step=run.step + 1)
    store.close()
    book = books(opened(run=trained_run))[0]
    assert book["moments"] == ["untrained", "epoch 1", "epoch 2", "latest"]


def test_two_runs_stand_one_below_the_other_in_one_scale(trained_run: str, asked: list[dict[str, Any]]) -> None:
    other = again(trained_run)
    app = opened(run=trained_run, other=other)
    (book,) = books(app)
    assert [strip["title"] for strip in book["strips"]] == ["A · Small network on digits", "B · Another <b>run</b>"]
    found = tiles(book)
    assert np.array_equal(found[1:4], found[4:7])  # the same weights
    assert {row["run"] for row in rows(app, "Probability")} == {"A", "B"}
    assert "In the end the maps of A and B have a rank correlation of 1.00." in texts(app)
    assert len(asked) == 6


def test_two_epochs_of_one_run_are_one_strip(trained_run: str) -> None:
    (book,) = books(opened(run=trained_run, epoch="1", other=trained_run, other_epoch="0"))
    assert len(book["strips"]) == 1
    assert book["chosen"] == 1


def test_a_run_that_knows_other_classes_is_left_out(trained_run: str, shapes_run: str) -> None:
    app = opened(run=trained_run, other=shapes_run)
    assert len(books(app)[0]["strips"]) == 1
    assert "B knows other classes" in texts(app)


def test_the_chosen_epoch_can_be_taken_to_every_page(trained_run: str) -> None:
    app = opened(run=trained_run)
    best = int(answer(trained_run).argmax())
    app.session_state[f"course_{trained_run}"] = {"moment": 0}
    settled(app.run())
    settled(app.button(key="course_follow").click().run())
    assert app.query_params["epoch"] == ["0"] or app.query_params["epoch"] == "0"
    assert str(best) in app.query_params["target"]
    assert books(app)[0]["chosen"] == 0


def test_what_lies_on_the_object_is_measured_where_the_mask_is_known(shapes_run: str) -> None:
    app = opened(run=shapes_run)
    shapes = load_dataset("shapes")
    assert shapes.test.masks is not None
    mask, model = shapes.test.masks[0].numpy(), RunStore().load_model(shapes_run)
    image = shapes.normalize(shapes.test.images[:1])[0]
    values = heatmap(attribute(model, image, int(predict(model, image[None]).argmax()), "saliency")).numpy()
    measured = [row["value"] for row in rows(app, "Share of the map")]
    assert len(measured) == 2
    assert measured[-1] == pytest.approx(float(values[mask].sum() / values.sum()), rel=1e-4)
    assert f"covers {mask.mean():.0%} of the picture" in texts(app)
    app = settled(app.segmented_control(key="picture_kind").set_value("sample").run())
    assert "of the picture" not in texts(app)


def test_what_costs_much_waits_for_a_click(
    trained_run: str, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(through_time, "SECONDS_WITHOUT_PRESS", 0.0)
    app = opened(run=trained_run)
    assert not asked and not books(app)
    button = app.button(key="ask_course")
    assert "Compute 3 maps: 6 passes through the network, up to" in button.label
    settled(button.click().run())
    assert len(asked) == 3 and len(books(app)) == 1


def test_where_all_maps_say_nothing_the_next_method_comes(mute_run: str, asked: list[dict[str, Any]]) -> None:
    app = AppTest.from_function(script, default_timeout=60)
    app.query_params["run"] = mute_run
    app.session_state["methods_Layers"] = ["grad_cam"]
    app.session_state["methods_Gradients"] = []
    app = settled(app.run())
    words = "Layer gradient × activation in place of Grad-CAM. Every value is zero"
    assert words in texts(app)
    assert [call["method"] for call in asked] == [
        method for method in ("grad_cam", "layer_cam", "layer_grad_x_activation") for _ in range(3)
    ]
    assert books(app)[0]["moments"] == ["untrained", "epoch 1", "epoch 2"]


def test_weak_maps_stay_faint_in_one_scale_and_in_scales_of_their_own() -> None:
    maps = np.array([[[0.0, 1.0]], [[0.0, 2.0]]], np.float32)
    picture = np.zeros((1, 2, 3), np.uint8)
    weak = Strength("weak", 0.05, 20.0, "A weak map.")

    def size(says: list[Strength], place: int, one_scale: bool) -> int:
        return int(course_tiles(picture, maps, one_scale=one_scale, signed=True, says=says).pixels[place].sum())

    for one_scale in (True, False):
        for place in range(2):
            assert size([weak, weak], place, one_scale) < size([], place, one_scale)
    assert size([weak, CLEAR], 0, True) == size([], 0, True)  # as faint as it is beside the clear one
    assert size([weak, CLEAR], 0, False) < size([], 0, False)
    assert size([weak, CLEAR], 1, False) == size([], 1, False)


def test_of_very_many_epochs_some_are_left_out_and_that_is_said(
    trained_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(through_time, "MAX_EPOCHS", 2)
    app = opened(run=trained_run)
    assert books(app)[0]["moments"] == ["untrained", "epoch 2"]
    assert "Of 3 epochs that are kept, 2 are shown" in texts(app)


def test_likeness_is_read_aloud(trained_run: str) -> None:
    app = opened(run=trained_run)
    values = [row["value"] for row in rows(app, "Rank correlation")]
    late = [place for place in range(len(values) - 1) if min(values[place:]) >= 0.9]
    expected = (
        "changes up to the end"
        if not late
        else "untrained network's map is like"
        if late[0] == 0
        else f"epoch {late[0]} on"
    )
    assert expected in texts(app)


def test_another_method_begins_at_the_epoch_that_was_looked_at(
    trained_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(run=trained_run)
    app.session_state[f"course_{trained_run}"] = {"moment": 1}
    settled(app.run())
    assert books(app)[0]["chosen"] == 2  # what the browser chose is not sent back to it
    go, pool = threading.Event(), board().pools[Lane.SHORT]
    for _ in range(threads_of(Lane.SHORT)):
        pool.submit(go.wait, 20)
    with monkeypatch.context() as patch:
        patch.setattr(background_jobs, "GRACE_SECONDS", {})
        assert app.selectbox(key="course_method").set_value("occlusion").run().get("progress")
    go.set()
    pool.submit(int).result(20)
    wait([job.result for job in board().jobs.values()], 20)
    settled(app.run())
    assert books(app)[0]["chosen"] == 1
    app.query_params["epoch"] = "0"
    settled(app.run())
    assert books(app)[0]["chosen"] == 0


def test_the_colours_are_those_that_the_session_chose(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run)
    before = tiles(books(app)[0])
    asked.clear()
    app.session_state["look_strength"] = 20
    settled(app.run())
    assert not asked
    assert not np.array_equal(tiles(books(app)[0]), before)


def test_the_settings_of_a_method_reach_every_epoch(trained_run: str, asked: list[dict[str, Any]]) -> None:
    app = opened(run=trained_run)
    app.session_state["method_options"] = {"occlusion": {"window": 3}}
    asked.clear()
    settled(app.selectbox(key="course_method").set_value("occlusion").run())
    assert [call["options"]["window"] for call in asked] == [3, 3, 3]
    assert all(call["options"]["progress"] for call in asked)


def test_a_pretrained_network_says_so_and_offers_the_way_on(trained_run: str) -> None:
    app = AppTest.from_function(pretrained_script, default_timeout=60).run()
    assert not app.exception
    assert "has no epochs of its training" in texts(app)
    assert [button.label for button in app.button] == ["Go to Train"]


def pretrained_script() -> None:
    from core.model.zoo import ZOO
    from pages.sections.explain.through_time import SECTION
    from pages.shared.network.current_network import library
    from pages.shared.picture.input_image import InputImage

    SECTION.draw((library().pretrained(next(iter(ZOO))),), InputImage("Black", (3, 224, 224), bytes(3 * 224 * 224)), 0)


def test_the_page_offers_it_among_its_sections(trained_run: str) -> None:
    app = AppTest.from_file(navigation.path("explain"), default_timeout=60)
    app.query_params["run"] = trained_run
    app.session_state["explain_section"] = "time"
    app.session_state["methods_Gradients"] = ["saliency"]
    settled(app.run())
    assert not app.error
    assert books(app)[0]["moments"] == ["untrained", "epoch 1", "epoch 2"]


def test_without_a_method_it_says_what_to_do(trained_run: str) -> None:
    app = AppTest.from_function(script, default_timeout=60)
    app.query_params["run"] = trained_run
    app.session_state["methods_Gradients"] = []
    settled(app.run())
    assert ["Choose a method under Settings" in info.value for info in app.info] == [True]
    assert not books(app)
