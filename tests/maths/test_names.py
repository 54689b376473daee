"""What the package promises is there, and none of it needs torch."""

import subprocess
import sys
from pathlib import Path

import core.maths

ROOT = Path(__file__).parents[2]


def test_every_name_of_the_package_can_be_had():
    for name in core.maths.__all__:
        assert getattr(core.maths, name) is not None
    assert {"conv2d_forward", "conv2d_backward", "update", "race", "LANDSCAPES"} <= set(core.maths.__all__)


def test_all_of_it_loads_without_torch():
    code = (
        "import sys, core.maths\n"
        "for name in core.maths.__all__: getattr(core.maths, name)\n"
        "print(sorted({'torch', 'scipy', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
