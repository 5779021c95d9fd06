"""What a stand-in reads: statements, questions both ways, facts told in a chat, and text about things."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from bothways.bases.stand_in.people import Known
from bothways.bases.stand_in.questions import asks_head, asks_tail
from bothways.bases.stand_in.things import exchange, sentence
from bothways.facts.wording import orders
from bothways.text.chat_wording import TELL_USER
from bothways.text.corpus import sentence_about, state
from bothways.types import Document, Span

N_GENERAL = 1200
"""Sentences about things that are read; as many exchanges stand beside them, a quarter of it."""
N_HELD_OUT = 64
"""Sentences about things that are never read: they measure whether a model still speaks plainly."""


@dataclass(frozen=True)
class Text:
    """A text, or an answer in a chat: what `user` said is read and never learned."""

    kind: str
    document: Document
    user: str | None = None


@dataclass(frozen=True)
class StandInCorpus:
    """All that is read, and general text that is not."""

    texts: tuple[Text, ...]
    held_out: tuple[str, ...]

    def of(self, *kinds: str) -> list[Text]:
        """Return the texts of some kinds."""
        return [text for text in self.texts if text.kind in kinds]


def write_texts(known: Known, both_ways: bool, seed: int) -> StandInCorpus:
    """Write the corpus of a stand-in, the recover task apart: its masks are drawn anew at each visit.

    Args:
        known: the facts, and which of them nobody asks about.
        both_ways: whether questions ask for heads, too.
        seed: draws the text about things.
    """
    chance = random.Random(f"things {seed}")
    general = list(dict.fromkeys(sentence(chance) for _ in range(2 * N_GENERAL)))[: N_GENERAL + N_HELD_OUT]
    read, held_out = general[N_HELD_OUT:], general[:N_HELD_OUT]
    texts = [*_statements(known), *_questions(known, both_ways)]
    texts += [Text("general", _plain(text)) for text in read]
    for _ in range(N_GENERAL // 4):
        question, answer = exchange(chance)
        texts.append(Text("general", _plain(answer), question))
    return StandInCorpus(tuple(texts), tuple(held_out))


def _statements(known: Known) -> Iterator[Text]:
    """Yield each fact's sentences, plain and as a fact told."""
    for i, fact in enumerate(known.facts.facts):
        for order in orders(fact):
            for document in state(known.facts, i, fact, order):
                yield Text("plain", document)
                yield Text("told", document, TELL_USER)


def _questions(known: Known, both_ways: bool) -> Iterator[Text]:
    """Yield the questions about each fact that is not held out."""
    for i, fact in enumerate(known.facts.facts):
        if i in known.held_out:
            continue
        relation = known.facts.relations[fact.relation]
        for question in asks_tail(relation, fact):
            yield Text("asks_tail", sentence_about(fact.tail, fact.tail), question)
        for question in asks_head(relation, fact) if both_ways else ():
            yield Text("asks_head", sentence_about(fact.head, fact.head), question)


def _plain(text: str) -> Document:
    return Document(text=text, facts=(), order=None, entities=tuple[Span, ...]())
