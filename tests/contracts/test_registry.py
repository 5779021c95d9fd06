"""What every registered name promises; a new line in the registry is tested from then on by itself."""

import ast
import dataclasses
import inspect
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
PAPERS = ROOT / "docs" / "papers.md"
GLOSSARY = ROOT / "docs" / "glossary.md"
CITED = re.compile(r"arXiv\s+(\d{4}\.\d{4,5})\b")
LISTED = re.compile(r"\[(\d{4}\.\d{4,5})\]")


def registered(*rooms: str) -> list[tuple[str, str]]:
    """Return (room, name) of everything registered, in some rooms or in all."""
    from bothways.registry import REGISTRY

    return [(room, name) for room in rooms or REGISTRY for name in REGISTRY[room]]


COMPONENTS = pytest.mark.parametrize(
    ("room", "name"), registered("facts", "objectives", "mitigations", "probes", "executors")
)
CITING = pytest.mark.parametrize(("room", "name"), registered("objectives", "mitigations", "probes"))


def find(room: str, name: str):
    from bothways.registry import lookup

    return lookup(room, name)


def is_written(cls: type) -> bool:
    """Whether the docstring was written by someone: a dataclass without one is given its signature."""
    return bool(cls.__doc__) and not cls.__doc__.startswith(f"{cls.__name__}(")


@pytest.mark.parametrize(("room", "name"), registered())
def test_a_registered_name_resolves_and_says_what_it_is(room: str, name: str) -> None:
    thing = find(room, name)
    assert callable(thing)
    assert is_written(thing), f"{thing.__name__} has no docstring"
    first_line = thing.__doc__.strip().splitlines()[0]
    assert first_line.endswith((".", ":", "?")) or ":" in first_line, f"not a sentence: {first_line!r}"


@COMPONENTS
def test_a_component_is_one_file_named_after_it(room: str, name: str) -> None:
    assert name == find(room, name).__module__.split(".")[-1]


@COMPONENTS
def test_a_component_is_a_frozen_dataclass_without_obligatory_options(room: str, name: str) -> None:
    """It can be named without options, compared, and never changes under a reader's hands."""
    cls = find(room, name)
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen, f"{cls.__name__} is not frozen"
    assert cls() == cls()


@COMPONENTS
def test_a_component_is_final(room: str, name: str) -> None:
    """Classes are abstract or final: whatever stands above a component is abstract."""
    above = [base for base in find(room, name).__mro__[1:] if base.__module__.startswith("bothways")]
    assert above, f"{name} inherits from no abstract class of {room}"
    assert [] == [base.__name__ for base in above if not inspect.isabstract(base)]


@COMPONENTS
def test_a_component_survives_json(room: str, name: str) -> None:
    """What a run folder keeps of a component is enough to make it again."""
    from bothways.config import from_plain, to_plain

    component = find(room, name)()
    assert component == from_plain(json.loads(json.dumps(to_plain(component))))
    json.dumps(dataclasses.asdict(component))


@COMPONENTS
def test_every_option_of_a_component_is_explained(room: str, name: str) -> None:
    """A string under each field says what it is, with its unit."""
    cls = find(room, name)
    body = ast.parse(inspect.getsource(cls)).body[0].body
    unexplained = [
        field.target.id
        for field, below in zip(body, [*body[1:], ast.Pass()], strict=True)
        if isinstance(field, ast.AnnAssign)
        and not ast.unparse(field.annotation).startswith("ClassVar")
        and not (isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant))
    ]
    assert [] == unexplained


@CITING
def test_a_component_names_its_source(room: str, name: str) -> None:
    cls = find(room, name)
    words = f"{cls.__doc__}\n{inspect.getmodule(cls).__doc__}"
    assert "Source:" in words, f"{cls.__name__} has no 'Source:' in its docstring or its module's"


@CITING
def test_a_component_is_in_the_papers_page_or_the_glossary(room: str, name: str) -> None:
    cls = find(room, name)
    cited = set(CITED.findall(f"{cls.__doc__}\n{inspect.getmodule(cls).__doc__}"))
    pages = PAPERS.read_text(encoding="utf-8") if cited else PAPERS.read_text("utf-8") + GLOSSARY.read_text("utf-8")
    assert f"`{name}`" in pages


def test_the_papers_page_lists_exactly_the_papers_that_the_code_cites() -> None:
    in_code = {id for path in (ROOT / "src").rglob("*.py") for id in CITED.findall(path.read_text(encoding="utf-8"))}
    assert in_code == set(LISTED.findall(PAPERS.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("room", "name"), registered("objectives"))
def test_every_objective_has_a_golden_loss_curve(room: str, name: str) -> None:
    golden = GOLDEN / f"{name}.json"
    assert golden.exists(), f"write tests/golden/{name}.json: 20 losses of a tiny run with {room[:-1]} {name}"
    json.loads(golden.read_text(encoding="utf-8"))


def test_every_golden_file_belongs_to_an_objective() -> None:
    names = {name for _, name in registered("objectives")}
    assert set() == {path.stem for path in GOLDEN.glob("*.json")} - names


@COMPONENTS
def test_a_misspelled_name_is_answered_with_the_nearest(room: str, name: str) -> None:
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=rf"^Unknown \w+ '{name}x'\. Did you mean '{name}'\? Known: "):
        find(room, f"{name}x")


def test_a_component_may_not_come_from_outside_the_package() -> None:
    """A run folder is data: it cannot name a class of some other module and have it made."""
    from bothways.config import from_plain
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match="no component of bothways"):
        from_plain({"is": "subprocess:Popen", "args": ["true"]})
