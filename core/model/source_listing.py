"""Source code of ConvScope's own functions, for stand-alone scripts."""

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_CORE = Path(__file__).parents[1]


@cache
def listing(file: str, names: Sequence[str] = ()) -> str:
    """Return the source of named functions and constants of a file of core, decorators included.

    Reading instead of importing costs nothing, and what is printed is what runs here.

    Args:
        file: Path below core.
        names: Which functions, constants and classes; by default all functions and constants, and no classes.

    Raises:
        KeyError: The file has no such function, constant or class.
    """
    text = (_CORE / file).read_text(encoding="utf-8")
    lines, parts, missing = text.splitlines(), [], set(names)
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            called, decorators = {node.name}, node.decorator_list
        elif isinstance(node, ast.Assign):
            targets = [name for target in node.targets for name in ast.walk(target)]
            called, decorators = {name.id for name in targets if isinstance(name, ast.Name)}, []
        else:
            continue
        if called & missing if names else not isinstance(node, ast.ClassDef):
            first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            parts.append("\n".join(lines[first - 1 : node.end_lineno]))
            missing -= called
    if missing:
        raise KeyError(f"{file} has no {', '.join(sorted(missing))}")
    return "\n\n\n".join(parts)
