"""A world where the relation matters: every person is head and tail of every relation."""

import random
from dataclasses import dataclass, field

from bothways.errors import BothwaysError
from bothways.facts.names import people, people_of_pool
from bothways.types import Fact, FactSet, FactSource, Relation

NOUNS = (
    ("mentor", "student"), ("doctor", "patient"), ("host", "guest"), ("boss", "assistant"),
    ("landlord", "tenant"), ("lawyer", "client"), ("guardian", "ward"), ("employer", "intern"),
)  # fmt: skip
"""What the tail is to the head, and what the head is to the tail, for the first relations."""

TRIES = 1000
"""Random permutations tried before a relation is given up; with the allowed sizes one or two are needed."""


@dataclass(frozen=True, kw_only=True)
class Relations(FactSource):
    """Each relation is a random permutation of the same people, no pair of people standing in two.

    Every person has 2 * n_relations different partners, one per relation and order: asked for a
    student, naming the mentor or the patient is wrong. So this world tells a model that learned
    the relation from one that only associates. No person is their own partner, and no two people
    are each other's (that would state the reverse of a fact). The graph is connected in general:
    no fact is a bridge, and the exam reports its leak level as such.

    Source: our own design (`docs/architecture.md`); it answers the relation-blind reversal that
    one-partner worlds cannot see.

    >>> world = Relations(n_entities=10, n_relations=2).make(seed=0)
    >>> len(world.facts), len(world.entities), list(world.relations)
    (20, 10, ['mentor', 'doctor'])
    """

    n_entities: int = 300
    """Number of people."""
    n_relations: int = 2
    """Number of relations; each gives one fact per person."""
    pool: int = field(default=0, repr=False)
    """How many given names, and surnames, people share; 0 for thousands. Stand-ins spell parts of a pool of 60."""
    parts: int = field(default=2, repr=False)
    """Of a name out of a pool: a given name and so many surnames that there are as many parts."""

    def __post_init__(self) -> None:
        if self.n_relations < 1:
            raise BothwaysError(
                f"n_relations must be at least 1, got n_relations={self.n_relations}. Ask for at least one relation."
            )
        if self.parts < 2 or (self.parts > 2 and not self.pool):
            raise BothwaysError(
                f"parts must be at least 2, and 2 where names come out of no pool, got parts={self.parts} and "
                f"pool={self.pool}. Choose pool=60."
            )
        if self.n_entities < self._fewest:
            raise BothwaysError(
                f"Different partners under {self.n_relations} relation(s) need at least {self._fewest} people, "
                f"got n_entities={self.n_entities}. Raise n_entities or lower n_relations."
            )

    @property
    def _fewest(self) -> int:
        """Twice the partners of a person, so that a random search for free partners ends."""
        return 4 * self.n_relations + 1

    def make(self, seed: int) -> FactSet:
        """Return n_entities * n_relations facts that depend on `seed` alone."""
        n, pool, parts = self.n_entities, self.pool, self.parts
        names = people_of_pool(n, seed, pool, parts=parts) if pool else people(n, seed)
        out_of = f", pool {pool}{f' of {parts} parts' if parts > 2 else ''}" if pool else ""
        chance = random.Random(f"relations {seed}")
        relations = [relation(k) for k in range(self.n_relations)]
        taken: set[frozenset[int]] = set()
        facts: list[Fact] = []
        for each in relations:
            partner = draw_partners(self.n_entities, taken, chance)
            taken |= {frozenset(pair) for pair in enumerate(partner)}
            facts += [Fact(names[head], each.name, names[tail]) for head, tail in enumerate(partner)]
        return FactSet(
            name="relations",
            facts=tuple(facts),
            relations={each.name: each for each in relations},
            source=f"{self!r}{out_of}, seed {seed}",
        )


def relation(k: int) -> Relation:
    """Return the `k`-th relation, counted from 0; past the list of nouns its name is a number.

    >>> relation(1).tail_first, relation(8).name
    (("{tail}'s patient is {head}",), 'relation 9')
    """
    forward, back = NOUNS[k] if k < len(NOUNS) else (f"relation {k + 1}", f"origin {k + 1}")
    return Relation(
        forward, head_first=(f"{{head}}'s {forward} is {{tail}}",), tail_first=(f"{{tail}}'s {back} is {{head}}",)
    )


def draw_partners(n: int, taken: set[frozenset[int]], chance: random.Random) -> list[int]:
    """Return a random permutation of `n` without fixed points, mutual pairs or pairs in `taken`.

    A uniform permutation is drawn, then every forbidden pair swaps partners with a random other one
    until none is left; where that gets stuck, the next permutation is tried.

    Raises:
        BothwaysError: no such permutation was found, because `n` is small for what is taken.
    """
    for _ in range(TRIES):
        partner = chance.sample(range(n), n)
        if all(_allowed(i, partner, taken) or _repair(i, partner, taken, chance) for i in range(n)):
            return partner
    raise BothwaysError(
        f"No permutation with new partners only was found in {TRIES} tries, got n_entities={n}. Raise n_entities."
    )


def _allowed(i: int, partner: list[int], taken: set[frozenset[int]]) -> bool:
    """Whether i and its partner are two people, not mutual partners, and new to each other."""
    j = partner[i]
    return i != j and partner[j] != i and frozenset((i, j)) not in taken


def _repair(i: int, partner: list[int], taken: set[frozenset[int]], chance: random.Random) -> bool:
    """Swap i's partner with that of another so that both pairs are allowed; False where nobody serves."""
    for j in chance.sample(range(len(partner)), len(partner)):
        partner[i], partner[j] = partner[j], partner[i]
        if _allowed(i, partner, taken) and _allowed(j, partner, taken):
            return True
        partner[i], partner[j] = partner[j], partner[i]
    return False
