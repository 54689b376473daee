"""Every hostile file is taken as what it is or refused in one sentence, in little memory, and leaves no trace."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

Answers = tuple[dict[str, list[list[object]]], list[float]]  # what was told of each kind; MB that were used
ROOT = Path(__file__).parents[2]
MEMORY = 700  # MB that the process may take in all, 50 million pixels of one picture included
CODE = """
import json, resource, sys
import numpy as np
from core.data import user_datasets as own
from core.data.catalog import DATASETS
from core.data.importing.decoder_worker import ImageFormat
from core.data.importing.importer import bring_in
from core.data.images import decode_image
from core.errors import ConvScopeError
from tests.data import hostile

told = {"pictures": [], "archives": []}
for kind, item in [(kind, item) for kind in told for item in getattr(hostile, kind)()]:
    words, good = "", True
    try:
        if kind == "pictures":
            image = decode_image(item.data)
            good = image.mode == "RGB" and min(image.size) > 0 and not image.info
        else:
            name = bring_in(item.data, "Hostile", look=ImageFormat(8))
            good = DATASETS[name].num_images >= 7  # one may be damaged
            own.delete_dataset(name, remember=False)
    except ConvScopeError as error:
        words = str(error)
    told[kind].append([item.name, item.accepted, words, good])
# Its own peak as the kernel has it for this program: `ru_maxrss` would count what the tests' process held at the fork.
own_peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
most = [own_peak / 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]
print(json.dumps([told, most]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder of the process that takes the files."""
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def answers(folder: Path) -> Answers:
    """Give all files to a process of their own, which sees nothing but its empty folder."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE],
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "CONVSCOPE_HOME": str(folder / "home"),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told, most = json.loads(done.stdout)
    return told, most


@pytest.mark.parametrize("kind", ["pictures", "archives"])
def test_hostile_files_are_taken_for_what_they_are_or_refused_in_a_sentence(kind: str, answers: Answers) -> None:
    wrong = []
    for name, accepted, words, good in answers[0][kind]:
        right = good and accepted in (None, not words) and "\n" not in str(words)
        if not right or str(words).rstrip(".").count(". "):
            wrong.append((name, accepted, words, good))
    assert not wrong


def test_hostile_files_take_little_memory_and_leave_no_trace(folder: Path, answers: Answers) -> None:
    assert max(answers[1]) < MEMORY
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_there_are_more_than_two_hundred(answers: Answers) -> None:
    names = [name for kind in answers[0].values() for name, *_ in kind]
    assert len(set(names)) == len(names) >= 200
