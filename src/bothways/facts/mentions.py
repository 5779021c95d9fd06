"""Names inside other names and inside templates: what a sentence mentions beside the two entities of its fact."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations

from bothways.facts.templates import split_template
from bothways.types import Fact, Relation

PIECE = re.compile(r"\w+|[^\w\s]")
"""A word or a mark: names stand inside a text as whole pieces only."""


class Names:
    """Finds known names in texts."""

    def __init__(self, names: Iterable[str]) -> None:
        self.lengths: dict[str, set[int]] = defaultdict(set)
        """Numbers of pieces of the names that begin with each piece."""
        self.known = set(names)
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


def named_together(facts: Iterable[Fact], relations: Mapping[str, Relation]) -> set[frozenset[str]]:
    """Return pairs of entities that some sentence names beside or instead of its fact's own pair.

    "Ann's boss is Bob Lee" also says "Bob", if that is somebody, and a template may hold the name of an entity.
    Such a sentence could let Bob be predicted after Ann, so that their pair is no fair test.
    """
    facts = tuple(facts)
    names = Names(name for fact in facts for name in (fact.head, fact.tail))
    inside = {name: names.inside(name) - {name} for name in names.known}
    words = {name: set[str]().union(*map(names.inside, _words(relation))) for name, relation in relations.items()}
    pairs: set[frozenset[str]] = set()
    for fact in facts:
        more = inside[fact.head] | inside[fact.tail] | words[fact.relation]
        if more - fact.pair:
            pairs.update(frozenset(pair) for pair in combinations(more | fact.pair, 2) if set(pair) != fact.pair)
    return pairs


def _words(relation: Relation) -> list[str]:
    """Return the texts that a relation's templates put before, between and after its entities."""
    pieces = map(split_template, (*relation.head_first, *relation.tail_first))
    return [text for piece in pieces for text in (piece.before, piece.between, piece.after)]
