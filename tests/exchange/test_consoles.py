"""Names of any language do not end a command or an exported script on a console that cannot show them."""

import io
import runpy
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

import pytest
import torch
from PIL import Image

from core.exchange.__main__ import main as exchange
from core.train.__main__ import main as train
from tests.exchange.foreign import CLASSES, Foreign, made

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    return made(tmp_path_factory.mktemp("consoles"))


@contextmanager
def console() -> Iterator[Callable[[], str]]:
    """Put output as on Windows, where it goes to a file or a pipe, in place of this process's, and give its reader.

    Each reading lets it refuse again what it lacks, whatever the last command had it do instead.
    """
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="cp1252", errors="strict")

    def read() -> str:
        stream.reconfigure(errors="strict")
        stream.flush()
        return written.getvalue().decode("cp1252")

    with redirect_stdout(stream):
        yield read


def test_exported_scripts_print_names_that_the_console_lacks(
    sent: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(io.BytesIO(sent.archive)) as archive:
        archive.extractall(tmp_path)
    script = (tmp_path / "predict.py").read_text(encoding="utf-8")
    assert "topk(min(5, len(CLASSES)))" in script
    (tmp_path / "predict.py").write_text(script.replace("min(5, len(CLASSES))", "len(CLASSES)"), encoding="utf-8")
    for name in ("松.png", "Ähre.png"):
        Image.new("RGB", (20, 16), (200, 40, 90)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["predict.py", "松.png", "Ähre.png"])
    with console() as printed, torch.random.fork_rng():
        runpy.run_path("train.py", run_name="__main__")
        printed()
        with suppress(SystemExit):
            runpy.run_path("predict.py", run_name="__main__")
        said = printed().splitlines()
    assert any(line.startswith("test: loss") for line in said)
    assert said[-2].startswith("?.png: ") and said[-1].startswith("Ähre.png: ")
    assert all(f"{name.replace('松', '?')} " in said[-1] for name in CLASSES)


def test_commands_print_names_that_the_console_lacks(sent: Foreign, tmp_path: Path, home: Path) -> None:
    (tmp_path / "run.zip").write_bytes(sent.archive)
    words = "--dataset digits --name 数字 --epochs 1 --train-images 64 --device cpu"
    with console() as printed:
        assert exchange(["import", str(tmp_path / "run.zip"), "--with-images"]) == 0
        assert "(Trees ? ?): finished" in printed()
        assert train(words.split()) == 0
        assert "(??): finished" in printed()
