"""The command line takes runs out and in like the app."""

from pathlib import Path

import pytest
from safetensors.numpy import load_file

from core.exchange.__main__ import main
from core.runs.store import RunStore

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_run_goes_out_and_comes_in(trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "run.zip"
    assert main(["export", trained, str(target)]) == 0
    assert main(["import", str(target)]) == 0
    store = RunStore()
    first, second = store.list()
    assert (first.name, first.created) == (second.name, second.created)
    assert f"run {next(run.id for run in (first, second) if run.id != trained)} (Ünï → run): finished" in (
        capsys.readouterr().out
    )
    store.close()


def test_what_cannot_be_done_is_said_in_a_sentence(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    for arguments, words in (
        (["export", "0123456789", str(tmp_path / "a.zip")], "no such run"),
        (["export", "0123456789", str(tmp_path / "no" / "a.zip")], "cannot be written"),
        (["import", str(tmp_path / "bad.zip")], "no zip archive"),
        (["import", str(tmp_path / "gone.zip")], "gone.zip cannot be read"),
    ):
        assert main(arguments) == 1
        assert words in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.zip"]


def test_the_images_of_a_script_are_written(home: Path, tmp_path: Path) -> None:
    assert main(["images", "digits", str(tmp_path / "data.safetensors"), "--train-images", "50"]) == 0
    data = load_file(tmp_path / "data.safetensors")
    assert {name: array.shape[0] for name, array in data.items() if name.endswith("_labels")} == {
        "train_labels": 50,
        "valid_labels": 300,
        "test_labels": 300,
    }
