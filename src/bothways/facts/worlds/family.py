"""Families: inverse, symmetric and one-to-many relations in a graph where every fact is a bridge."""

import random
from dataclasses import dataclass, field

from bothways.errors import BothwaysError
from bothways.facts.names import people
from bothways.types import Fact, FactSet, FactSource, Relation

PEOPLE_PER_FAMILY = 24
"""Names set aside for one family. The largest has 13 people: a founder, 2 children and 4 grandchildren, each
child with another second parent (6); of them all but the 2 children have a tie to somebody outside (11)."""

RELATIONS = {
    relation.name: relation
    for relation in (
        Relation("mother", head_first=("{head}'s mother is {tail}",), tail_first=("{tail}'s child is {head}",)),
        Relation("father", head_first=("{head}'s father is {tail}",), tail_first=("{tail}'s child is {head}",)),
        Relation(
            "spouse",
            symmetric=True,
            head_first=("{head}'s spouse is {tail}",),
            tail_first=("{tail}'s spouse is {head}",),
        ),
        Relation(
            "teacher",
            inverse="student",
            head_first=("{head}'s teacher is {tail}",),
            tail_first=("{tail}'s student is {head}",),
        ),
        Relation(
            "student",
            inverse="teacher",
            head_first=("{head}'s student is {tail}",),
            tail_first=("{tail}'s teacher is {head}",),
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Family(FactSource):
    """A forest of family trees of three generations, with spouses, teachers and students.

    - `mother` and `father` share the reverse template "child"; a parent has one or two children, so
      "child" is one-to-many. A second child has another second parent (siblings are half-siblings),
      because two children of the same two parents would close a cycle.
    - `spouse` is symmetric, each couple stated once, and joins two people without a child in common.
    - `teacher` and `student` are inverses, each pair stated under one of the two.

    As the undirected graph of people is a forest, **every fact is a bridge**: take it away and no
    chain of other facts joins its two people. A child's surname is drawn independently of the
    parents', since a shared one would let a model answer by copying it.

    Source: our own design, after the parent-child pairs of the reversal curse (Berglund et al.,
    arXiv 2309.12288). Differs from them by: invented people, several relations per person, no cycles.

    >>> world = Family(n_families=2).make(seed=0)
    >>> sorted(world.relations)
    ['father', 'mother', 'spouse', 'student', 'teacher']
    """

    n_families: int = 28
    """Number of separate trees; each has about 15 facts."""

    def __post_init__(self) -> None:
        if self.n_families < 1:
            raise BothwaysError(
                f"n_families must be at least 1, got n_families={self.n_families}. Ask for at least one family."
            )

    def make(self, seed: int) -> FactSet:
        """Return the facts of `n_families` trees, which depend on `seed` alone."""
        names = people(PEOPLE_PER_FAMILY * self.n_families, seed)
        chance = random.Random(f"family {seed}")
        facts: list[Fact] = []
        for start in range(0, len(names), PEOPLE_PER_FAMILY):
            tree = Tree(list(names[start : start + PEOPLE_PER_FAMILY]), chance)
            tree.grow()
            facts += tree.facts
        return FactSet(name="family", facts=tuple(facts), relations=dict(RELATIONS), source=f"{self!r}, seed {seed}")


@dataclass
class Tree:
    """One family under construction; every fact brings a new person, so no cycle can arise."""

    names: list[str]
    """Names not yet given to anybody."""
    chance: random.Random
    facts: list[Fact] = field(default_factory=list[Fact])

    def grow(self) -> None:
        """Write the three generations, then a tie for everybody but the founder's children."""
        founder = self.names.pop()
        tied = [founder]
        for child in self.raise_children(founder, tied):
            tied += self.raise_children(child, tied)
        for person in tied:
            self.tie(person)

    def raise_children(self, parent: str, tied: list[str]) -> list[str]:
        """Give `parent` one or two children, each with a second parent of its own, who joins `tied`."""
        role, other_role = self.chance.sample(("mother", "father"), 2)
        children: list[str] = []
        for _ in range(self.chance.choice((1, 2))):
            child, other = self.names.pop(), self.names.pop()
            self.facts += [Fact(child, role, parent), Fact(child, other_role, other)]
            children.append(child)
            tied.append(other)
        return children

    def tie(self, person: str) -> None:
        """Give `person` a spouse, a teacher or a student from outside the family, who comes first or last."""
        relation = self.chance.choice(("spouse", "spouse", "teacher", "student"))
        head, tail = self.chance.sample((person, self.names.pop()), 2)
        self.facts.append(Fact(head, relation, tail))
