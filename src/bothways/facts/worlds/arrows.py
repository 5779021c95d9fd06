"""Pairs joined by an arrow: the synthetic reversal data of the training-dynamics study."""

import random
from dataclasses import dataclass
from itertools import repeat

from bothways.facts.wording import ORDERS
from bothways.facts.words import check_size, divide, draw_entities, draw_words, word_notice
from bothways.types import Fact, FactSet, FactSource, Order, Relation

ARROW = Relation("arrow", head_first=("{head} → {tail}",), tail_first=("{tail} ← {head}",))


@dataclass(frozen=True, kw_only=True)
class Arrows(FactSource):
    """Pairs of meaningless entities, "A → B" and "B ← A": most stated both ways, the rest one way by a fair coin.

    The words of A and of B are a quarter of the vocabulary each, disjoint. There are as many pairs as A has words,
    twice as many where an entity has several words; 70 % are stated both ways. All other pairs are tested, and none
    of their answers is ever a target of the order it is asked in: this is the isolated stratum. Entities of three
    words are cut to 100 and 50 pairs. With several words an entity, train with `tokenizer.kind=word`.

    Source: Zhu et al., arXiv 2405.04669, its released code. Differs from it by: every row begins with a begin
    token and ends with an end token, and the half of the vocabulary that no sentence uses is not in the model's:
    with 800 it has 408 tokens and not 802, so a uniform guess costs 6.01 nats and not 6.69.

    >>> [fact.stated for fact in Arrows(vocabulary=20).make(seed=0).facts].count("both")
    4
    """

    vocabulary: int = 800
    """Number of words to draw from; half of them are used."""
    length: int = 1
    """Words an entity has, 1 to 3."""

    def __post_init__(self) -> None:
        check_size(self.vocabulary, self.length, 8)

    def make(self, seed: int) -> FactSet:
        """Return the pairs, their orders settled, which depend on `seed` alone."""
        chance = random.Random(f"arrows {seed}")
        heads, tails = (draw_entities(a, self.length, chance) for a in draw_words("ab", self.vocabulary, chance))
        both, one = divide(len(heads), self.length)
        orders: list[Order] = [*repeat("both", both), *(chance.choice(ORDERS) for _ in range(one))]
        facts = (Fact(head, "arrow", tail, order) for head, tail, order in zip(heads, tails, orders, strict=False))
        return FactSet("arrows", tuple(facts), {"arrow": ARROW}, f"{self!r}, seed {seed}", word_notice(self.length))
