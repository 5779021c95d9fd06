"""Names inside other names and inside templates: what a sentence spells out beside the entities of its fact."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations

from bothways.facts.templates import render
from bothways.types import FactSet

PIECE = re.compile(r"\w+|[^\w\s]")
"""A word or a mark: names stand inside a text as whole pieces only."""


class Names:
    """Finds known names in texts."""

    def __init__(self, names: Iterable[str]) -> None:
        self.known = set(names)
        self.lengths: dict[str, set[int]] = defaultdict(set)
        """Numbers of pieces of the names that begin with each piece."""
        for name in self.known:
            pieces = PIECE.findall(name)
            if pieces:
                self.lengths[pieces[0]].add(len(pieces))

    def inside(self, text: str) -> set[str]:
        """Return the names that a text spells out.

        >>> sorted(Names(["Ann", "Ann Lee", "Lee", "Le"]).inside("Ann Lee-Oak"))
        ['Ann', 'Ann Lee', 'Lee']
        """
        pieces = [(m.start(), m.end()) for m in PIECE.finditer(text)]
        return {
            text[start : pieces[i + n - 1][1]]
            for i, (start, end) in enumerate(pieces)
            for n in self.lengths.get(text[start:end], ())
            if i + n <= len(pieces) and text[start : pieces[i + n - 1][1]] in self.known
        }


def named_together(facts: FactSet, entity: Mapping[str, str] | None = None) -> set[frozenset[str]]:
    """Return pairs of entities that some sentence names beside its fact's own pair.

    "Ann's boss is Bob Lee" also says "Bob", if that is somebody, and a template may spell the name of an entity.
    Such a sentence could let Bob be predicted after Ann, so that their pair is no fair test.

    Args:
        facts: what is said, with its templates.
        entity: which entity each name is of, aliases among them; without it every name is an entity of its own.
    """
    entity = {name: name for name in facts.entities} if entity is None else entity
    names = Names(entity)
    pairs: set[frozenset[str]] = set()
    for fact in facts.facts:
        own = frozenset(entity[name] for name in fact.pair)
        relation = facts.relations[fact.relation]
        for template in (*relation.head_first, *relation.tail_first):
            found = {entity[name] for name in names.inside(render(template, fact)[0])}
            if len(found) > len(own):
                pairs.update({frozenset(pair) for pair in combinations(found, 2)} - {own})
    return pairs
