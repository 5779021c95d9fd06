"""House rules that a reader relies on and nobody should have to remember."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "bothways"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
ROOMS = [
    "errors",
    "types",
    "disk",
    "trees",
    "tensors",
    "cross_entropy",
    "registry",
    "options",
    "facts",
    "text",
    "batches",
    "models",
    "objectives",
    "training",
    "evaluation",
    "mechanisms",
    "config",
    "mitigations",
    "arms",
    "runs",
    "pipeline",
    "subjects",
    "asking",
    "harness",
    "bases",
    "injection",
    "sweeps",
    "studies",
    "reports",
    "commands",
    "cli",
]
FRONT_DOORS = ("__init__", "__main__")
"""`bothways` itself and `python -m bothways`: they stand right of every room."""
WALL_CLOCKS = {"time", "perf_counter", "perf_counter_ns", "time_ns", "monotonic", "monotonic_ns"}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def by_file(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def complaints(paths: Iterable[Path], about: Callable[[Path], list[str]]) -> dict[str, list[str]]:
    """Ask `about` for what is wrong with each file, and keep the files it complains about."""
    return {by_file(path): found for path in paths if (found := about(path))}


def rooms_imported(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the room of every import of the package, also of those inside functions."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{by_file(path)}:{node.lineno} imports relatively. Write bothways.<room>."
            whole = node.module == "bothways"
            targets = [f"bothways.{alias.name}" for alias in node.names] if whole else [node.module or ""]
        else:
            continue
        for target in targets:
            if target.split(".")[0] == "bothways":
                yield node.lineno, [*target.split("."), "__init__"][1]


def imports_from_the_right(path: Path) -> list[str]:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    order = {name: place for place, name in enumerate([*ROOMS, *FRONT_DOORS])}
    if room not in order:
        return [f"{room} is no room of DESIGN's order; add it to ROOMS where it belongs"]
    return [f"line {line}: {other}" for line, other in rooms_imported(path) if order.get(other, 99) > order[room]]


def test_a_room_imports_only_itself_and_what_stands_left_of_it() -> None:
    assert {} == complaints(MODULES, imports_from_the_right)


def test_the_init_file_of_a_room_is_empty() -> None:
    """A re-export pulls everything in, and small files then do not make short reading."""
    rooms = [path for path in MODULES if path.name == "__init__.py" and path.parent != PACKAGE]
    assert [] == [by_file(path) for path in rooms if path.read_text(encoding="utf-8").strip()]


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without `__init__.py` still imports from a checkout, but drops out of tools that look for packages."""
    folders = {path.parent for path in MODULES}
    assert [] == sorted(by_file(folder) for folder in folders if not (folder / "__init__.py").exists())


def test_every_public_name_of_the_package_resolves() -> None:
    """`bothways.<name>` is there for each name the package says it has."""
    import bothways

    assert [] == [name for name in getattr(bothways, "__all__", ()) if not hasattr(bothways, name)]


@pytest.mark.parametrize(
    "code",
    [
        "import bothways",
        "import bothways.cli",
        "import runpy; sys.argv = ['bothways', '--help']; runpy.run_module('bothways', run_name='__main__')",
    ],
    ids=["bothways", "cli", "help"],
)
def test_torch_is_not_imported_before_it_is_needed(code: str) -> None:
    """A second of import time is too much for `--help` and for a misspelled name."""
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
    script += "print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert 0 == result.returncode, result.stderr
    assert "False" == result.stdout.splitlines()[-1]


def unsafe(node: ast.AST) -> str | None:
    """Say what is unsafe about a node: code or pickles from a file, the network's code, a shell."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        found = {module.split(".")[0] for module in modules} & {"pickle", "cPickle", "dill", "marshal", "shelve"}
        return f"imports {found}" if found else None
    if not isinstance(node, ast.Call):
        return None
    called = ast.unparse(node.func)
    options = {option.arg: ast.unparse(option.value) for option in node.keywords}
    if called in {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system"}:
        return f"calls {called}"
    if called == "torch.load" and options.get("weights_only") != "True":
        return "calls torch.load without weights_only=True"
    if called.endswith(("read_pickle", "to_pickle")):
        return f"calls {called}"
    forbidden = {"trust_remote_code": "True", "allow_pickle": "True", "shell": "True"}
    return next((f"passes {name}=True" for name, value in forbidden.items() if options.get(name) == value), None)


def unsafe_lines(path: Path) -> list[str]:
    return [f"line {getattr(node, 'lineno', 0)}: {what}" for node in ast.walk(parse(path)) if (what := unsafe(node))]


def test_no_file_is_trusted_with_code() -> None:
    """Nothing unpickles, evaluates or runs what a file, a model or the network brings."""
    assert {} == complaints(MODULES, unsafe_lines)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import pickle", "imports {'pickle'}"),
        ("from pickle import loads", "imports {'pickle'}"),
        ("torch.load(path)", "calls torch.load without weights_only=True"),
        ("torch.load(path, weights_only=False)", "calls torch.load without weights_only=True"),
        ("torch.load(path, weights_only=True)", None),
        ("yaml.load(text)", "calls yaml.load"),
        ("yaml.safe_load(text)", None),
        ("AutoModel.from_pretrained(name, trust_remote_code=True)", "passes trust_remote_code=True"),
        ("model.eval()", None),
        ("eval(text)", "calls eval"),
        ("exec(text)", "calls exec"),
    ],
)
def test_the_unsafe_habits_are_recognised(code: str, expected: str | None) -> None:
    assert expected == next((what for node in ast.walk(ast.parse(code)) if (what := unsafe(node))), None)


def public_without_docstring(path: Path) -> list[str]:
    """Name the public functions, classes and methods that say nothing about themselves."""
    missing = []
    scopes: list[tuple[str, ast.Module | ast.ClassDef]] = [("", parse(path))]
    while scopes:
        prefix, scope = scopes.pop()
        for node in scope.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name[0] == "_":
                continue
            if ast.get_docstring(node) is None:
                missing.append(f"line {node.lineno}: {prefix}{node.name}")
            if isinstance(node, ast.ClassDef):
                scopes.append((f"{node.name}.", node))
    return missing


def test_public_functions_and_classes_say_what_they_are() -> None:
    assert {} == complaints(MODULES, public_without_docstring)


def future_imports(path: Path) -> list[str]:
    nodes = [node for node in ast.walk(parse(path)) if isinstance(node, ast.ImportFrom)]
    return [f"line {node.lineno}" for node in nodes if node.module == "__future__"]


def test_shape_checks_are_not_switched_off() -> None:
    """`from __future__ import annotations` turns annotations into text, which nothing checks."""
    assert {} == complaints(MODULES, future_imports)


def reads_wall_clock(node: ast.AST) -> bool:
    calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    return any(
        (isinstance(func, ast.Attribute) and func.attr in WALL_CLOCKS and ast.unparse(func.value) == "time")
        or (isinstance(func, ast.Name) and func.id in WALL_CLOCKS - {"time"})
        for func in calls
    )


def wall_time_assertions(tree: ast.Module) -> list[int]:
    """Return the lines of assertions about wall time, read in them or in a name they mention."""
    timed: set[str] = set()
    for _ in range(2):  # a difference of two readings is two assignments away from the clock
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and (reads_wall_clock(node.value) or timed & names_in(node.value)):
                timed |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    asserts = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    return [node.lineno for node in asserts if reads_wall_clock(node.test) or timed & names_in(node.test)]


def names_in(node: ast.AST) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def test_no_test_asserts_wall_time() -> None:
    """The same test took 2 s on a quiet machine and 72 s on a busy one."""
    assert {} == complaints(TESTS, lambda path: [f"line {line}" for line in wall_time_assertions(parse(path))])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("assert time.time() < 5", [1]),
        ("start = perf_counter()\ntook = perf_counter() - start\nassert took < 5", [3]),
        ("start = time.monotonic()\nassert result == 5", []),
        ("assert row.time() == 5", []),
    ],
)
def test_assertions_about_wall_time_are_recognised(code: str, expected: list[int]) -> None:
    assert expected == wall_time_assertions(ast.parse(code))
