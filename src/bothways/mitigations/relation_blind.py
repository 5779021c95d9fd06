"""Relation-blind: tie A to B under whatever words, both ways. Must fail the relation-flip control."""

from dataclasses import dataclass

import numpy as np

from bothways.config import RunConfig
from bothways.facts.templates import render
from bothways.facts.wording import OneOrder, templates_of
from bothways.mitigations.base import Mitigation, with_edit
from bothways.text.corpus import TextEdit
from bothways.types import Document, Exam, Fact


@dataclass(frozen=True, kw_only=True)
class ForgetRelations(TextEdit):
    """State every pair in both orders under wordings drawn from all relations."""

    n_wordings: int = 3
    """How many wordings each pair gets in each order."""

    def __call__(self, documents: tuple[Document, ...], exam: Exam, seed: int) -> tuple[Document, ...]:
        """Return statements that join the right entities by any relation; the documents given are replaced."""
        random = np.random.default_rng(seed)
        wordings: list[tuple[OneOrder, str]] = [
            (order, template)
            for relation in exam.facts.relations.values()
            for order in ("head_first", "tail_first")
            for template in templates_of(relation, order)
        ]
        return tuple(
            document
            for i, fact in enumerate(exam.facts.facts)
            if fact.stated != "never"
            for first, second in ((fact.head, fact.tail), (fact.tail, fact.head))
            for order, template in draw(wordings, self.n_wordings, random)
            for document in (say(i, first, second, order, template),)
        )


def draw(wordings: list[tuple[OneOrder, str]], n: int, random: np.random.Generator) -> list[tuple[OneOrder, str]]:
    """Draw up to n different wordings."""
    return [wordings[i] for i in sorted(random.permutation(len(wordings))[:n].tolist())]


def say(i: int, first: str, second: str, order: OneOrder, template: str) -> Document:
    """State `first` before `second` in a wording that need not be true of them."""
    pair = Fact(first, "", second) if order == "head_first" else Fact(second, "", first)
    text, spans = render(template, pair)
    return Document(text=text, facts=(i,), order=order, entities=tuple(spans))


@dataclass(frozen=True, kw_only=True)
class RelationBlind(Mitigation):
    """A model of association only: right in reverse where a cue has one partner, and blind to the question.

    Source: none; our own negative control for every claim that a model answers a *relation* in reverse.
    """

    n_wordings: int = 3
    """How many wordings each pair gets in each order."""

    def __call__(self, config: RunConfig) -> RunConfig:
        """Return the configuration with relations forgotten."""
        return with_edit(config, ForgetRelations(n_wordings=self.n_wordings))
