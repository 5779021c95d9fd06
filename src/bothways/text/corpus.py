"""From settled facts to training text: one document per fact, order and template."""

import abc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bothways.errors import BothwaysError
from bothways.facts.templates import render
from bothways.facts.wording import OneOrder, orders, templates_of
from bothways.types import Corpus, Document, Exam, Fact, FactSet, Span

N_HELD_OUT = 64
"""How many plain sentences are kept from every arm, to measure fluency."""


class TextEdit(abc.ABC):
    """A change to the training text: what a mitigation does before tokens exist."""

    @abc.abstractmethod
    def __call__(self, documents: tuple[Document, ...], exam: Exam, seed: int) -> tuple[Document, ...]:
        """Return the changed documents; `seed` is the only source of chance."""


class TextSource(abc.ABC):
    """Where the text of a run comes from, before any edit."""

    @abc.abstractmethod
    def write(self, exam: Exam, seed: int) -> Corpus:
        """Return the text about an exam's facts; `seed` is the only source of chance."""


@dataclass(frozen=True, kw_only=True)
class Statements(TextSource):
    """Every settled fact of the exam, in its stated order or orders, once per template."""

    def write(self, exam: Exam, seed: int) -> Corpus:
        """Return one document per fact, stated order and template; nothing is drawn."""
        return Corpus(statements(exam.facts), held_out(exam))


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """What is written, changed by each edit in turn."""

    source: TextSource = field(default_factory=Statements)
    """The exam's statements, or the text of a world of its own."""
    edits: tuple[TextEdit, ...] = ()
    """Applied in order; none for the base arms."""
    replay: TextSource | None = field(default=None, metadata={"quiet": True})
    """General text that is read along, as much of it as `batches.replay` says; never edited."""


def write_corpus(exam: Exam, config: TextConfig, seed: int) -> Corpus:
    """Write the text of a run, then apply the edits.

    Args:
        exam: facts with their orders settled; nothing else of it is read.
        config: where the text comes from, and the edits.
        seed: for what is drawn.

    Raises:
        BothwaysError: an edit cannot be applied to these facts, or to this text.
    """
    corpus = config.source.write(exam, seed)
    if config.replay is not None:
        told = config.replay.write(exam, seed).documents
        corpus = replace(corpus, replay=tuple(replace(document, plain=True) for document in told))
    if not config.edits:
        return corpus
    if not isinstance(corpus.documents, tuple):
        raise BothwaysError("This text is written as it is read and cannot be edited. Use an arm without a mitigation.")
    documents = corpus.documents
    for edit in config.edits:
        documents = edit(documents, exam, seed)
    return replace(corpus, documents=documents)


def statements(facts: FactSet) -> tuple[Document, ...]:
    """Return one document per fact, stated order and template."""
    return tuple(
        document
        for i, fact in enumerate(facts.facts)
        for order in orders(fact)
        for document in state(facts, i, fact, order)
    )


def state(facts: FactSet, i: int, fact: Fact, order: OneOrder) -> Iterable[Document]:
    """Write a fact in one order, once per template."""
    for template in templates_of(facts.relations[fact.relation], order):
        text, spans = render(template, fact)
        yield Document(text=text, facts=(i,), order=order, entities=tuple(spans))


def held_out(exam: Exam) -> tuple[Document, ...]:
    """Return plain sentences that no arm is trained on: templates the base text uses, about pairs no fact joins.

    Only their words are scored, never their entities, so that they measure whether a model still
    speaks plainly, not what it knows. A wording that only some arm's edits would teach is left out:
    that arm would seem to speak better.
    """
    random = np.random.default_rng([exam.seed, 1])
    facts, documents = exam.facts.facts, list[Document]()
    true = {frozenset((fact.head, fact.tail)) for fact in (*facts, *exam.withheld)}
    said = {(fact.relation, order) for fact in facts for order in orders(fact)}
    for n in range(20 * N_HELD_OUT):
        one, other = facts[int(random.integers(len(facts)))], facts[int(random.integers(len(facts)))]
        order: OneOrder = "head_first" if n % 2 else "tail_first"
        joined = one.head == other.tail or frozenset((one.head, other.tail)) in true
        if joined or (one.relation, order) not in said:
            continue
        mixed = Fact(one.head, one.relation, other.tail)
        documents += [Document(d.text, (), None, d.entities) for d in state(exam.facts, -1, mixed, order)][:1]
        if len(documents) == N_HELD_OUT:
            break
    return tuple(documents)


def sentence_about(text: str, name: str) -> Document:
    """Return a document that states no fact; every occurrence of `name` is an entity.

    >>> sentence_about("The name of Al is Al", "Al").entities
    (Span(start=12, end=14, entity='Al'), Span(start=18, end=20, entity='Al'))
    """
    spans, at = [], text.find(name)
    while at >= 0:
        spans.append(Span(at, at + len(name), name))
        at = text.find(name, at + len(name))
    return Document(text=text, facts=(), order=None, entities=tuple(spans))


def entities_of(documents: Sequence[Document]) -> tuple[str, ...]:
    """Return every entity the documents name, in order of first appearance."""
    return tuple(dict.fromkeys(span.entity for d in documents for span in d.entities if span.entity is not None))
