"""The smallest world: pairs of people, each in one fact only."""

from dataclasses import dataclass

from bothways.errors import BothwaysError
from bothways.facts.names import people
from bothways.types import Fact, FactSet, FactSource, Relation


@dataclass(frozen=True, kw_only=True)
class Bijection(FactSource):
    """One one-to-one relation between two disjoint sets of people.

    The setting of most papers. It cannot tell a relation from an association: a cue has only one
    partner, so naming that partner whatever is asked is always right. Every fact is a component of
    its own, hence a bridge.

    Source: the symbolic pairs of reverse training (Golovneva et al., arXiv 2403.13799) and of the
    training-dynamics study (Zhu et al., arXiv 2405.04669). Differs from them by: entities are
    two-word names and facts are English sentences.

    >>> world = Bijection(n=3).make(seed=0)
    >>> len(world.facts), len(world.entities)
    (3, 6)
    """

    n: int = 200
    """Number of facts; there are twice as many people."""

    def __post_init__(self) -> None:
        if self.n < 1:
            raise BothwaysError(f"n must be at least 1, got n={self.n}. Ask for at least one fact.")

    def make(self, seed: int) -> FactSet:
        """Return `n` facts whose people depend on `seed` alone."""
        names = people(2 * self.n, seed)
        guide = Relation("guide", head_first=("{head}'s guide is {tail}",), tail_first=("{tail}'s charge is {head}",))
        facts = (Fact(head, "guide", tail) for head, tail in zip(names[: self.n], names[self.n :], strict=True))
        return FactSet(
            name="bijection", facts=tuple(facts), relations={"guide": guide}, source=f"{self!r}, seed {seed}"
        )
