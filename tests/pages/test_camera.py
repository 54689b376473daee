"""The camera on the page: what the browser sends is answered like a picture, or refused, and a still is chosen."""

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.explain.live import answer_frame
from core.formatting import share
from core.inference import open_network
from pages.shared.picture import camera
from pages.shared.shell.navigation import path

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")


def jpeg() -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (6, 6), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((160, 160)).convert("RGB").save(file, "JPEG", quality=95)
    return file.getvalue()


def url(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def shown(run_id: str, **sent: Any) -> tuple[AppTest, dict[str, Any]]:
    """Return the page and what the camera is given, after the browser sent something."""
    app = AppTest.from_file(path("feature_maps"), default_timeout=60)
    app.query_params["run"] = run_id
    app.session_state["picture_kind"] = "camera"
    app.session_state[camera.KEY] = sent
    app.run()
    assert not app.exception
    found = (json.loads(element.proto.json) for element in app.get("bidi_component"))
    return app, next(data for data in found if "still" in data)


def test_a_frame_is_answered(trained_run: str) -> None:
    frame = {"number": 7, "jpeg": url(jpeg()), "method": "grad_cam"}
    answer = shown(trained_run, frame=frame)[1]["answer"]
    expected = answer_frame(open_network(trained_run), jpeg(), "grad_cam")
    assert [bar["number"] for bar in answer["bars"]] == [share(float(value)) for value in expected.probabilities]
    assert [bar["leads"] for bar in answer["bars"]].index(True) == expected.best
    assert (answer["number"], answer["whole"], answer["found"]) == (7, True, None)
    received = Image.open(io.BytesIO(base64.b64decode(answer["received"])))
    assert (np.asarray(received) == expected.pixels[0].numpy()).all()
    assert Image.open(io.BytesIO(base64.b64decode(answer["layer"]))).mode == "RGBA"
    assert shown(trained_run, frame={**frame, "method": "occlusion"})[1]["answer"]["layer"] == ""  # too slow to be one


@pytest.mark.parametrize(
    "frame",
    [
        None,
        "frame",
        {"number": 1, "method": "grad_cam"},
        {"number": True, "jpeg": url(b"x"), "method": ""},
        {"number": 1, "jpeg": url(b"x"), "method": 1},
        {"number": 1, "jpeg": "data:image/jpeg;base64,%%%", "method": ""},
        {"number": 1, "jpeg": url(bytes(600_000)), "method": ""},
    ],
)
def test_what_is_no_frame_is_not_answered(trained_run: str, frame: Any) -> None:
    assert shown(trained_run, frame=frame)[1]["answer"] is None


def test_a_frame_that_is_no_picture_is_told_so(trained_run: str) -> None:
    answer = shown(trained_run, frame={"number": 1, "jpeg": url(b"no picture"), "method": ""})[1]["answer"]
    assert "no PNG" in answer["words"] or "picture" in answer["words"]
    assert answer["bars"] == [] and answer["received"] == ""


def test_a_frame_is_dropped_while_others_have_all_turns(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "LATEST", 0.01)
    turns, frame = camera._turns(), {"number": 1, "jpeg": url(jpeg()), "method": ""}
    taken = 0
    while turns.acquire(blocking=False):
        taken += 1
    assert shown(trained_run, frame=frame)[1]["answer"]["words"] == "The server is busy with other cameras."
    for _ in range(taken):
        turns.release()
    assert shown(trained_run, frame=frame)[1]["answer"]["bars"]


def test_a_still_is_the_picture_of_the_page(trained_run: str) -> None:
    app, _ = shown(trained_run, shot=url(jpeg()))
    choice = app.session_state["picture"]
    assert (choice.kind, choice.name) == ("camera", "Your photograph")
    assert Image.open(io.BytesIO(choice.data)).size == (160, 160)
    assert "Your photograph is the picture of all pages." in [caption.value for caption in app.caption]
    refused, _ = shown(trained_run, shot=url(b"no picture"))
    assert len(refused.error) == 1 and refused.session_state["picture"].kind == "test"
