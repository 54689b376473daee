"""The command line explains a picture as the app does, and what cannot be done is said in a sentence."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from core.data.datasets import load_dataset
from core.data.fitting import fit_image
from core.data.images import decode_image
from core.explain.__main__ import main, open_network
from core.explain.attribution import attribute
from core.explain.cli.record import command, read_settings
from core.explain.methods.registry import METHODS
from core.inference.prediction import predict
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "assets" / "samples" / "three-on-paper.jpg"
SPEC = ModelSpec("Small network", (1, 8, 8), 10, (Conv(4), Activation(), MaxPool(), Flatten(), Dense(10)))
CONFIG = TrainConfig(epochs=1, batch_size=32, train_images=160, lr=0.01, precision="fp32", device="cpu")
pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("explained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_HOME", str(path))
        patch.delenv("CONVSCOPE_DATABASE_URL", raising=False)
        store = RunStore()
        run_id = store.create(SPEC, CONFIG, "digits", "Ünï → run", owner="tests")
        Runner(store, run_id, "tests").run()
        store.close()
    return path, run_id


@pytest.fixture
def trained(_trained: tuple[Path, str], home: Path) -> str:
    """Give the test's data directory a finished run on `digits`, with epochs 0 and 1, and return its id."""
    shutil.copytree(_trained[0], home, dirs_exist_ok=True)
    return _trained[1]


def seen() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the pixels and the image that the network gets of the picture: dark on light, so swapped."""
    pixels = fit_image(decode_image(PICTURE.read_bytes()), (1, 8, 8), invert=True)[0]
    return pixels, load_dataset("digits").normalize(pixels[None])[0]


def loaded(run_id: str, epoch: int | None = None) -> torch.nn.Module:
    store = RunStore()
    model = store.load_model(run_id, epoch)
    store.close()
    return model


def read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def test_a_subprocess_writes_files_that_open_and_hold_what_the_app_computes(trained: str, tmp_path: Path) -> None:
    outputs = [tmp_path / f"out.{ending}" for ending in ("png", "npz", "json")]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "core.explain", str(PICTURE), "--model", trained, "--class", "3"),
            *("--method", "integrated_gradients,occlusion", "--option", "integrated_gradients.steps=8"),
            *(word for path in outputs for word in ("-o", str(path))),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(path) for path in outputs]
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "out.npz", "out.png"]
    with Image.open(outputs[0]) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 400
    pixels, image = seen()
    arrays = read(outputs[1])
    assert np.array_equal(arrays["pixels"], pixels)
    assert np.array_equal(arrays["image"], image)
    expected = attribute(loaded(trained), image, 3, "integrated_gradients", steps=8)
    assert np.array_equal(arrays["integrated_gradients_class_3"], expected.values)
    assert np.array_equal(arrays["occlusion_class_3"], attribute(loaded(trained), image, 3, "occlusion").values)
    (asked,) = read_settings(outputs[2].read_text("utf-8"))
    assert [call.method for call in asked.calls] == ["integrated_gradients", "occlusion"]


def test_settings_repeat_it_and_what_has_changed_is_said(
    trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, first, again = tmp_path / "a.json", tmp_path / "a.npz", tmp_path / "b.npz"
    asked = ["--model", trained, "--epoch", "1", "--method", "saliency,smooth_grad", "--class", "3", "--versus", "8"]
    assert main([str(PICTURE), *asked, "-o", str(settings), "-o", str(first)]) == 0
    assert main([str(PICTURE), "--settings", str(settings), "-o", str(again)]) == 0
    assert "another" not in capsys.readouterr().err
    before, after = read(first), read(again)
    assert list(before) == list(after)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert "saliency_class_3_versus_8" in before

    about = json.loads(settings.read_text("utf-8"))
    about["asked"][0]["network"]["epoch"] = 0
    settings.write_text(json.dumps(about), encoding="utf-8")
    other = ROOT / "assets" / "samples" / "cat.jpg"
    assert main([str(other), "--settings", str(settings), "-o", str(again)]) == 0
    said = capsys.readouterr().err
    assert "other weights" in said
    assert "another picture" in said
    assert not np.array_equal(before["saliency_class_3_versus_8"], read(again)["saliency_class_3_versus_8"])


def test_the_command_line_of_calls_repeats_them(trained: str, tmp_path: Path) -> None:
    first, again = tmp_path / "a.npz", tmp_path / "b.npz"
    options = ["--option", "occlusion.window=3"]
    asked = ["--model", trained, "--method", "occlusion", "--method", "saliency", "--class", "2", "--class", "5"]
    assert main([str(PICTURE), *asked, *options, "-o", str(first), "-o", str(tmp_path / "a.json")]) == 0
    (told,) = read_settings((tmp_path / "a.json").read_text("utf-8"))
    line = command(told.source, str(PICTURE), told.calls, [str(again)])
    assert main(line.split()[3:]) == 0
    before, after = read(first), read(again)
    assert sorted(before) == sorted(after)
    assert len(before) == 2 + 4
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_the_likeliest_class_is_explained_unless_one_is_named(trained: str, tmp_path: Path) -> None:
    _, image = seen()
    best = int(predict(loaded(trained, 0), image[None]).argmax())
    out = tmp_path / "a.npz"
    assert main([str(PICTURE), "--model", trained, "--epoch", "0", "--method", "saliency", "-o", str(out)]) == 0
    assert list(read(out))[2:] == [f"saliency_class_{best}"]


def test_all_methods_are_asked_and_those_that_do_not_fit_are_named(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from core.model.build import build_model
    from core.runs.checkpoint import Checkpoint, save_checkpoint

    store = RunStore()
    run_id = store.create(ModelSpec("Dense", (1, 8, 8), 10, (Flatten(), Dense(10))), CONFIG, "digits", owner="tests")
    weights = build_model(store.get(run_id).spec, seed=0).state_dict()
    save_checkpoint(store.checkpoint(run_id), Checkpoint(dict(weights)))
    store.close()
    out = tmp_path / "a.npz"
    assert main([str(PICTURE), "--model", run_id, "--method", "all", "--class", "1", "-o", str(out)]) == 0
    said = capsys.readouterr().err
    explained = {name.removesuffix("_class_1") for name in read(out)} - {"image", "pixels"}
    assert "saliency" in explained
    assert "grad_cam" not in explained
    assert "Grad-CAM is left out: Grad-CAM needs a convolution" in said
    for name, method in METHODS.items():
        assert (name in explained) != (f"{method.title} is left out: " in said), name


def test_dark_and_light_are_swapped_as_asked(trained: str, tmp_path: Path) -> None:
    out = tmp_path / "a.npz"
    found = {}
    for swap in ("auto", "yes", "no"):
        assert main([str(PICTURE), "--model", trained, "--method", "saliency", "--swap", swap, "-o", str(out)]) == 0
        found[swap] = read(out)["pixels"]
    assert np.array_equal(found["auto"], found["yes"])
    assert not np.array_equal(found["yes"], found["no"])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (["--method", "astrology"], "There is no method 'astrology'"),
        (["--method", ","], "Name at least one method"),
        (["--class", "dragon"], "no class 'dragon'"),
        (["--class", "10"], "no class '10'"),
        (["--versus", "-1"], "no class '-1'"),
        (["--class", "3", "--versus", "3"], "against itself"),
        (["--model", "0123456789"], "There is no network '0123456789'"),
        (["--model", "../../etc"], "There is no network"),
        (["--epoch", "7"], "no weights of epoch 7"),
        (["--option", "saliency"], "no setting"),
        (["--option", "saliency.speed=3"], "no option 'speed'"),
        (["--option", "occlusion.window=3"], "not among the methods"),
        (["--method", "saliency,occlusion", "--option", "occlusion.window=many"], "must be a whole number"),
        (["--settings", "gone.json"], "leave out the model"),
        (["-o", "no/such/folder/out.npz"], "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: list[str], words: str
) -> None:
    asked = {"--model": [trained], "--method": ["saliency"], "-o": [str(tmp_path / "out.npz")]}
    asked = {name: value for name, value in asked.items() if name not in changed}
    line = [word for name, values in asked.items() for word in (name, *values)] + changed
    if "--versus" in changed and "-1" in changed:
        line = [*line[: line.index("--versus")], "--versus=-1"]
    assert main([str(PICTURE), *line]) == 1
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.strip().count("\n") == 0
    assert not said.out
    assert not list(tmp_path.iterdir())


def test_a_picture_that_is_none_and_files_that_are_not_there(
    trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "bad.json").write_bytes(b"\xff{")
    out = str(tmp_path / "out.png")
    for arguments, words in (
        ([str(tmp_path / "bad.png"), "--model", trained, "--method", "saliency"], "no PNG, JPEG"),
        ([str(tmp_path / "gone.png"), "--model", trained, "--method", "saliency"], "gone.png cannot be read"),
        ([str(tmp_path), "--model", trained, "--method", "saliency"], "cannot be read"),
        ([str(PICTURE), "--settings", str(tmp_path / "gone.json")], "gone.json cannot be read"),
        ([str(PICTURE), "--settings", str(tmp_path / "bad.json")], "damaged"),
        ([str(PICTURE)], "Say which network"),
        ([str(PICTURE), "--model", trained], "Say which network"),
    ):
        assert main([*arguments, "-o", out]) == 1
        said = capsys.readouterr().err
        assert words in said
        assert "Traceback" not in said
    assert not Path(out).exists()


@pytest.mark.parametrize("arguments", [[], ["--model", "x", "-o", "out.gif"], ["-o"]])
def test_a_line_that_cannot_be_read_shows_how_it_is_written(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(PICTURE), *arguments])
    assert end.value.code == 2
    assert "usage: python -m core.explain" in capsys.readouterr().err


def test_a_pretrained_network_explains_a_photograph(home: Path, tmp_path: Path) -> None:
    from core.model.zoo import ZOO

    name = next(name for name, info in ZOO.items() if info.download is None)
    out = [tmp_path / "a.png", tmp_path / "a.npz"]
    asked = ["--model", name, "--method", "saliency,grad_cam", "--class", "Egyptian cat"]
    cat = ROOT / "assets" / "samples" / "cat.jpg"
    assert main([str(cat), *asked, "-o", str(out[0]), "-o", str(out[1])]) == 0
    arrays = read(out[1])
    index = ZOO[name].class_names.index("Egyptian cat")
    assert arrays["image"].shape == (3, 224, 224)
    assert arrays[f"saliency_class_{index}"].any()
    assert arrays[f"grad_cam_class_{index}"].shape == (224, 224)
    assert np.asarray(Image.open(io.BytesIO(out[0].read_bytes()))).size


def test_a_pretrained_network_has_no_epochs(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from core.model.zoo import ZOO

    asked = ["--model", "zoo-" + next(iter(ZOO)), "--epoch", "1", "--method", "saliency", "-o", str(tmp_path / "a.png")]
    assert main([str(PICTURE), *asked]) == 1
    assert "has no epochs" in capsys.readouterr().err


def test_of_all_methods_those_that_fail_are_named_and_the_others_go_on(
    trained: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = list[int]()

    def fail(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        calls.append(len(inputs[0]))
        if len(inputs[0]) > 8:
            raise ValueError("injected fault")

    def open_faulty(*args: Any) -> Any:
        network = open_network(*args)
        network.model.register_forward_pre_hook(fail)
        return network

    monkeypatch.setattr("core.explain.__main__.open_network", open_faulty)
    path = tmp_path / "out.npz"
    assert main([str(PICTURE), "--model", trained, "--method", "all", "-o", str(path)]) == 0
    said = capsys.readouterr().err
    assert "Occlusion is left out: Occlusion failed on this network (ValueError: injected fault)" in said
    assert "Traceback" not in said and max(calls) > 8
    names = {name.split("_class_")[0] for name in read(path)}
    assert {"saliency", "lrp", "grad_cam"} <= names and "occlusion" not in names
