"""What the pages say is true: links lead somewhere, paths exist, examples run, skips are listed."""

import ast
import contextlib
import io
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if path.exists()]
QUARANTINES = ROOT / "tests" / "QUARANTINES.md"
FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"\.?[\w-]+(/[\w.-]+)*(/|\.(py|md|toml|yaml|yml|txt|cff|cfg|html|css))")
FOLDERS = ("src/", "tests/", "docs/", "bench/", ".ci/")
PLACES = (".", "src/bothways", "docs")
WRITTEN_BY_A_RUN = {"runs/", "facts/", "out/", "figures/", "model/"}
SKIPS = {"skip", "skipif", "xfail", "importorskip"}
SLOW_PAGES = {"docs/tutorial.md", "docs/how-to/explain_a_model.md"}
"""Pages whose examples train models, or draw them, for longer than a fast test may take."""


class Block(NamedTuple):
    """A fenced block of a page: the words after the fence, and what stands in it."""

    line: int
    language: str
    file: str
    text: str


def by_page(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page; "```csv facts.csv" is the content of a file of that name."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        language, _, file = match[2].strip().partition(" ")
        indent = len(match[1])
        body = "".join(line[indent:] if line.strip() else line for line in match[3].splitlines(keepends=True))
        found.append(Block(text.count("\n", 0, match.start()) + 1, language, file.strip(), body))
    return found


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def test_there_is_a_readme() -> None:
    assert (ROOT / "README.md").exists()


@pytest.mark.parametrize("page", PAGES, ids=by_page)
def test_relative_links_lead_somewhere(page: Path) -> None:
    targets = [target.split("#")[0] for target in LINK.findall(prose(page)) if "://" not in target]
    relative = [target for target in targets if target and not target.startswith("mailto:")]
    assert [] == [target for target in relative if not (page.parent / target).exists()]


def looks_like_ours(words: str) -> bool:
    """Whether words in backticks are meant as a path of this repository."""
    if not PATH.fullmatch(words) or words in WRITTEN_BY_A_RUN:
        return False
    return words.startswith(FOLDERS) or ("/" in words.rstrip("/") and words.endswith((".py", ".md")))


@pytest.mark.parametrize("page", PAGES, ids=by_page)
def test_paths_in_backticks_exist(page: Path) -> None:
    """A path may be given from the root, from the package, or from the page's own folder."""
    named = {words for words in CODE.findall(prose(page)) if looks_like_ours(words)}
    places = [page.parent, *(ROOT / place for place in PLACES)]
    assert set() == {path for path in named if not any((place / path).exists() for place in places)}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("src/bothways/types.py", True),
        ("docs/how-to/", True),
        ("facts/templates.py", True),
        ("src/bothways/objectives/<name>.py", False),
        ("facts.csv", False),
        ("runs/", False),
        ("1/t", False),
        ("make test", False),
    ],
)
def test_paths_are_told_from_other_words(words: str, expected: bool) -> None:
    assert expected == looks_like_ours(words)


def run_examples(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a page from top to bottom in an empty folder: files are written, Python is executed."""
    monkeypatch.chdir(folder)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.file:
            (folder / Path(block.file).name).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            padding = "\n" * block.line  # so that a traceback shows the line of the page
            exec(compile(padding + block.text, page, "exec", dont_inherit=True), names)


WITH_PYTHON = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]


@pytest.mark.parametrize("page", [page for page in WITH_PYTHON if by_page(page) not in SLOW_PAGES], ids=by_page)
def test_python_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_examples(page, tmp_path, monkeypatch)


@pytest.mark.slow
def test_python_examples_that_train_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for page in WITH_PYTHON:
        if by_page(page) in SLOW_PAGES:
            run_examples(page, tmp_path, monkeypatch)


def commands(page: Path) -> list[tuple[int, list[str]]]:
    """Return the `bothways ...` command lines of a page's shell blocks, with their line numbers."""
    found = []
    for block in blocks(page):
        if block.language not in {"bash", "sh", "console", "shell"}:
            continue
        joined = block.text.replace("\\\n", "")
        for number, line in enumerate(joined.splitlines(), start=block.line + 1):
            for command in re.split(r"\s(?:;|&&|\|\|?)\s", line.removeprefix("$ ").strip()):
                if re.match(r"(\.venv/bin/)?bothways\s", command) and "..." not in command and "…" not in command:
                    found.append((number, shlex.split(command, comments=True)[1:]))
    return found


def do_nothing(command: Any) -> Any:
    """Let a command and its sub-commands parse what they are given and do nothing with it."""
    command.callback = lambda *_, **__: None
    for below in getattr(command, "commands", {}).values():
        do_nothing(below)
    return command


def complaint_of_the_parser(app: Any, arguments: list[str]) -> str | None:
    """Parse a command line as the program would, run nothing, and return what it says of a mistake."""
    import typer

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            do_nothing(typer.main.get_command(app)).main(arguments, prog_name="bothways")
    except SystemExit as stop:
        return said.getvalue() or f"exit {stop.code}" if stop.code else None
    return None


@pytest.mark.parametrize(
    ("words", "understood"),
    [
        ("train facts.csv --seeds 3", True),
        ("data make family -o facts.jsonl", True),
        ("data make --help", True),
        ("train facts.csv --seed 3", False),
        ("train facts.csv --seeds three", False),
        ("train", False),
        ("trainn facts.csv", False),
        ("data mak family", False),
    ],
)
def test_mistakes_in_a_command_line_are_recognised(words: str, understood: bool) -> None:
    import typer

    app, data = typer.Typer(), typer.Typer()
    app.add_typer(data, name="data")

    @app.command()
    def train(facts: str, seeds: int = 5) -> None:
        raise AssertionError("it ran")

    @data.command()
    def make(world: str, out: str = typer.Option("", "-o")) -> None:
        raise AssertionError("it ran")

    @data.command()
    def check(facts: str) -> None:
        raise AssertionError("it ran")

    assert understood == (complaint_of_the_parser(app, words.split()) is None)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=by_page)
def test_shell_examples_are_understood_by_the_program(page: Path) -> None:
    from bothways.cli import app

    wrong = {f"line {line}: {' '.join(words)}": complaint_of_the_parser(app, words) for line, words in commands(page)}
    assert {} == {line: complaint for line, complaint in wrong.items() if complaint}


def skips(tree: ast.Module) -> set[str]:
    """Return the functions that skip or expect failure, "" for the module; a decorator counts for its function."""
    found = set()

    def walk(node: ast.AST, inside: str) -> None:
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if isinstance(child, ast.Attribute) and child.attr in SKIPS:
                found.add(inside)
            walk(child, child.name if named else inside)

    walk(tree, "")
    return found


def test_every_skip_is_listed_with_a_reason_and_every_listed_skip_exists() -> None:
    rows = [row.split("|") for row in QUARANTINES.read_text(encoding="utf-8").splitlines() if row.startswith("| `")]
    listed = {row[1].strip().strip("`"): row[2].strip() for row in rows}
    in_code = {
        f"{by_page(path)}::{function}"
        for path in (ROOT / "tests").rglob("*.py")
        for function in skips(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert in_code == set(listed)
    assert all(listed.values()), "a row of tests/QUARANTINES.md gives no reason"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pytestmark = pytest.mark.skipif(True, reason='module')", {""}),
        ("@pytest.mark.xfail\ndef test_one(): ...", {"test_one"}),
        ("def test_two():\n    pytest.skip('why')", {"test_two"}),
        ("def test_three():\n    assert 'skip' in words", set()),
    ],
)
def test_skips_are_recognised(code: str, expected: set[str]) -> None:
    assert expected == skips(ast.parse(code))
