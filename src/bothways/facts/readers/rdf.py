"""RDF graphs: N-Triples, read line by line, and Turtle, read whole.

A thing is called by its rdfs:label or skos:prefLabel in the same file, else by the readable last part of its IRI; two
IRIs that would get one name keep their IRI beside it. Literals may be tails; blank nodes are numbered. Labels
and statements about the vocabulary (owl:inverseOf, owl:SymmetricProperty, classes of OWL and RDF) are not facts.
Nothing is ever fetched: the parsers get text, and no import or remote context is followed.

What RDF has no word for is said in our own vocabulary: a node with rdf:subject, rdf:predicate and rdf:object of a
fact, and `urn:bothways:stated` or `urn:bothways:alias` (`write.py` writes it).
"""

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from rdflib import BNode, Graph, Literal, URIRef
from rdflib.exceptions import Error as RdflibError
from rdflib.namespace import OWL, RDF, RDFS, SKOS
from rdflib.plugins.parsers.notation3 import BadSyntax
from rdflib.plugins.parsers.ntriples import W3CNTriplesParser
from rdflib.term import Node

from bothways.errors import FactsError
from bothways.facts.algebra import combine
from bothways.facts.clean import Reading, Rows, tidy
from bothways.facts.readers.lines import read_lines, read_text, short, show_path
from bothways.types import Relation

MAX_TURTLE = 256 * 1024**2
"""Largest Turtle file, in bytes: unlike N-Triples it has to be held whole."""
OWN = "urn:bothways:"
"""Namespace of what RDF has no word for; its last parts of IRIs are names."""
STATED, ALIAS = URIRef(f"{OWN}stated"), URIRef(f"{OWN}alias")
LABELS = (RDFS.label, SKOS.prefLabel)
STATEMENT = (RDF.subject, RDF.predicate, RDF.object)
VOCABULARIES = (str(OWL), str(RDF), str(RDFS))
IMPOSSIBLE = re.compile(r"\\U(?!000|0010)[0-9A-Fa-f]{8}")
"""An escape beyond Unicode, where rdflib raises a bare Exception, which cannot be caught by name."""
BROKEN = (
    RdflibError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
)
"""What rdflib raises on malformed text, as random bytes have shown."""


@dataclass(frozen=True, slots=True)
class Triple:
    """A statement and its line, 0 where the format does not tell."""

    subject: Node
    predicate: Node
    object: Node
    line: int


def read_ntriples(path: Path) -> Reading:
    """Read facts from an N-Triples file.

    Args:
        path: the file, as the user gave it.

    Raises:
        FactsError: a line is no triple; the message names it.
    """
    rows = Rows(show_path(path))
    triples: list[Triple] = []
    parser = W3CNTriplesParser(sink=_Sink(lambda s, p, o: triples.append(Triple(s, p, o, line))))  # pyright: ignore[reportArgumentType]
    with _quiet():
        for line, text in read_lines(path):  # `line` is read by the sink
            try:
                parser.line = text  # its own reading of lines takes the square of their length
                parser.parseline()
            except BROKEN:
                rows.refuse(line, f"not N-Triples: {short(text)}. Write <subject> <relation> <object> and a full stop.")
    return _facts(rows, triples)


def read_turtle(path: Path) -> Reading:
    """Read facts from a Turtle file.

    Args:
        path: the file, as the user gave it.

    Raises:
        FactsError: it is not Turtle; the message names the line.
    """
    rows = Rows(show_path(path))
    text = read_text(path, MAX_TURTLE)
    if impossible := IMPOSSIBLE.search(text):
        line = text.count("\n", 0, impossible.start()) + 1
        raise FactsError(f"{rows.file}, line {line}: not Turtle, {impossible[0]} is no character. Correct it.")
    recorder = _Recorder()
    try:
        with _quiet():
            # A base of our own: rdflib's would be the working folder, which is no part of the facts.
            recorder.parse(data=text, format="turtle", publicID="file:///")
    except BadSyntax as error:
        line = error.lines + 1
        shown = short(text.split("\n")[error.lines].strip()) if error.lines < text.count("\n") else "the end"
        raise FactsError(f"{rows.file}, line {line}: not Turtle, near {shown}. Correct it.") from None
    except BROKEN as error:
        raise FactsError(f"{rows.file}: not Turtle ({short(str(error))}). Correct it.") from None
    return _facts(rows, recorder.triples_seen)


class _Sink:
    """What rdflib's N-Triples parser hands its triples to."""

    def __init__(self, take: Callable[[Node, Node, Node], None]) -> None:
        self.triple = take


class _Recorder(Graph):
    """A graph that only notes what is added, in the order of the file: a store would forget it."""

    def __init__(self) -> None:
        super().__init__(bind_namespaces="none")
        self.triples_seen: list[Triple] = []

    def add(self, triple: Any) -> "_Recorder":
        """Note a triple."""
        subject, predicate, object = triple
        self.triples_seen.append(Triple(subject, predicate, object, 0))
        return self


@contextmanager
def _quiet() -> Generator[None]:
    """Keep rdflib from printing its thoughts on odd IRIs and literals."""
    logger = logging.getLogger("rdflib.term")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def _facts(rows: Rows, triples: Sequence[Triple]) -> Reading:
    """Turn statements into facts and relations."""
    for triple in triples:  # rdflib takes more for Turtle than Turtle is
        if not isinstance(triple.subject, URIRef | BNode) or not isinstance(triple.predicate, URIRef):
            rows.refuse(
                triple.line,
                f"not a statement about a thing: {short(f'{triple.subject} {triple.predicate}')}. Correct it.",
            )
    if rows.refused:
        raise rows.error()
    notes = _notes(triples)
    facts: list[Triple] = []
    vocabulary: list[Triple] = []
    for triple in triples:
        if triple.subject in notes or triple.predicate in LABELS:
            continue
        (vocabulary if _is_vocabulary(triple) else facts).append(triple)
    labels = _labels(triples)
    blank = f"of {Path(rows.file).name}"
    things = _names((node for t in facts for node in (t.subject, t.object)), labels, blank)
    relations = _names((node for t in (*facts, *vocabulary) for node in _relations_of(t)), labels, blank)
    more = {note.key: note for note in notes.values()}
    for triple in facts:
        note = more.get((triple.subject, triple.predicate, triple.object), _Note())
        tail = triple.object
        name = str(tail) if isinstance(tail, Literal) else things[tail]
        rows.add(triple.line, things[triple.subject], relations[triple.predicate], name, note.stated, note.aliases)
    notices = [f"{rows.file}: {len(vocabulary):,} statements about the vocabulary are not facts."] if vocabulary else []
    return rows.reading(_algebra(vocabulary, relations, rows.file), notices)


@dataclass
class _Note:
    """A node that says more about a fact."""

    parts: dict[Node, Node] = field(default_factory=dict[Node, Node])
    stated: str | None = None
    aliases: list[str] = field(default_factory=list[str])

    @property
    def key(self) -> tuple[Node | None, ...]:
        """The fact it is about."""
        return tuple(self.parts.get(part) for part in STATEMENT)


def _notes(triples: Iterable[Triple]) -> dict[Node, _Note]:
    """Collect the nodes that say in which order a fact is stated, or other spellings of its tail."""
    triples = list(triples)
    notes = {t.subject: _Note() for t in triples if t.predicate in (STATED, ALIAS)}
    for triple in triples if notes else ():
        note = notes.get(triple.subject)
        if note is None:
            continue
        if triple.predicate == STATED:
            note.stated = str(triple.object)
        elif triple.predicate == ALIAS:
            note.aliases.append(str(triple.object))
        else:
            note.parts[triple.predicate] = triple.object
    return notes


def _is_vocabulary(triple: Triple) -> bool:
    """Whether a statement is about the words of the graph rather than about its things."""
    if triple.predicate == OWL.inverseOf:
        return True
    return triple.predicate == RDF.type and str(triple.object).startswith(VOCABULARIES)


def _relations_of(triple: Triple) -> tuple[Node, ...]:
    """Return the relations a statement uses or speaks about."""
    if triple.predicate == OWL.inverseOf:
        return (triple.subject, triple.object)
    if triple.predicate == RDF.type and triple.object == OWL.SymmetricProperty:
        return (triple.subject,)
    return () if _is_vocabulary(triple) else (triple.predicate,)


def _algebra(vocabulary: Iterable[Triple], names: Mapping[Node, str], file: str) -> dict[str, Relation]:
    """Return what the graph declares of its relations; what it declares of unnamed ones says nothing to us."""
    declared: dict[str, Relation] = {}
    for triple in vocabulary:
        about = _relations_of(triple)
        if not about or not all(isinstance(node, URIRef) for node in about):
            continue
        name, *others = (tidy(names[node]) for node in about)
        relation = Relation(name, inverse=others[0]) if others else Relation(name, symmetric=True)
        declared[name] = combine(declared.get(name, Relation(name)), relation, file)
    return declared


def _labels(triples: Iterable[Triple]) -> dict[Node, str]:
    """Return the best label of each node: rdfs before skos, no language before English before the others."""
    found: dict[Node, tuple[int, int, str, str]] = {}
    for triple in triples:
        label = triple.object
        if triple.predicate not in LABELS or not isinstance(label, Literal) or not tidy(label):
            continue
        language = label.language or ""
        english = 0 if not language else 1 if language.lower().split("-")[0] == "en" else 2
        rank = (LABELS.index(triple.predicate), english, language, str(label))
        found[triple.subject] = min(found.get(triple.subject, rank), rank)
    return {node: rank[-1] for node, rank in found.items()}


def _names(nodes: Iterable[Node], labels: Mapping[Node, str], blank: str) -> dict[Node, str]:
    """Return a name for each node but literals: different nodes get different names."""
    wanted: dict[Node, str] = {}
    full: dict[Node, str] = {}
    n_blank = 0
    for node in nodes:
        if node in wanted or isinstance(node, Literal):
            continue
        n_blank += isinstance(node, BNode)
        full[node] = f"unnamed {n_blank} {blank}" if isinstance(node, BNode) else str(node)
        wanted[node] = labels.get(node) or (full[node] if isinstance(node, BNode) else readable(str(node)))
    sharing: dict[str, list[Node]] = defaultdict(list)
    for node, name in wanted.items():
        sharing[tidy(name)].append(node)
    return {node: name if len(sharing[tidy(name)]) == 1 else f"{name} <{full[node]}>" for node, name in wanted.items()}


def readable(iri: str) -> str:
    """Return the last part of an IRI as words.

    >>> readable("http://dbpedia.org/resource/Barack_Obama"), readable("http://example.org/terms#S%C3%A3o%20Tom%C3%A9")
    ('Barack Obama', 'São Tomé')
    """
    last = re.split(r"[/#]", iri.rstrip("/#"))[-1]
    if iri.startswith("urn:") and last == iri.rstrip("/#"):
        last = iri.rpartition(":")[2]
    try:
        name = unquote(last.replace("_", " "), errors="strict")
    except UnicodeDecodeError:
        name = last
    return name if tidy(name) else iri
