"""The network as Python code that a person can read, copy and run."""

import ast
from functools import cache
from pathlib import Path

from core.errors import SpecError
from core.formatting import dimensions
from core.model.calls import module_call
from core.model.layers import Residual
from core.model.shapes import problems, summarize
from core.model.spec import ModelSpec

_IMPORTS = "from collections import OrderedDict\n\nimport torch\nfrom torch import nn\n"


def to_python(spec: ModelSpec, *, seed: int = 0) -> str:
    """Return PyTorch code that makes the very network of `build_model(spec, seed=seed)`, as the name `model`.

    Raises:
        SpecError: As for `network_code`.
    """
    return _IMPORTS + network_code(spec, seed=seed)


def network_code(spec: ModelSpec, *, seed: int = 0) -> str:
    """Return the code of `to_python` without its imports, beginning with an empty line.

    Raises:
        SpecError: The layers do not fit together; the sentence is that of the first problem and its first fix.
    """
    for problem in problems(spec):
        raise SpecError(problem.sentence)
    lines, comments = [], []
    for layer, summary in zip(spec.layers, summarize(spec), strict=True):
        assert summary.input_shape is not None and summary.output_shape is not None
        lines.append(f'        ("{summary.name}", {module_call(layer, summary.input_shape)}),')
        comments.append(dimensions(summary.output_shape, "×"))
    width = max(map(len, lines))
    stack = [f"{line:<{width}}  # {comment}" for line, comment in zip(lines, comments, strict=True)]
    block = ["", _residual_source(), "", ""] if any(isinstance(layer, Residual) for layer in spec.layers) else []
    size = dimensions(spec.input_shape, "×")
    return "\n".join(
        [
            "",
            *block,
            f"torch.manual_seed({seed})  # the same first weights every time",
            f"# {spec.name}: {size} images in, {spec.num_classes} logits out",
            "model = nn.Sequential(",
            "    OrderedDict([",
            *stack,
            "    ])",
            ")",
            "",
        ]
    )


@cache
def _residual_source() -> str:
    """Read the block's class as it is used here, without importing it and with it torch."""
    text = Path(__file__).with_name("residual.py").read_text(encoding="utf-8")
    (block,) = (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef))
    return ast.get_source_segment(text, block) or ""
