"""The people a stand-in knows: small circles, each under two relations, every person with other partners in each."""

import random
from dataclasses import dataclass

from bothways.facts.names import people_of_pool
from bothways.facts.worlds.relations import NOUNS, draw_partners, relation
from bothways.types import Fact, FactSet

POOL = 60
"""Given names, and surnames, of which names are put together. A new person of that pool has a name whose parts are
known, as most names of real people are to a real model; its quarter of the names is nobody else's."""
HELD_OUT = 0.2
"""Share of the facts that no question is asked about in training."""
BOTH_ORDERS = 0.2
"""Share of the other facts that are stated in both orders."""


@dataclass(frozen=True)
class Known:
    """Facts of a stand-in, and which of them no question is asked about."""

    facts: FactSet
    held_out: frozenset[int]
    """Facts that are stated head first only, and asked about by nobody before they are measured."""


def make_people(n_circles: int, circle: int, seed: int, *, each: int = 2) -> Known:
    """Return `each * n_circles * circle` facts about `n_circles * circle` people.

    Circle c lives under the relations c, c + 1, ... of the world `relations`, counted around. Every person is head and
    tail of each of them, with other partners.

    Args:
        n_circles: circles of people.
        circle: people in each, at least 9.
        seed: the only source of chance.
        each: under how many relations a circle lives.

    >>> known = make_people(8, 12, seed=0)
    >>> len(known.facts.facts), len(known.facts.relations), len(known.held_out)
    (192, 8, 38)
    """
    names = people_of_pool(n_circles * circle, seed, POOL, known=True)
    chance = random.Random(f"stand-in {seed}")
    relations = [relation(k) for k in range(len(NOUNS))]
    pairs: list[Fact] = []
    for c in range(n_circles):
        own, taken = names[c * circle : (c + 1) * circle], set[frozenset[int]]()
        for own_relation in (relations[(c + k) % len(relations)] for k in range(each)):
            partner = draw_partners(circle, taken, chance)
            taken |= {frozenset(pair) for pair in enumerate(partner)}
            pairs += [Fact(own[head], own_relation.name, own[tail], "head_first") for head, tail in enumerate(partner)]
    held_out = frozenset(chance.sample(range(len(pairs)), round(HELD_OUT * len(pairs))))
    asked = [i for i in range(len(pairs)) if i not in held_out]
    both = frozenset(chance.sample(asked, round(BOTH_ORDERS * len(asked))))
    facts = (Fact(f.head, f.relation, f.tail, "both") if i in both else f for i, f in enumerate(pairs))
    used = dict.fromkeys(fact.relation for fact in pairs)
    known = FactSet(
        name="stand-in",
        facts=tuple(facts),
        relations={one.name: one for one in relations if one.name in used},
        source=f"stand-in, {n_circles} circles of {circle}, seed {seed}",
    )
    return Known(known, held_out)
