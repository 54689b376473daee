"""No test can end without having asserted: none returns early, none asserts behind an `if` alone."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
ASSERTING = {"raises", "warns", "fail", "expect"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def called(node: ast.AST) -> frozenset[str]:
    """Return the names of the functions and methods that are called anywhere below a node."""
    calls = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    return frozenset(getattr(function, "attr", getattr(function, "id", "")) for function in calls)


@cache
def states(node: ast.AST) -> bool:
    """Say whether there is an `assert` anywhere below a node."""
    return any(isinstance(each, ast.Assert) for each in ast.walk(node))


def asserts(node: ast.AST, helpers: set[str]) -> bool:
    names = called(node)
    return (
        not names.isdisjoint(ASSERTING)
        or not names.isdisjoint(helpers)
        or any(name.startswith("assert_") for name in names)
        or states(node)
    )


def for_sure(body: list[ast.stmt], helpers: set[str]) -> bool:
    """Tell whether statements assert however their conditions turn out; loops are taken to run at least once."""
    for statement in body:
        if isinstance(statement, ast.If):
            if for_sure(statement.body, helpers) and for_sure(statement.orelse, helpers):
                return True
        elif isinstance(statement, (ast.For, ast.While, ast.With, ast.Try)):
            heads = [item.context_expr for item in getattr(statement, "items", [])]
            if for_sure(statement.body, helpers) or any(asserts(head, helpers) for head in heads):
                return True
        elif not isinstance(statement, (*FUNCTIONS, ast.ClassDef)) and asserts(statement, helpers):
            return True
    return False


def returns(node: ast.AST) -> Iterator[ast.Return]:
    """Yield the returns of a function itself, not of those defined in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Return):
            yield child
        elif not isinstance(child, (*FUNCTIONS, ast.ClassDef, ast.expr)):
            yield from returns(child)


def helpers_among(trees: dict[Path, ast.Module]) -> set[str]:
    """Return the names of the functions of the tests that assert, or call one that does."""
    defined = defaultdict[str, list[ast.AST]](list)
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS) and not node.name.startswith("test_"):
                defined[node.name].append(node)
    found, more = set[str](), True
    while more:
        new = {name for name in defined.keys() - found if any(asserts(each, found) for each in defined[name])}
        found, more = found | new, bool(new)
    return found


def faults(source: dict[Path, ast.Module]) -> list[str]:
    helpers, found = helpers_among(source), []
    for path, tree in source.items():
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS) and node.name.startswith("test_"):
                if any(returns(node)):
                    found.append(f"{path}: {node.name} returns")
                if not for_sure(node.body, helpers):
                    found.append(f"{path}: {node.name} may assert nothing")
    return found


def test_every_test_asserts_whatever_happens():
    trees = {path.relative_to(TESTS): ast.parse(path.read_text("utf-8")) for path in sorted(TESTS.rglob("*.py"))}
    assert len(trees) > 100
    assert faults(trees) == []


def test_what_may_assert_nothing_is_found():
    code = """
def test_a(x):
    if x:
        return
    assert x
def test_b(x):
    if x:
        assert x
def test_c(x):
    def inner():
        assert x
def test_d(x):
    if x:
        assert x
    else:
        assert not x
def held(x):
    assert x
def test_e(x):
    held(x)
"""
    assert faults({Path("t.py"): ast.parse(code)}) == [
        "t.py: test_a returns",
        "t.py: test_b may assert nothing",
        "t.py: test_c may assert nothing",
    ]
