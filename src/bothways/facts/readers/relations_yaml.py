"""Read `relations.yaml`: what relations are to each other and how they are said.

    mother:
      head_first: "{head}'s mother is {tail}"
      tail_first: ["{tail}'s child is {head}", "{tail} gave birth to {head}"]
      questions:
        asks_tail: "Who is {head}'s mother?"
        asks_head: ["Who is {tail}'s child?", "Whom did {tail} give birth to?"]
    teacher: {inverse: student}
    spouse: {symmetric: true}

The file is walked as YAML's own nodes, so no Python object is ever built from it and a relation may be called
`no` or `1990`. Anchors and aliases are refused: a few lines of them can stand for gigabytes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import yaml

from bothways.errors import FactsError
from bothways.facts.algebra import check_relation
from bothways.facts.clean import tidy
from bothways.facts.readers.lines import cut, read_text, short, show_path
from bothways.registry import unknown
from bothways.types import Relation

MAX_BYTES = 1024**2
"""Largest relations.yaml, in bytes."""
MAX_DEPTH = 4
"""Relations, their keys, the sides that questions ask for, and a list of templates."""
KEYS = ("inverse", "symmetric", "head_first", "tail_first", "questions")
ASKED = ("asks_tail", "asks_head")
"""What stands under `questions`."""
LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser where it is there: the one in Python needs a quarter of a minute for a megabyte."""
TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_relations(path: Path) -> dict[str, Relation]:
    """Return the relations that a file describes, each checked by itself.

    Args:
        path: the file, as the user gave it.

    Raises:
        FactsError: it is no such file, or what it says of a relation cannot be; the message names the line.
    """
    file = show_path(path)
    root = _compose(read_text(path, MAX_BYTES), file)
    if root is None or _is_null(root):
        return {}
    relations: dict[str, Relation] = {}
    for name, place, node in _entries(root, file, "relations.yaml"):
        fields = {} if _is_null(node) else {key: (at, value) for key, at, value in _entries(node, file, name)}
        _refuse_unknown(fields, KEYS)
        asked = _asked(fields["questions"], file, name) if "questions" in fields else {}
        relation = Relation(
            name=name,
            inverse=_name(fields["inverse"]) if "inverse" in fields else None,
            symmetric=_truth(fields["symmetric"]) if "symmetric" in fields else False,
            head_first=_templates(fields["head_first"]) if "head_first" in fields else (),
            tail_first=_templates(fields["tail_first"]) if "tail_first" in fields else (),
            **asked,
        )
        check_relation(relation, place)
        relations[name] = relation
    return relations


Placed = tuple[str, yaml.Node]
"""Where a value stands, and the value."""


def _compose(text: str, file: str) -> yaml.Node | None:
    """Parse a YAML document into nodes, after a look at its events for what could blow it up."""
    depth = 0
    try:
        for event in cast("Iterator[yaml.Event]", yaml.parse(text, Loader=LOADER)):  # pyright: ignore[reportUnknownMemberType]
            where = f"{file}, line {event.start_mark.line + 1}"
            if getattr(event, "anchor", None) is not None:
                raise FactsError(f"{where}: an anchor or alias (& or *) is refused. Write the text out.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise FactsError(f"{where}: nested too deeply. Write relation, key and value.")
        return cast("yaml.Node | None", yaml.compose(text, Loader=LOADER))  # pyright: ignore[reportUnknownMemberType]
    except FactsError:  # a ValueError too
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise FactsError(f"{file}{line}: not YAML ({error.problem or error.context}). Correct it.") from None
    except (yaml.YAMLError, ValueError, IndexError) as error:  # IndexError: "%" or "!" at the very end
        raise FactsError(f"{file}: not YAML ({short(str(error))}). Correct it.") from None


def _entries(node: yaml.Node, file: str, what: str) -> Iterator[tuple[str, str, yaml.Node]]:
    """Yield key, place and value of a mapping; a key that comes twice is refused."""
    if not isinstance(node, yaml.MappingNode) or node.tag != "tag:yaml.org,2002:map":
        raise FactsError(f"{_where(node, file)}: {short(what)} must hold names and values. Write `name: value`.")
    seen: set[str] = set()
    for key, value in node.value:
        place = _where(key, file)
        name = _name((place, key))
        if name in seen:
            raise FactsError(f"{place}: {short(name)} comes twice. Keep one.")
        seen.add(name)
        yield name, place, value


def _refuse_unknown(fields: Mapping[str, Placed], known: tuple[str, ...]) -> None:
    """Refuse a key that means nothing, and name the nearest that does."""
    for key, (at, _) in fields.items():
        if key not in known:
            raise FactsError(f"{at}: {unknown('key', cut(key), known)}")


def _asked(placed: Placed, file: str, name: str) -> dict[str, tuple[str, ...]]:
    """Return the questions in words of a relation, by what they ask for."""
    fields = {key: (at, value) for key, at, value in _entries(placed[1], file, f"questions of {name}")}
    _refuse_unknown(fields, ASKED)
    return {key: _templates(value) for key, value in fields.items()}


def _where(node: yaml.Node, file: str) -> str:
    return f"{file}, line {node.start_mark.line + 1}"


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _text(placed: Placed) -> str:
    """Return a scalar as it is written, whatever type YAML would make of it."""
    place, node = placed
    if not isinstance(node, yaml.ScalarNode) or not node.tag.startswith("tag:yaml.org,2002:"):
        raise FactsError(f"{place}: a text is needed here. Write it in quotes.")
    return node.value


def _name(placed: Placed) -> str:
    name = tidy(_text(placed))
    if not name.isprintable() or not name:
        raise FactsError(f"{placed[0]}: {short(name)} is no name. Correct it.")
    return name


def _truth(placed: Placed) -> bool:
    word = _text(placed)
    if word.lower() not in TRUTH:
        raise FactsError(f"{placed[0]}: symmetric must be true or false, got {short(word)}. Correct it.")
    return TRUTH[word.lower()]


def _templates(placed: Placed) -> tuple[str, ...]:
    place, node = placed
    is_list = isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq"
    nodes = node.value if is_list else [node]
    return tuple(dict.fromkeys(tidy(_text((place, each))) for each in nodes))


def dump_relations(relations: Mapping[str, Relation]) -> str:
    """Return the text of a relations.yaml that `read_relations` reads back.

    >>> print(dump_relations({"teacher": Relation("teacher", inverse="student")}), end="")
    teacher:
      inverse: student
    """
    described = {relation.name: _described(relation) for relation in relations.values()}
    return yaml.safe_dump(described, allow_unicode=True, sort_keys=False, width=1000)


def _described(relation: Relation) -> dict[str, object]:
    """Return what a file must say of a relation."""
    said, asked = (
        {key: _plain(value) for key in keys if (value := getattr(relation, key))} for keys in (KEYS[:-1], ASKED)
    )
    return {**said, **({"questions": asked} if asked else {})}


def _plain(value: object) -> object:
    """Return a tuple as a fresh list: YAML would write one list used twice as an anchor and an alias."""
    return list(value) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
