"""What is imported without the heavy packages: one process imports more and more, and says what it has loaded."""

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Pages whose first visit does not wait for torch.
QUICK = ("home", "build", "data", "train", "runs")
LIGHT = (
    "core.errors, core.settings, core.options, core.download, core.data.catalog, core.model.spec, core.model.layers, "
    "core.model.shapes, core.model.presets, core.model.export, core.model.zoo, core.runs.store, core.runs.history, "
    "core.train.config, core.train.engine, core.explain.methods.registry, core.exchange.layout, "
    "core.exchange.csv_tables, "
    "core.compression.ways, core.demo.making, core.exchange.evaluation_evidence, core.inference.network, "
    "core.inference.library, core.report.portrait, core.report.shipped"
)
SECTIONS = sorted(path for name in QUICK for path in (ROOT / "pages" / "sections" / name).rglob("*.py"))
# In this order, as what is loaded stays: the code, and what has to be missing after it.
STAGES = {
    "describing networks": (
        "import core.model.spec, core.model.shapes, core.model.presets, core.model.export\n"
        "from core.model import preset, summarize, to_python\n"
        "spec = preset('resnet', (3, 32, 32), 10); summarize(spec); to_python(spec)",
        {"torch", "numpy"},
    ),
    "all of the maths": (
        "import core.maths\nfor name in core.maths.__all__: getattr(core.maths, name)",
        {"torch", "scipy", "streamlit"},
    ),
    "data sets and methods": (
        "from core.data import DATASETS, is_stored, draw_shapes, decode_image\nfrom core.explain import METHODS",
        {"torch", "captum", "torchvision", "plotly"},
    ),
    "settings, engine and store": (f"import {LIGHT}", {"torch", "captum", "torchvision", "plotly"}),
    "an open store of files in a folder": (
        "from core.runs.store import RunStore\nRunStore()",
        {"torch", "fsspec", "s3fs"},
    ),
    "quick pages": (  # Streamlit itself loads plotly
        "import " + ", ".join(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in SECTIONS),
        {"torch", "captum", "torchvision"},
    ),
}
SAY = "\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"


@cache
def loaded() -> dict[str, list[str]]:
    """Return the packages that a process has loaded after each stage."""
    code = "import json, sys\n" + "".join(stage + SAY for stage, _ in STAGES.values())
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_HOME", home)
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(STAGES, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_used_before_the_first_training_loads_nothing_heavy(stage: str) -> None:
    packages = loaded()[stage]
    assert "core" in packages
    assert {*packages} & STAGES[stage][1] == set()
