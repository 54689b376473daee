"""Parts of ConvScope's own source, to be printed in a script that stands alone."""

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_CORE = Path(__file__).parents[1]


@cache
def listing(file: str, names: Sequence[str] = ()) -> str:
    """Return the source of functions and constants of a file of core, as they stand there.

    Reading instead of importing costs nothing, and what is printed is what runs here.

    Args:
        file: Path below core.
        names: Which ones; by default all functions and constants, and no classes.
    """
    text = (_CORE / file).read_text(encoding="utf-8")
    parts = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            wanted = node.name in names if names else True
        elif isinstance(node, ast.Assign):
            wanted = not names
        else:
            wanted = False
        if wanted:
            parts.append(ast.get_source_segment(text, node) or "")
    return "\n\n\n".join(parts)
