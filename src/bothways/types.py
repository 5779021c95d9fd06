"""What passes between the rooms: facts, exam, documents, batches, losses, scores, findings.

Axis letters, one alphabet for the whole project; a tensor's name ends in its axes:
    B rows of a batch      L tokens in a row      V vocabulary        D residual width
    H attention heads      K channels of a head   N any flat count    F facts       C candidates

Words: `head_first` and `tail_first` say which entity of a fact a sentence names first. A question is
`forward` when it asks for the entity its fact names last (the stated order), `reverse` otherwise.
"""

import abc
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas

Order = Literal["head_first", "tail_first", "both", "never"]
Asks = Literal["head", "tail"]
Kind = Literal["forward", "reverse_tested", "reverse_partner", "reverse_stated", "implied", "flip"]
Split = Literal["dev", "test"]

SCHEMA = 1
"""Version of every JSON file the project writes."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One triple. `stated` says in which order training names it; None leaves that to the exam.

    `never` marks a true fact that no text states, though others, or its own question, imply it: the exam asks it.
    """

    head: str
    relation: str
    tail: str
    stated: Order | None = None
    aliases: tuple[str, ...] = ()
    """Other spellings of the tail that count as the same answer."""

    @property
    def pair(self) -> frozenset[str]:
        """The two entities, in no order."""
        return frozenset((self.head, self.tail))


@dataclass(frozen=True, slots=True)
class Relation:
    """What is known of a relation: its algebra and how it is said.

    A template holds `{head}` and `{tail}` once each, in the order its field names. Empty templates
    are filled from the relation's name (`facts/templates.py`).
    """

    name: str
    inverse: str | None = None
    symmetric: bool = False
    head_first: tuple[str, ...] = ()
    tail_first: tuple[str, ...] = ()
    asks_tail: tuple[str, ...] = ()
    """Questions in words for the tail, each with `{head}` once; empty ones are made from the templates."""
    asks_head: tuple[str, ...] = ()
    """Questions in words for the head, each with `{tail}` once."""


@dataclass(frozen=True, slots=True)
class FactSet:
    """Facts and their relations, with where they came from and what was noticed while reading."""

    name: str
    facts: tuple[Fact, ...]
    relations: Mapping[str, Relation]
    source: str = ""
    """A file, a folder, or the world and seed that made them."""
    notices: tuple[str, ...] = ()
    """Sentences for the reader: merged duplicates, guessed templates."""

    @property
    def entities(self) -> tuple[str, ...]:
        """Every head and tail once, in order of first appearance."""
        return tuple(dict.fromkeys(name for fact in self.facts for name in (fact.head, fact.tail)))

    @property
    def hash(self) -> str:
        """A digest of facts and relations, whatever file they came from."""
        return digest(
            {
                "facts": [asdict(f) for f in self.facts],
                "relations": {name: relation_to_json(relation) for name, relation in self.relations.items()},
            }
        )

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per fact."""
        import pandas

        return pandas.DataFrame(
            [asdict(fact) for fact in self.facts], columns=["head", "relation", "tail", "stated", "aliases"]
        )


class FactSource(abc.ABC):
    """Where facts come from: a world that makes them, or a file that holds them."""

    @abc.abstractmethod
    def make(self, seed: int) -> FactSet:
        """Return the facts; the same seed gives the same facts, and a file ignores it."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question of an exam: complete `prompt` with `answer`.

    `kind` is the headline it counts for. `implied` asks a fact that is never stated, in either order. A `flip`
    repeats a reverse question under another relation and hopes *not* to hear the partner, which its `answer` then
    holds.
    """

    prompt: str
    """Text up to where the answer starts, without a trailing space."""
    cue: "Span"
    """Where the given entity stands in the prompt."""
    answer: str
    aliases: tuple[str, ...]
    other_truths: tuple[str, ...]
    """Every other true answer to the same prompt; they never count against a rank."""
    candidates: str
    """Name of a pool in `Exam.candidates`."""
    fact: int
    """Index into `Exam.facts.facts`."""
    asks: Asks
    stated: bool
    """Whether the base text of every arm states the fact in this order."""
    kind: str
    """A `Kind`, or a task of a world of its own."""
    split: Split
    relation: str
    cluster: int
    """Queries of one cluster are resampled together by the bootstrap."""
    ends: str = ""
    """Text that follows the answer in the template, up to the end of the sentence."""
    of: int | None = None
    """For a flip: index of the reverse query it repeats."""


@dataclass(frozen=True)
class Exam:
    """What every arm of a comparison is asked, made once, before any arm exists.

    `facts` are the facts every arm may train on, each with its `stated` order settled, and those that are never
    stated and asked for that reason; `withheld`
    are facts no arm may read because they would give a tested answer away.
    """

    facts: FactSet
    queries: tuple[Query, ...]
    candidates: Mapping[str, tuple[str, ...]]
    withheld: tuple[Fact, ...]
    leak: str
    """Level of what still connects cue and answer: 'bridge' (nothing), 'connected', or 'mixed'."""
    notes: tuple[str, ...]
    """What cannot be tested, and why."""
    seed: int

    @cached_property
    def hash(self) -> str:
        """A digest of everything in the exam; made once, for every run asks for it."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """The exam as plain JSON types; what is true of a prompt is stored once, however many questions share it."""
        truths, rows = share_truths(self.queries)
        return {
            "schema": SCHEMA,
            "name": self.facts.name,
            "source": self.facts.source,
            "notices": list(self.facts.notices),
            "relations": {name: relation_to_json(relation) for name, relation in self.facts.relations.items()},
            "facts": [asdict(fact) for fact in self.facts.facts],
            "withheld": [asdict(fact) for fact in self.withheld],
            "candidates": {name: list(pool) for name, pool in self.candidates.items()},
            "truths": truths,
            "queries": rows,
            "leak": self.leak,
            "notes": list(self.notes),
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Exam":
        """Read back what `to_json` gave."""
        facts = FactSet(
            name=data["name"],
            facts=tuple(fact_from_json(row) for row in data["facts"]),
            relations={name: relation_from_json(row) for name, row in data["relations"].items()},
            source=data["source"],
            notices=tuple(data["notices"]),
        )
        queries = tuple(query_from_json(row, data.get("truths", ())) for row in data["queries"])
        return cls(
            facts=facts,
            queries=queries,
            candidates={name: tuple(pool) for name, pool in data["candidates"].items()},
            withheld=tuple(fact_from_json(row) for row in data["withheld"]),
            leak=data["leak"],
            notes=tuple(data["notes"]),
            seed=data["seed"],
        )


class ExamSource(abc.ABC):
    """What is asked of facts: how much of them is tested, and in which way."""

    max_candidates: int
    """Most candidates an answer is ranked among; 0 means all that could stand there."""

    @abc.abstractmethod
    def make(self, facts: FactSet, seed: int) -> Exam:
        """Return the exam of a seed; the same facts and seed give the same exam."""


def fact_from_json(row: Mapping[str, Any]) -> Fact:
    """Read one fact of an exam file."""
    fields: dict[str, Any] = {**row, "aliases": tuple(row["aliases"])}
    return Fact(**fields)


def relation_to_json(relation: Relation) -> dict[str, Any]:
    """Return a relation as plain data; questions in words are left out where it brings none.

    So what is written, and every hash, stays what it was before relations could bring them.
    """
    return {key: value for key, value in asdict(relation).items() if value or key not in ("asks_tail", "asks_head")}


def relation_from_json(row: Mapping[str, Any]) -> Relation:
    """Read one relation of an exam file."""
    lists = [key for key in ("head_first", "tail_first", "asks_tail", "asks_head") if key in row]
    fields: dict[str, Any] = {**row, **{key: tuple(row[key]) for key in lists}}
    return Relation(**fields)


def share_truths(queries: Iterable[Query]) -> tuple[list[list[str]], list[dict[str, Any]]]:
    """Return lists of true answers, and the questions' rows with the number of such a list as `other_truths`.

    The list also holds the question's own answer. Other truths that fit no list stay in their row.
    """
    truths: list[list[str]] = []
    number: dict[str, int] = {}
    rows: list[dict[str, Any]] = []
    for query in queries:
        row = asdict(replace(query, other_truths=()))
        row["other_truths"] = list(query.other_truths)
        if query.other_truths:
            if query.prompt not in number:
                number[query.prompt] = len(truths)
                truths.append(sorted((*query.other_truths, query.answer)))
            if tuple(other_than(query.answer, truths[number[query.prompt]])) == query.other_truths:
                row["other_truths"] = number[query.prompt]
        rows.append(row)
    return truths, rows


def other_than(answer: str, truths: Sequence[str]) -> list[str]:
    """Return the other true answers."""
    return [name for name in truths if name != answer]


def query_from_json(row: Mapping[str, Any], truths: Sequence[Sequence[str]] = ()) -> Query:
    """Read one question of an exam file; `truths` are the file's lists of true answers."""
    others = row["other_truths"]
    others = other_than(row["answer"], truths[others]) if isinstance(others, int) else others
    fields: dict[str, Any] = {**row, "cue": Span(**row["cue"]), "aliases": tuple(row["aliases"])}
    fields["other_truths"] = tuple(others)
    return Query(**fields)


def digest(data: Any) -> str:
    """Return 16 hex digits that change when any of the JSON-able `data` does."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of a text; `entity` names what stands there, if an entity does."""

    start: int
    end: int
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The token positions of a document, grouped in three ways, each in reading order.

    Each grouping holds every position of the document exactly once.
    """

    units: list[list[int]]
    """Units of meaning; an entity is one."""
    words: list[list[int]]
    """Plain words; an entity of several words is several."""
    entity_words: list[list[int]]
    """Words, except that an entity is one however many words it has."""

    @property
    def n_tokens(self) -> int:
        """How many tokens the document has."""
        return sum(len(word) for word in self.words)


class Rewrite(abc.ABC):
    """An order in which to read a document's tokens, drawn afresh at every visit."""

    @abc.abstractmethod
    def order(self, layout: Layout, random: "Any") -> list[int]:
        """Return the token positions in their new order, -1 where a delimiter goes between.

        Args:
            layout: which token positions form a unit, a word, an entity.
            random: a `numpy.random.Generator`, the only source of chance.
        """


@dataclass(frozen=True, slots=True)
class Document:
    """One training text. Its spans of entities and units are in characters."""

    text: str
    facts: tuple[int, ...]
    """Indices of the exam's facts it states."""
    order: Literal["head_first", "tail_first"] | None
    """Which entity comes first; None for text that states no fact."""
    entities: tuple[Span, ...]
    units: tuple[Span, ...] = ()
    """Units of meaning that cover the text, in order; empty means entities and what lies between."""
    rewrite: Rewrite | None = None
    plain: bool = False
    """Whether it is general text, around which no objective puts words of its own."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything a run reads, and a few sentences it never reads."""

    documents: Sequence[Document]
    held_out: tuple[Document, ...] = ()
    """Plain sentences no arm trains on; their words (not their entities) measure fluency."""
    tuning: Sequence[Document] = ()
    """What the last steps of training read instead, such as questions with their answers."""
    replay: tuple[Document, ...] = ()
    """General text that may be read along, so that a model keeps what it could."""


NONE = -1
"""Stands for a special token that a tokenizer does not have."""


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Ids with a meaning of their own, the same for every tokenizer of the project."""

    pad: int = 0
    begin: int = 1
    end: int = 2
    mask: int = 3
    unknown: int = 4
    delimiter: int = 5
    n: int = 6
    """How many ids are taken."""


@dataclass(frozen=True, slots=True)
class QueryScore:
    """How one model did on one query.

    `rank` counts from 1 among the filtered candidates, ties averaged; `log_prob` is in nats and
    covers the answer's tokens and the token that ends it.
    """

    query: int
    rank: float
    log_prob: float
    completion: str
    correct: bool
    """Rank 1, other truths set aside."""
    exact: bool
    """What the model wrote is the answer or an alias of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found in a model: a one-line summary, a table (list of rows), and its headline numbers."""

    probe: str
    summary: str
    table: tuple[Mapping[str, Any], ...] = field(default=())
    numbers: Mapping[str, float] = field(default_factory=dict[str, float])
    """The same few numbers by the same names from every model: what curves, sweeps and claims read."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What all probes found in one model, and why some could not look."""

    model: str
    """Its folder, as the user named it."""
    family: str
    """Its `model_type`, or the registered name of a shape of ours."""
    objective: str
    """The registered name of how it was asked."""
    causal: bool
    """Whether it was read left to right."""
    findings: Mapping[str, Finding]
    left_out: Mapping[str, str]
    """By probe, the sentence that says what the model does not show."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data; numbers that are none become None."""
        return {
            "model": self.model,
            "family": self.family,
            "objective": self.objective,
            "causal": self.causal,
            "probes": {name: finite(dict(one.numbers)) for name, one in self.findings.items()},
            "tables": {name: [finite(dict(row)) for row in one.table] for name, one in self.findings.items()},
            "left_out": dict(self.left_out),
        }


def finite(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of numbers and words, None for what is no number.

    >>> finite({"a": 1.0, "b": float("nan"), "c": "x"})
    {'a': 1.0, 'b': None, 'c': 'x'}
    """
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
