"""Names of any language do not end a command or an exported script on a console that cannot show them."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.exchange.foreign import CLASSES, Foreign, made

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
STRICT = {"PYTHONIOENCODING": "cp1252:strict"}  # as on Windows, where output goes to a file or a pipe

_SCRIPTS = """
import runpy, sys
runpy.run_path("train.py", run_name="__main__")
sys.stdout.reconfigure(errors="strict")
sys.argv = ["predict.py", *sys.argv[1:]]
runpy.run_path("predict.py", run_name="__main__")
"""
_COMMANDS = """
import sys
from core.exchange.__main__ import main as exchange
from core.train.__main__ import main as train
codes = [exchange(["import", "run.zip", "--with-images"])]
sys.stdout.reconfigure(errors="strict")
codes.append(train("--dataset digits --name 数字 --epochs 1 --train-images 64 --device cpu".split()))
assert codes == [0, 0]
"""


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    return made(tmp_path_factory.mktemp("consoles"))


def _said(code: str, *arguments: str, folder: Path, **environment: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **STRICT, **environment},
        capture_output=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr.decode("cp1252", "replace")
    return found.stdout.decode("cp1252")


def test_exported_scripts_print_names_that_the_console_lacks(sent: Foreign, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(sent.archive)) as archive:
        archive.extractall(tmp_path)
    script = (tmp_path / "predict.py").read_text(encoding="utf-8")
    assert "topk(min(5, len(CLASSES)))" in script
    (tmp_path / "predict.py").write_text(script.replace("min(5, len(CLASSES))", "len(CLASSES)"), encoding="utf-8")
    for name in ("松.png", "Ähre.png"):
        Image.new("RGB", (20, 16), (200, 40, 90)).save(tmp_path / name)
    said = _said(_SCRIPTS, "松.png", "Ähre.png", folder=tmp_path).splitlines()
    assert any(line.startswith("test: loss") for line in said)
    assert said[-2].startswith("?.png: ") and said[-1].startswith("Ähre.png: ")
    assert all(f"{name.replace('松', '?')} " in said[-1] for name in CLASSES)


def test_commands_print_names_that_the_console_lacks(sent: Foreign, tmp_path: Path) -> None:
    (tmp_path / "run.zip").write_bytes(sent.archive)
    said = _said(_COMMANDS, folder=tmp_path, CONVSCOPE_HOME=str(tmp_path / "home"))
    assert "(Trees ? ?): finished" in said and "(??): finished" in said
