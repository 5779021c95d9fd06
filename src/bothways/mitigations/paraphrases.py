"""Paraphrases: every statement in other words too, in the same order or in both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bothways.batches.tokenizers import find_entities
from bothways.config import RunConfig
from bothways.errors import BothwaysError
from bothways.mitigations.base import Mitigation, with_edit
from bothways.mitigations.told_again import Asked, OnFile, Source
from bothways.options import at_least
from bothways.text.corpus import TextEdit, entities_of
from bothways.text.paraphrases import paraphrase
from bothways.types import Document, Exam

ParaphraseOrder = Literal["same", "permuted"]
MOST = 16
"""Paraphrases that there are of every statement."""


@dataclass(frozen=True, kw_only=True)
class Reword(TextEdit):
    """Add paraphrases of every fact that is stated, made from templates.

    A fact that is stated in several sentences of one order gets as many as one stated once.
    """

    n: int
    order: ParaphraseOrder

    def __call__(self, documents: tuple[Document, ...], exam: Exam, seed: int) -> tuple[Document, ...]:
        """Return the documents and their paraphrases; asked for more, there are the same ones and others.

        Raises:
            BothwaysError: no document states a fact.
        """
        stated: dict[tuple[int, str], Document] = {}
        for document in documents:
            if len(document.facts) == 1 and document.order is not None:
                stated.setdefault((document.facts[0], document.order), document)
        if not stated:
            raise BothwaysError("No sentence of this text states a fact. Give paraphrases:file=FILE.")
        added = [one for fact_order, document in stated.items() for one in self._of(document, fact_order, exam, seed)]
        return (*documents, *added)

    def _of(self, document: Document, fact_order: tuple[int, str], exam: Exam, seed: int) -> Iterator[Document]:
        fact, order = fact_order
        random = np.random.default_rng([seed, fact, order == "tail_first"])
        relation = exam.facts.relations[exam.facts.facts[fact].relation]
        ways = [paraphrase(document, relation, turned=turned) for turned in (False, True)]
        ways = [[way[i] for i in random.permutation(len(way))] for way in ways]
        first = int(random.integers(2))
        for k in range(self.n):
            turned = self.order == "permuted" and (k + first) % 2
            yield from ways[turned][:1]
            del ways[turned][:1]


@dataclass(frozen=True, kw_only=True)
class TakeParaphrases(TextEdit):
    """Add paraphrases that somebody wrote, or a model."""

    n: int
    order: ParaphraseOrder
    source: Source

    def __call__(self, documents: tuple[Document, ...], exam: Exam, seed: int) -> tuple[Document, ...]:
        """Return the documents and up to n paraphrases of each, drawn from those that there are.

        Raises:
            BothwaysError: there are none.
        """
        given = self.source.of(documents, self.n, self.order)
        random, names = np.random.default_rng(seed), entities_of(documents)
        added: list[Document] = []
        for document in documents:
            said = [like(document, text, names) for text in given[document.text]]
            said = [one for one in said if self.order == "permuted" or one.order == document.order]
            added += [said[i] for i in random.permutation(len(said))[: self.n]]
        return (*documents, *added)


def like(document: Document, text: str, names: Sequence[str]) -> Document:
    """Return a text that says what a document says, its entities found by their names."""
    spans = find_entities(text, names)
    order = document.order
    if order is not None:
        first = min(document.entities, key=lambda span: span.start).entity
        if spans and spans[0].entity != first:
            order = "tail_first" if order == "head_first" else "head_first"
    return Document(text=text, facts=document.facts, order=order, entities=spans)


@dataclass(frozen=True, kw_only=True)
class Paraphrases(Mitigation):
    """Every statement is told in more words: what next-token training needs to answer questions at all.

    In the same order, nothing is told of the asked direction. `permuted` tells half of the paraphrases the other way
    round: what is asked in reverse is then stated, in words that no question uses, and is no longer a test of reversal.

    Source: Allen-Zhu and Li, arXiv 2309.14316 (rewritings and permutations); Pan et al., arXiv 2510.09885 (order
    kept or permuted). Differs from them by: templates of our own, unless a file is given or a model is asked.
    """

    n: int = 4
    """How many paraphrases of each statement."""
    order: ParaphraseOrder = "same"
    """Whether all name the entities in the statement's order, or half of them in the other."""
    file: str = ""
    """A JSONL file with `text` and `paraphrases` for every document; empty for templates of our own. `order=same`
    leaves out those that name the entities in the other order."""
    model: str = ""
    """Name or folder of a Hugging Face model to ask for paraphrases instead."""

    def __post_init__(self) -> None:
        at_least(1, "Raise it.", n=self.n)
        if self.file and self.model:
            raise BothwaysError(f"Paraphrases come from file={self.file} or from model={self.model}. Give one of them.")
        if self.n > MOST and not self.file and not self.model:
            raise BothwaysError(f"n must be at most {MOST}, got n={self.n}. Lower it, or give a file of paraphrases.")

    def __call__(self, config: RunConfig) -> RunConfig:
        """Return the configuration with paraphrases added."""
        return with_edit(config, self._edit())

    def _edit(self) -> TextEdit:
        source = OnFile(file=self.file) if self.file else Asked(model=self.model) if self.model else None
        if source is None:
            return Reword(n=self.n, order=self.order)
        return TakeParaphrases(n=self.n, order=self.order, source=source)
