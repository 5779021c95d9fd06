"""Write facts to a file that `read_facts` reads back: the counterpart of the readers.

Relations are described in a `relations.yaml` beside the file only where their names do not say enough. Files are
written aside and put in place whole.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from rdflib import RDF

from bothways.disk import write_text
from bothways.errors import FactsError
from bothways.facts.algebra import settle
from bothways.facts.clean import Rows
from bothways.facts.read import RELATIONS
from bothways.facts.readers.lines import short, show_path
from bothways.facts.readers.rdf import ALIAS, OWN, STATED
from bothways.facts.readers.relations_yaml import dump_relations
from bothways.facts.readers.table import join_aliases
from bothways.facts.templates import fill_templates
from bothways.registry import REGISTRY
from bothways.types import Fact, FactSet, Relation


def write_facts(facts: FactSet, path: str | Path) -> Path:
    """Write facts in the format that the suffix names, and what their names do not say of relations beside it.

    White space inside names becomes single spaces, as reading would make it. A file that is there is replaced;
    a `relations.yaml` that describes the facts of other files in the folder is not.

    Args:
        facts: what to write.
        path: ends in .csv, .tsv, .txt, .jsonl, .nt or .ttl.

    Returns:
        The path of the facts file.

    Raises:
        FactsError: the suffix is unknown, a name or template cannot be written, or the folder cannot be written to.
    """
    target = Path(path)
    write = WRITERS.get(target.suffix.lower())
    if write is None:
        raise FactsError(
            f"{show_path(target)}: facts are not written to {short(target.suffix)}. "
            f"Known: {', '.join(WRITERS)}. Choose one of them."
        )
    rows = Rows(show_path(target))
    for number, fact in enumerate(facts.facts, start=1):
        rows.add(number, fact.head, fact.relation, fact.tail, fact.stated, fact.aliases)
    clean = [row.fact for row in rows.reading().rows]
    description = _describe(facts.relations, clean, show_path(target))
    beside = target.parent / RELATIONS
    try:
        _free_relations(beside, description, target)
        if description:
            write_text(beside, description)
        write_text(target, write(clean))
        if not description:
            beside.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        if isinstance(error, FactsError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise FactsError(f"{show_path(target)} cannot be written: {reason}. Check its folder.") from None
    return target


def _describe(relations: Mapping[str, Relation], facts: Sequence[Fact], where: str) -> str:
    """Return the text of the relations.yaml that these facts need, or nothing if reading would guess as much."""
    used = dict.fromkeys(fact.relation for fact in facts)
    settled = settle(used, _of_facts(relations, used), where)
    full = {name: fill_templates(relation, settled) for name, relation in settled.items()}
    plain = {name: fill_templates(Relation(name), {}) for name in settled}
    told = {name for name in full if full[name] != plain[name]}
    told |= {inverse for name in told if (inverse := full[name].inverse) is not None}
    return dump_relations({name: relation for name, relation in full.items() if name in told}) if told else ""


def _of_facts(relations: Mapping[str, Relation], used: Iterable[str]) -> dict[str, Relation]:
    """Return the relations of the facts and their inverses."""
    known = {name: relations[name] for name in used if name in relations}
    inverses = {r.inverse for r in known.values() if r.inverse is not None}
    return {**known, **{name: relations[name] for name in sorted(inverses) if name in relations}}


def _free_relations(beside: Path, description: str, target: Path) -> None:
    """Refuse to replace a relations.yaml that other facts in the folder may need."""
    if not beside.is_file() or (description and beside.read_bytes() == description.encode()):
        return
    others = [
        path.name
        for path in sorted(target.parent.iterdir())
        if path.suffix.lower() in REGISTRY["readers"] and path.name != target.name
    ]
    if others or not target.exists():
        owner = f"the relations of {show_path(Path(others[0]))}" if others else "other relations"
        raise FactsError(
            f"{show_path(beside)} describes {owner} and would change. Write the facts into a folder of their own."
        )


def _table(facts: Sequence[Fact]) -> list[list[str]]:
    """Return header and rows; `stated` and `aliases` are columns only where a fact has them."""
    stated, aliases = any(f.stated for f in facts), any(f.aliases for f in facts)
    header = ["head", "relation", "tail", *["stated"] * stated, *["aliases"] * aliases]
    rows = [
        [f.head, f.relation, f.tail, *[f.stated or ""] * stated, *[join_aliases(f.aliases)] * aliases] for f in facts
    ]
    return [header, *rows]


def _csv(facts: Sequence[Fact]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(_table(facts))
    return text.getvalue()


def _tsv(facts: Sequence[Fact]) -> str:
    return "".join("\t".join(fields) + "\n" for fields in _table(facts))


def _jsonl(facts: Sequence[Fact]) -> str:
    return "".join(json.dumps(_object(fact), ensure_ascii=False) + "\n" for fact in facts)


def _object(fact: Fact) -> dict[str, object]:
    """Return a fact as a JSON object without empty fields."""
    found: dict[str, object] = {"head": fact.head, "relation": fact.relation, "tail": fact.tail}
    if fact.stated:
        found["stated"] = fact.stated
    if fact.aliases:
        found["aliases"] = list(fact.aliases)
    return found


def _ntriples(facts: Sequence[Fact]) -> str:
    """Return N-Triples, which are Turtle too: a fact, and a node about it where RDF has no word for what it holds."""
    lines: list[str] = []
    for number, fact in enumerate(facts):
        about = (_iri("entity", fact.head), _iri("relation", fact.relation), _iri("entity", fact.tail))
        lines.append(" ".join(about))
        if fact.stated or fact.aliases:
            node = f"_:fact{number}"
            parts = zip((RDF.subject, RDF.predicate, RDF.object), about, strict=True)
            lines += [f"{node} <{part}> {value}" for part, value in parts]
            lines += [f'{node} <{STATED}> "{fact.stated}"'] if fact.stated else []
            lines += [f"{node} <{ALIAS}> {_literal(alias)}" for alias in fact.aliases]
    return "".join(f"{line} .\n" for line in lines)


def _iri(kind: str, name: str) -> str:
    """Return an IRI whose last part reads back as the name: what IRIs cannot hold is percent-encoded."""
    last = quote(name, safe="").replace("_", "%5F").replace(".", "%2E")
    return f"<{OWN}{kind}/{last}>"


def _literal(text: str) -> str:
    """Return a quoted text; there are no line breaks in a tidy name."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


WRITERS: Mapping[str, Callable[[Sequence[Fact]], str]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".txt": _tsv,
    ".jsonl": _jsonl,
    ".nt": _ntriples,
    ".ttl": _ntriples,
}
