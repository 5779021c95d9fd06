"""Pairs of single tokens with nothing between them: the data of the bilinear theory."""

from dataclasses import dataclass

from bothways.errors import BothwaysError
from bothways.types import Fact, FactSet, FactSource, Relation

BESIDE = Relation("beside", head_first=("{head} {tail}",), tail_first=("{tail} {head}",))


@dataclass(frozen=True, kw_only=True)
class Pairs(FactSource):
    """One-to-one pairs "x y", stated both ways but for the first few, which are stated as "x y" only and tested.

    No word stands between the two, so a model that reads one token only can learn them; whether x or y is asked for
    is told by the token that is given. Under the objective `causal:count=last_entity` a row teaches p(y | x) alone.

    Source: Zhu et al., arXiv 2405.04669, section 3, where one pair is tested. Differs from it by: nothing.

    >>> world = Pairs(n=8, n_tested=2).make(seed=0)
    >>> [fact.stated for fact in world.facts[:3]]
    ['head_first', 'head_first', 'both']
    """

    n: int = 50
    """Number of pairs; there are twice as many tokens."""
    n_tested: int = 1
    """How many of them are stated one way only."""

    def __post_init__(self) -> None:
        if not 1 <= self.n_tested <= self.n:
            raise BothwaysError(
                f"n_tested must be between 1 and n, got n_tested={self.n_tested} and n={self.n}. Choose for example 1."
            )

    def make(self, seed: int) -> FactSet:
        """Return the pairs; they are alike but for their names, so no seed matters."""
        width = len(str(self.n - 1))
        facts = (
            Fact(f"x{i:0{width}}", "beside", f"y{i:0{width}}", "head_first" if i < self.n_tested else "both")
            for i in range(self.n)
        )
        return FactSet("pairs", tuple(facts), {"beside": BESIDE}, f"{self!r}, seed {seed}")
