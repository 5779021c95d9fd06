"""Rows that state a pair and turn it round: the in-context reversal data of the training-dynamics study."""

import random
from dataclasses import dataclass

from bothways.errors import BothwaysError
from bothways.options import at_least
from bothways.types import Fact, FactSet, FactSource, Relation


@dataclass(frozen=True, kw_only=True)
class InContext(FactSource):
    """Rows "x → y ; y ← x": reversal inside one text, where the answer stands in the prompt.

    Each x meets every y; 70 % of its rows are trained on, the others asked: "x → y ; y ←" of a pair that no text
    names. So the answer need not be known, only found in the prompt (the baseline of copied words is always right).
    A row is a fact about x alone, and each y a relation: what is stated is x, of y, again. The last token alone is
    learned under the objective `causal:count=last_entity`.

    Source: Zhu et al., arXiv 2405.04669, its released code. Differs from it by: every row begins with a
    begin token and ends with an end token, and the words that no sentence uses are not in the model's vocabulary.

    >>> InContext(n_x=2, n_y=2).make(seed=0).relations["y0"].head_first
    ('{head} → y0 ; y0 ← {tail}',)
    """

    n_x: int = 100
    """Number of x, which are asked for."""
    n_y: int = 10
    """Number of y, each in a row with every x."""
    trained: float = 0.7
    """Share of each x's rows that are trained on, in (0, 1); the others are asked."""

    def __post_init__(self) -> None:
        at_least(2, "Fewer leave nothing to ask.", n_x=self.n_x, n_y=self.n_y)
        if not 0 < round(self.trained * self.n_y) < self.n_y:
            raise BothwaysError(
                f"Each x must have a row to train on and one to ask, got trained={self.trained} of n_y={self.n_y}. "
                "Choose another share."
            )

    def make(self, seed: int) -> FactSet:
        """Return one fact for each x and y, stated or never; which depends on `seed` alone."""
        chance = random.Random(f"in_context {seed}")
        xs, ys = (
            [f"{letter}{i:0{len(str(n - 1))}}" for i in range(n)] for letter, n in (("x", self.n_x), ("y", self.n_y))
        )
        facts: list[Fact] = []
        for x in xs:
            stated = set(chance.sample(ys, round(self.trained * self.n_y)))
            facts += [Fact(x, y, x, "head_first" if y in stated else "never") for y in ys]
        return FactSet("in_context", tuple(facts), {y: turned_round(y) for y in ys}, f"{self!r}, seed {seed}")


def turned_round(y: str) -> Relation:
    """Return the relation of one y; told the other way, its row begins with y."""
    said, back = f"{{head}} → {y} ; {y} ← {{tail}}", f"{y} ← {{tail}} ; {{head}} → {y}"
    return Relation(y, head_first=(said,), tail_first=(back,))
