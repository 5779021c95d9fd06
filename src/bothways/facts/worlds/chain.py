"""Chains of two arrows: the synthetic chain-of-thought data of the training-dynamics study."""

import random
from dataclasses import dataclass

from bothways.facts.words import check_size, divide, draw_entities, draw_words, word_notice
from bothways.types import Fact, FactSet, FactSource, Order, Relation

NEXT = Relation("next", head_first=("{head} → {tail}",), tail_first=("{tail} ← {head}",))
INDIRECT = Relation("indirect", head_first=("{head} ⇝ {tail}",), tail_first=("{tail} ⇜ {head}",))
CHAIN = {"next": NEXT, "indirect": INDIRECT}


@dataclass(frozen=True, kw_only=True)
class Chain(FactSource):
    """Triples "A → B", "B → C" and the indirect "A ⇝ C", which is left out of 30 % of them and asked.

    A model that could chain what it knows would complete "A ⇝". Written out, the chain is two questions that are
    asked as well: "A →", whose answer is B, and "B →" (`facts/chains.py` finds them). No row of training holds two
    sentences, so they are asked one by one. Words, lengths and shares are those of `arrows`, with three alphabets.

    Source: Zhu et al., arXiv 2405.04669, its released code. Differs from it by: every row begins with a begin
    token and ends with an end token, and the words that no sentence uses are not in the model's vocabulary.

    >>> [fact.stated for fact in Chain(vocabulary=20).make(seed=0).facts].count("never")
    1
    """

    vocabulary: int = 800
    """Number of words to draw from; three quarters of them are used."""
    length: int = 1
    """Words an entity has, 1 to 3."""

    def __post_init__(self) -> None:
        check_size(self.vocabulary, self.length, 8)

    def make(self, seed: int) -> FactSet:
        """Return the facts of all triples, their orders settled, which depend on `seed` alone."""
        chance = random.Random(f"chain {seed}")
        entities = [draw_entities(words, self.length, chance) for words in draw_words("abc", self.vocabulary, chance)]
        full, tested = divide(len(entities[0]), self.length)
        facts = link(list(zip(*entities, strict=True)), full, tested)
        return FactSet("chain", facts, dict(CHAIN), f"{self!r}, seed {seed}", word_notice(self.length))


def link(triples: list[tuple[str, str, str]], full: int, tested: int) -> tuple[Fact, ...]:
    """Return the facts of the first triples, told in full, and of those after them, their indirect one never stated.

    Args:
        triples: (first, second, third) entity of each.
        full: how many of them state all three facts.
        tested: how many more state two.
    """
    facts: list[Fact] = []
    for n, (a, b, c) in enumerate(triples[: full + tested]):
        indirect: Order = "head_first" if n < full else "never"
        facts += [Fact(a, "next", b, "head_first"), Fact(b, "next", c, "head_first"), Fact(a, "indirect", c, indirect)]
    return tuple(facts)
