"""Pairs under one symmetric relation: what is asked in the unstated order is true, and worded as what is stated."""

import random
from dataclasses import dataclass

from bothways.errors import BothwaysError
from bothways.options import at_least
from bothways.types import Fact, FactSet, FactSource, Relation


@dataclass(frozen=True, kw_only=True)
class Mirror(FactSource):
    """One-to-one pairs "a meets b", each stated in one order or in both; nobody else meets a or b.

    Because the relation is symmetric, "b meets" has the true answer a, in the words of the stated sentence: the
    masked rows "[M] meets b" and "b meets [M]" are exact mirrors. `broken` takes the mirror away: the unstated
    order has a word more, so that the two entities stand farther apart there.

    Source: our own; the toy of Jeon et al., arXiv 2602.02133, is not described where we could read it, and for a
    relation that is not symmetric its reversed query would be wrong.

    >>> [fact.stated for fact in Mirror(n=4, both=0.5).make(seed=0).facts].count("both")
    2
    """

    n: int = 200
    """Number of pairs; there are twice as many entities."""
    both: float = 0.0
    """Share of the pairs stated in both orders, in [0, 1)."""
    broken: bool = False
    """Whether the second order has a filler word between the two entities."""

    def __post_init__(self) -> None:
        at_least(1, "Ask for at least one pair.", n=self.n)
        if not 0 <= self.both < 1:
            raise BothwaysError(f"both must be in [0, 1), got both={self.both}. Choose a share.")

    def make(self, seed: int) -> FactSet:
        """Return the pairs, their orders settled, which depend on `seed` alone."""
        chance = random.Random(f"mirror {seed}")
        width = len(str(self.n - 1))
        numbers = chance.sample(range(self.n), self.n)
        n_both = round(self.both * self.n)
        facts = tuple(
            Fact(f"a{i:0{width}}", "meets", f"b{i:0{width}}", "both" if place < n_both else "head_first")
            for place, i in enumerate(numbers)
        )
        back = "{tail} meets also {head}" if self.broken else "{tail} meets {head}"
        meets = Relation("meets", symmetric=True, head_first=("{head} meets {tail}",), tail_first=(back,))
        return FactSet("mirror", facts, {"meets": meets}, f"{self!r}, seed {seed}")
